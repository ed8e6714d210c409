"""`Source`: one text file as it was read, and where in it something stands."""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SIZE_LIMIT = 1_000_000  # bytes of one file

_LINE_END = re.compile(r"\r\n|\n|\r")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class SourceError(Exception):
    """A file that cannot be read as text. `code` is a diagnostic's; `source` and `offset` say where, if known."""

    def __init__(self, code: str, message: str, source: Source | None = None, offset: int = 0) -> None:
        self.code, self.message, self.source, self.offset = code, message, source, offset
        super().__init__(message)


@dataclass(frozen=True, eq=False)
class Source:
    """A file's text, line ends as they are in the file, and the name a person here would give it."""

    path: Path
    shown: str
    text: str
    has_bom: bool = False

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE_END.finditer(self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both counted from 1, in characters."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int = 1) -> int:
        """The character at a line and column, both counted from 1; beyond the text, its end."""
        if line > len(self._starts):
            return len(self.text)
        return min(self._starts[max(line, 1) - 1] + column - 1, len(self.text))

    def line(self, number: int) -> str:
        """One line, counted from 1, without its end."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


def shown_path(path: Path) -> str:
    """The path as a person in the current folder would write it."""
    try:
        here = Path.cwd()
    except OSError:  # the folder we stand in was removed
        return str(path)
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def read_source(path: Path, *, shown: str | None = None, limit: int = SIZE_LIMIT) -> Source:
    """The text of a regular file of at most `limit` bytes, in UTF-8. Raises SourceError saying what it is instead."""
    try:
        content = _content(path, limit)
    except FileNotFoundError:
        raise SourceError("E100", "no such file") from None
    except IsADirectoryError:
        raise SourceError("E100", "a folder, not a regular file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError("E100", f"cannot be read: {reason}") from error
    return _decoded(content, path, shown_path(path) if shown is None else shown)


def _content(path: Path, limit: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123  # a pipe must not be opened in a way that waits for its writer
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if not stat.S_ISREG(mode):
            raise SourceError("E100", "not a regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise SourceError("E110", f"larger than {limit:,} bytes")
    return content


def _decoded(content: bytes, path: Path, shown: str) -> Source:
    has_bom = content.startswith(b"\xef\xbb\xbf")
    body = content[3:] if has_bom else content
    if body.startswith(_UTF16):
        raise SourceError("E111", "UTF-16 text; save it as UTF-8")
    try:
        return Source(path, shown, body.decode(), has_bom)
    except UnicodeDecodeError as error:
        if b"\x00" in content:
            raise SourceError("E111", "binary data, not text") from error
        before = len(body[: error.start].decode())
        source = Source(path, shown, body.decode(errors="replace"), has_bom)
        message = f"not UTF-8 text: the byte 0x{body[error.start]:02x}; save the file as UTF-8"
        raise SourceError("E111", message, source, before) from error
