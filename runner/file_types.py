"""The types of files, as Gemini takes them: what every system tells from a name in its own way is told here in one."""

from __future__ import annotations

import codecs
from pathlib import PurePosixPath

TEXT = "text/plain"
_OWN: dict[str, str] = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".mp3": "audio/mp3",
    ".wav": "audio/wav",
    ".aac": "audio/aac",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".m4a": "audio/m4a",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".flv": "video/x-flv",
    ".webm": "video/webm",
    ".wmv": "video/x-ms-wmv",
    ".3gp": "video/3gpp",
}
_TEXTS = frozenset({"text/html", "text/css", "text/csv", "text/xml", "text/rtf"})
"""Texts that the API takes under their own name; all others it refuses, unless they come as plain text."""
_UNTOLD = frozenset({"application/octet-stream"})


def named_type(name: str) -> str | None:
    """The type that a file's name tells; None where it tells none."""
    known = _OWN.get(PurePosixPath(name).suffix.lower())
    if known is not None:
        return known
    from mimetypes import guess_type

    mime_type, encoding = guess_type(name)
    return None if encoding or mime_type in _UNTOLD else mime_type


def suffix_of(mime_type: str) -> str:
    """What the name of a file of that type ends in; `.bin` where that is not known."""
    from mimetypes import guess_extension

    own = next((suffix for suffix, known in _OWN.items() if known == mime_type), None)
    return own or guess_extension(mime_type) or ".bin"


def sent_type(name: str, content: bytes, *, is_whole: bool) -> str | None:
    """The type to send a file as, told from its name and its content or the beginning of it; None for an unknown one.

    Every UTF-8 text can be sent, whatever its name.
    """
    mime_type = named_type(name)
    if mime_type == _OWN[".pdf"]:
        return mime_type
    if _is_text(content, is_whole=is_whole):
        return mime_type if mime_type in _TEXTS else TEXT
    return None if mime_type is None or mime_type.startswith("text/") else mime_type


def _is_text(content: bytes, *, is_whole: bool) -> bool:
    if b"\x00" in content:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final=is_whole)
    except UnicodeDecodeError:
        return False
    return True
