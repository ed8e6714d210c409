"""Entries for people to look at: what they carry inline in words, in the place of its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.chats.place import Kept
from runner.files import shown, shown_files
from runner.messages import ChatMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from runner.messages import Part


class SeenChats(Kept):
    """Chats for a terminal: their entries without bytes. `has_left_out` says whether there were any."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept.storage, kept.name, kept.retention)
        self._kept, self.has_left_out = kept, False

    async def log(self, key: str) -> list[ChatMessage]:
        """The entries of a chat."""
        return self._shown(await self._kept.log(key))

    async def logs(self, chats: Sequence[str]) -> AsyncIterator[tuple[str, list[ChatMessage]]]:
        """The keys and entries of these chats, or of all."""
        async for key, log in self._kept.logs(chats):
            yield key, self._shown(log)

    def _shown(self, log: list[ChatMessage]) -> list[ChatMessage]:
        self.has_left_out = self.has_left_out or any(map(has_bytes, log))
        return [without_bytes(entry) for entry in log]


_INLINE = ("inlineData", "inline_data")


def has_bytes(entry: ChatMessage) -> bool:
    """Whether an entry may carry bytes: a file, or media that a tool returned."""
    return any(name in entry.content_json for name in _INLINE)


def without_bytes(entry: ChatMessage) -> ChatMessage:
    """The entry with `[photo.png, image/png, 12 KB]` as the data of its files; the same one where there are none."""
    if not has_bytes(entry):
        return entry
    words = iter(shown_files(entry))
    parts = [part if "text" in part else _without(part, next(words)) for part in entry.parts]
    return ChatMessage({**(entry.content or {}), "parts": parts}, entry.meta)


def _without(part: Part, words: str) -> Part:
    for name in _INLINE:
        if isinstance(blob := part.get(name), dict):
            return {**part, name: {**blob, "data": words}}
    response = part.get("functionResponse")
    if isinstance(response, dict) and response.get("parts"):
        media = [_without(each, shown(each)) for each in response["parts"]]
        return {**part, "functionResponse": {**response, "parts": media}}
    return part
