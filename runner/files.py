"""Files sent with a message, as parts; and files of our own, written whole."""

from __future__ import annotations

import base64
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from runner.errors import ManifestError
from runner.file_types import named_type, sent_type

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from runner.messages import ChatMessage, Part

INLINE_LIMIT = 8 * 1024 * 1024
"""Bytes of files that travel inside one message; what is more is uploaded."""
UPLOAD_LIMIT = 2 * 1024 * 1024 * 1024
"""Bytes of one file that the service takes."""
OWN_FOLDER = ".agent-run"
"""The folder below the project root for what we keep of a project; git leaves it alone."""

_FILES = frozenset({"inlineData", "inline_data", "fileData", "file_data"})
_REMOTE = ("gs://", "https://")
_BEGINNING, _BLOCK = 8192, 1024 * 1024


class FileMeta(TypedDict, total=False):
    """What is known about a file that was sent with a message, and never sent: `files` in the meta of its entry."""

    name: str
    mime_type: str
    size: int  # bytes
    digest: str  # of its content
    path: str  # where it was, absolute
    uri: str  # where the service has it
    expires: float  # when the service forgets it, in seconds since 1970
    account: str  # whose uploads it is among
    first: bool  # one of the agent's own files, sent with the first message of the chat


class FileError(ManifestError, ValueError):
    """A file cannot be sent: it is not there, no file, of no known type, or too large."""

    reason = "FILE"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it is sent, and what is known about it; `part` is None where it is still to be uploaded."""

    meta: FileMeta
    part: Part | None

    def at_its_place(self) -> Attachment:
        """The same with a part: where it is still to be uploaded, its uri is its own place."""
        if self.part is not None:
            return self
        meta: FileMeta = {**self.meta, "uri": Path(self.meta["path"]).as_uri()}
        return Attachment(meta, {"fileData": {"fileUri": meta["uri"], "mimeType": meta["mime_type"]}})


def check(file: str | Path | Part) -> FileMeta:
    """Look whether a file can be sent, without reading it whole; its name, type and size. Raises FileError."""
    if isinstance(file, dict):
        return meta_of(file)
    if is_remote(file):
        return meta_of(_remote_part(str(file)))
    path, size = _known(file)
    with _opened(path) as stream:
        mime_type = _type_of(path, stream.read(_BEGINNING), is_whole=size <= _BEGINNING)
    return {"name": path.name, "mime_type": mime_type, "size": size}


def attachment(file: str | Path | Part) -> Attachment:
    """The file read: inline up to `INLINE_LIMIT`, else only its digest. Blocks. Raises FileError."""
    if isinstance(file, dict):
        return Attachment(meta_of(file), file)
    if is_remote(file):
        part = _remote_part(str(file))
        return Attachment(meta_of(part), part)
    path, size = _known(file)
    meta: FileMeta = {"name": path.name, "path": str(path.resolve())}
    with _opened(path) as stream:
        if size > INLINE_LIMIT:
            beginning = stream.read(_BEGINNING)
            meta |= {"mime_type": _type_of(path, beginning, is_whole=False), "size": size}
            stream.seek(0)
            return Attachment({**meta, "digest": _digest_of(stream)}, None)
        content = stream.read(INLINE_LIMIT + 1)
    meta |= {"mime_type": _type_of(path, content, is_whole=True), "size": len(content)}
    data = base64.b64encode(content).decode("ascii")
    inline: Part = {"inlineData": {"mimeType": meta["mime_type"], "data": data}}
    return Attachment({**meta, "digest": hashlib.blake2b(content, digest_size=16).hexdigest()}, inline)


def file_part(file: str | Path | Part) -> Part:
    """The part that carries a file without an upload; a part is returned as it is. Raises FileError."""
    attached = attachment(file)
    if attached.part is None:
        raise FileError(f"{file}: {size_words(attached.meta['size'])} are too many to send inline ({_LIMIT_WORDS})")
    return attached.part


def is_remote(file: str | Path) -> bool:
    """Whether a file is named by where the service finds it: `gs://`, `https://`."""
    return isinstance(file, str) and file.lower().startswith(_REMOTE)


def digest_of(path: str) -> str | None:
    """The digest of a file's content now; None where there is no such file. Blocks."""
    try:
        with Path(path).open("rb") as stream:
            return _digest_of(stream)
    except OSError:
        return None


def carries_file(part: Part) -> bool:
    """Whether a part is a file, inline or named by its uri."""
    return not _FILES.isdisjoint(part)


def meta_of(part: Part) -> FileMeta:
    """What a part tells about the file that it carries; empty for one that carries none."""
    if isinstance(blob := _either(part, "inlineData", "inline_data"), dict):
        data = blob.get("data")
        size = len(data) * 3 // 4 - data[-2:].count("=") if isinstance(data, str) else 0
        told = {"name": _either(blob, "displayName", "display_name"), "mime_type": _mime_type(blob), "size": size}
    elif isinstance(stored := _either(part, "fileData", "file_data"), dict):
        uri = _either(stored, "fileUri", "file_uri")
        name = _either(stored, "displayName", "display_name") or uri
        told = {"name": name, "mime_type": _mime_type(stored), "uri": uri}
    else:
        told = {}
    meta: Any = {key: value for key, value in told.items() if value}
    return meta  # type: ignore[no-any-return]  # with the keys that are known


def shown(part_or_meta: Mapping[str, Any]) -> str:
    """A file in a few words, `[photo.png, image/png, 12 KB]`: of its part, or of what is known about it.

    Never its bytes. What carries no file is told by its kind: `[functionCall]`.
    """
    meta: Mapping[str, Any] = part_or_meta
    if not meta.keys() & {"name", "mime_type"}:
        meta = meta_of(dict(part_or_meta))
    words = [str(meta[key]) for key in ("name", "mime_type") if meta.get(key)]
    words += [size_words(meta["size"])] if isinstance(meta.get("size"), int) else []
    return f"[{', '.join(words) or next(iter(part_or_meta), 'nothing')}]"


def shown_files(message: ChatMessage) -> list[str]:
    """What a message carries beside texts, in words and in order: what is stored of its files, else their parts."""
    metas: list[Mapping[str, Any]] = list(message.meta.get("files") or ())
    known = iter(metas)
    others = [part for part in message.parts if "text" not in part]
    return [shown(next(known, part) if carries_file(part) else part) for part in others]


def size_words(size: int) -> str:
    """`512 bytes`, `12 KB`, `34 MB`, `1.5 GB`."""
    if size < 1024:
        return f"{size} byte{'' if size == 1 else 's'}"
    for unit in ("KB", "MB"):
        size_in_unit = size / (1024 if unit == "KB" else 1024**2)
        if size_in_unit < 1023.5:
            return f"{size_in_unit:.0f} {unit}"
    return f"{size / 1024**3:.1f} GB"


_LIMIT_WORDS = f"at most {size_words(INLINE_LIMIT)}"


def _either(value: Mapping[str, Any], name: str, other: str) -> Any:
    """A field in either of the two ways in which the API writes it."""
    return value.get(name, value.get(other))


def _mime_type(value: Mapping[str, Any]) -> Any:
    return _either(value, "mimeType", "mime_type")


def _remote_part(uri: str) -> Part:
    mime_type = named_type(uri.partition("?")[0])
    if mime_type is None and uri.lower().startswith("gs://"):
        raise FileError(f"{uri}: the file's type cannot be told from its name")
    return {"fileData": {"fileUri": uri} | ({"mimeType": mime_type} if mime_type else {})}


def _known(file: str | Path) -> tuple[Path, int]:
    """The file's path and size. Raises FileError for what is no file, or too large."""
    path = Path(file)
    try:
        known = path.stat()
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if path.is_dir():
        raise FileError(f"{path}: this is a folder; name the files in it")
    if not path.is_file():
        raise FileError(f"{path}: this is no ordinary file")
    if known.st_size > UPLOAD_LIMIT:
        most = size_words(UPLOAD_LIMIT)
        raise FileError(f"{path}: {size_words(known.st_size)} are too many: Gemini takes files of at most {most}")
    if not known.st_size:
        raise FileError(f"{path}: the file is empty")
    return path, known.st_size


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error


def _type_of(path: Path, content: bytes, *, is_whole: bool) -> str:
    mime_type = sent_type(path.name, content, is_whole=is_whole)
    if mime_type is None:
        raise FileError(f"{path}: the file is no UTF-8 text, and its type cannot be told from its name")
    return mime_type


def _digest_of(stream: BinaryIO) -> str:
    digest = hashlib.blake2b(digest_size=16)
    while block := stream.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in place of the one that was there, or not at all: nobody reads half of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.name == OWN_FOLDER:  # which ignores itself; a project's `.gitignore` is the project's
        with suppress(FileExistsError), (path.parent / ".gitignore").open("x", encoding="utf-8") as stream:
            stream.write("*\n")
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
