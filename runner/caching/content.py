"""What an agent's requests begin with beside its instructions: texts and files, read anew when they change."""

from __future__ import annotations

import hashlib
import mimetypes
import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from runner.errors import ManifestError
from runner.files import INLINE_LIMIT, file_part
from runner.messages import ChatMessage, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.messages import Part

FILE_LIMIT = 1000
_PATTERN = frozenset("*?[")
_PDF = "application/pdf"
_MEDIA = ("image/", "audio/", "video/")
_BYTES_A_TOKEN = 3  # English has 4 and more, so this is rather too many tokens than too few


@dataclass(frozen=True, slots=True)
class Files:
    """The files a path or a pattern names, relative to `folder`; none is outside of `root`."""

    named: str
    folder: Path
    root: Path

    def paths(self) -> list[Path]:
        """The files there are now, in order. Raises ManifestError where there is none, or one that may not be read."""
        if _is_hidden(PurePath(self.named)):
            raise self._wrong("is hidden: it may hold secrets")
        if _PATTERN.isdisjoint(self.named):
            found = [self.folder / self.named]
            if not found[0].is_file():
                raise self._wrong("no such file")
        else:
            found = self._matching()
        for path in found:
            if not path.resolve().is_relative_to(self.root.resolve()):
                raise self._wrong(f"leads out of the project {self.root}")
        return found

    def _matching(self) -> list[Path]:
        """The files of a pattern but for hidden ones."""
        try:
            paths = self.folder.glob(self.named)
            found = sorted(path for path in paths if path.is_file() and not self._hides(path))
        except (ValueError, NotImplementedError, OSError) as error:
            raise self._wrong(f"is not a pattern of files: {error}") from error
        if not found:
            raise self._wrong("matches no file")
        if len(found) > FILE_LIMIT:
            raise self._wrong(f"matches more than {FILE_LIMIT:,} files")
        return found

    def _hides(self, path: Path) -> bool:
        """Whether what the pattern stands for is hidden; the folder itself may be."""
        return _is_hidden(PurePath(os.path.relpath(path, self.folder)))

    def _wrong(self, why: str) -> ManifestError:
        return ManifestError(f'"{self.named}": {why}', key="cache.content")


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
            self._content = _content([{"text": one} if isinstance(one, str) else _part(one) for one in paths_or_texts])
            self._seen = seen
        return self._content


def _is_hidden(path: PurePath) -> bool:
    return any(part.startswith(".") and part != ".." for part in path.parts)


def tokens_in(text: str) -> int:
    """About how many tokens a text has, at most."""
    return len(text.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN


def _content(parts: list[Part]) -> Content:
    message = ChatMessage({"role": "user", "parts": parts})
    text = to_json(parts)
    if len(text) > 5 * INLINE_LIMIT:
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


def _part(path: Path) -> Part:
    """A file as a part: a text as text, what Gemini can look at or listen to inline."""
    mime_type = mimetypes.guess_type(path.name)[0] or ""
    try:
        text = None if mime_type == _PDF else _text(path)
        if text is not None:
            return {"text": text}
        if mime_type == _PDF or mime_type.startswith(_MEDIA):
            return file_part(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    raise _unreadable(path, "neither UTF-8 text nor a picture, a sound, a film or a PDF")


def _text(path: Path) -> str | None:
    """The text of a file that is one, else None."""
    if (size := path.stat().st_size) > INLINE_LIMIT:
        raise ValueError(f"{size:,} bytes are too many to send inline (at most {INLINE_LIMIT:,})")
    content = path.read_bytes()
    try:
        return None if b"\x00" in content else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _unreadable(path: Path, error: OSError | ValueError | str) -> ManifestError:
    reason = getattr(error, "strerror", None) or str(error)
    return ManifestError(f"{path}: {reason}", key="cache.content")
