"""A message's files as they can be sent now: with uris that are alive, and without what the model cannot look at."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from runner.events import Notice
from runner.files import carries_file, shown
from runner.media import in_words
from runner.messages import ChatMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator

    from runner.attachments.uploads import Uploads
    from runner.files import FileMeta
    from runner.messages import Json, Part


def uris(messages: Iterable[ChatMessage]) -> Iterator[str]:
    """The uris of all files that messages name."""
    for message in messages:
        if message.has_files:
            yield from (part["fileData"]["fileUri"] for part in message.parts if _is_stored(part))


async def alive(message: ChatMessage, uploads: Uploads) -> AsyncGenerator[Notice | ChatMessage, None]:
    """What is to be told, and at last the message: the same one where all its uris are alive."""
    metas = list(message.meta.get("files") or ())
    if not any("uri" in meta for meta in metas):  # all are inline: there is no need to decode them
        yield message
        return
    parts = message.parts
    places = [place for place, part in enumerate(parts) if carries_file(part)]
    metas += [{} for _ in places[len(metas) :]]
    is_new = False
    for index, place in enumerate(places):
        if not _is_stored(parts[place]):
            continue
        before, now = parts[place]["fileData"]["fileUri"], None
        async with aclosing(uploads.kept(before, metas[index])) as told:
            async for item in told:
                if isinstance(item, Notice):
                    yield item
                else:
                    now = item
        if now is None or now["uri"] != before:
            is_new = True
            parts[place], metas[index] = _renamed(parts[place], metas[index], now)
    yield _with(message, parts, metas) if is_new else message


def fitting_media(message: ChatMessage, types: frozenset[str] | None) -> ChatMessage:
    """The message with media that tools returned only of these types, None for all; others are told in words."""
    metas = message.meta.get("files") or []
    if types is None or all(meta.get("mime_type") in types for meta in metas):
        return message
    parts = [_in_words(part, types) if _media(part) else part for part in message.parts]
    return _with(message, parts, metas)


def _is_stored(part: Part) -> bool:
    stored = part.get("fileData")
    return isinstance(stored, dict) and isinstance(stored.get("fileUri"), str)


def _media(part: Part) -> list[Part]:
    """What a function response carries beside its JSON."""
    response = part.get("functionResponse")
    return (response.get("parts") or []) if isinstance(response, dict) else []


def _mime_type(part: Part) -> str:
    return str((part.get("inlineData") or {}).get("mimeType"))


def _renamed(part: Part, meta: FileMeta, now: FileMeta | None) -> tuple[Part, FileMeta]:
    if now is None:
        return {"text": f"{shown(meta or part)} was sent here. The file is no longer available."}, meta
    return {**part, "fileData": {**part["fileData"], "fileUri": now["uri"]}}, now


def _with(message: ChatMessage, parts: list[Part], metas: list[FileMeta]) -> ChatMessage:
    return ChatMessage({**(message.content or {}), "parts": parts}, {**message.meta, "files": metas})


def _in_words(part: Part, types: frozenset[str]) -> Part:
    response: Json = {key: value for key, value in part["functionResponse"].items() if key != "parts"}
    media = _media(part)
    told = [each for each in media if _mime_type(each) not in types]
    kept = [each for each in media if _mime_type(each) in types]
    words = in_words(response.get("response"), told, " (this model cannot look at it)")
    return {**part, "functionResponse": {**response, "response": words} | ({"parts": kept} if kept else {})}
