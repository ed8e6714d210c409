"""What an agent's requests begin with beside its instructions: texts and files, read anew when they change."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import ManifestError
from runner.files import Attachment, FileError, attachment, carries_file
from runner.messages import ChatMessage, to_json
from runner.tokens import tokens_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.named_files import Files

_MOST = 100 * 1024 * 1024  # bytes of a request
_READABLE = ("text/", "image/", "audio/", "video/", "application/pdf")


@dataclass(frozen=True, slots=True)
class Content:
    """The content as it is now: `message` carries it, `digest` tells it from any other.

    `tokens` is about how many they are, at most; None where pictures or sounds are among them.
    """

    message: ChatMessage | None = None
    digest: str = ""
    tokens: int | None = 0


class CachedContent:
    """Texts and files. Looked at before every request, and read when they have changed."""

    def __init__(self, items: Sequence[str | Files] = ()) -> None:
        self._items = items
        self._seen: tuple[object, ...] | None = None
        self._content = Content()

    async def read(self) -> Content:
        """The content now. Raises ManifestError where a file cannot be read: an agent does not answer without it."""
        if not self._items:
            return self._content
        from asyncio import to_thread  # checking a manifest reads content too, and needs no event loop

        return await to_thread(self.read_now)

    def read_now(self) -> Content:
        """The same, at once."""
        found = [item if isinstance(item, str) else item.paths() for item in self._items]
        seen = tuple(each if isinstance(each, str) else tuple(map(_state, each)) for each in found)
        if seen != self._seen:
            paths_or_texts = [one for each in found for one in ([each] if isinstance(each, str) else each)]
            self._content = _content(paths_or_texts)
            self._seen = seen
        return self._content


def _content(found: list[str | Path]) -> Content:
    attached = [Attachment({}, {"text": each}) if isinstance(each, str) else _attachment(each) for each in found]
    placed = [each.at_its_place() for each in attached]
    parts = [each.part for each in placed if each.part is not None]
    metas = [each.meta for each in placed if each.part is not None and carries_file(each.part)]
    is_uploaded = any("uri" in meta for meta in metas)
    message = ChatMessage({"role": "user", "parts": parts}, {"files": metas} if is_uploaded else {})
    text = to_json([each.part or [each.meta["digest"], each.meta["mime_type"]] for each in attached])
    if len(text) > _MOST:
        raise ManifestError(f"{len(text):,} bytes are too many to send", key="cache.content")
    is_text = all("text" in part for part in parts)
    tokens = sum(tokens_in(part["text"]) for part in parts) if is_text else None
    return Content(message, hashlib.blake2b(text.encode("ascii"), digest_size=16).hexdigest(), tokens)


def _state(path: Path) -> tuple[object, ...]:
    try:
        known = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return os.fspath(path), known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns


def _attachment(path: Path) -> Attachment:
    """A file as it is sent: a text as text, what Gemini can look at or listen to inline, or to be uploaded."""
    try:
        found = attachment(path)
    except FileError as error:
        raise ManifestError(error.message, key="cache.content") from error
    mime_type = found.meta["mime_type"]
    if mime_type.startswith("text/") and found.part is not None:
        data = base64.b64decode(found.part["inlineData"]["data"])
        return Attachment({}, {"text": data.decode("utf-8-sig")})
    if mime_type.startswith(_READABLE):
        return found
    raise _unreadable(path, "neither UTF-8 text nor a picture, a sound, a film or a PDF")


def _unreadable(path: Path, error: OSError | str) -> ManifestError:
    reason = getattr(error, "strerror", None) or str(error)
    return ManifestError(f"{path}: {reason}", key="cache.content")
