"""Lines of a report: text that fits a width, and how it is to look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.widths import fitting, width_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)

Look: TypeAlias = Literal["plain", "head", "good", "bad", "warn", "dim", "added", "removed"]
_LEAST = 20  # columns; a narrower terminal breaks lines itself


@dataclass(frozen=True, slots=True)
class Line:
    """One line, without its end."""

    text: str
    look: Look = "plain"


def seen(text: str) -> str:
    """A text with a replacement character for everything that shows nothing, or turns the text around."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How lines are made: `clean` makes a text safe for where it goes, paths are relative to `folder`."""

    width: int = 100
    folder: Path | None = None
    clean: Callable[[str], str] = _as_it_is
    ascii: bool = False

    def glyph(self, preferred: str, plain: str) -> str:
        """`preferred`, or `plain` where only ASCII is written."""
        return plain if self.ascii else preferred

    def place(self, path: Path, line: int | None = None) -> str:
        """`agents/weather.conversations.yaml:12`, relative to the folder if it lies in it."""
        short = path.relative_to(self.folder) if self.folder and path.is_relative_to(self.folder) else path
        return self.clean(f"{short.as_posix()}:{line}" if line else short.as_posix())

    def lines(self, text: str, look: Look = "plain", *, first: str = "", rest: str | None = None) -> Iterator[Line]:
        """The lines of a text, broken at the width; `first` stands before the first, `rest` before the others."""
        before, rest = first, " " * width_of(first) if rest is None else rest
        for line in self.clean(text).replace("\t", "    ").split("\n"):
            for piece in wrapped(line, max(self.width - width_of(rest), _LEAST)):
                yield Line(f"{before}{piece}".rstrip(), look)
                before = rest


def shortened(line: str, width: int) -> str:
    """A line that is cut where it is wider than `width` columns."""
    return line if fitting(line, width) == len(line) else f"{line[: fitting(line, max(width - 1, 1))]}…"


def padded(line: str, width: int) -> str:
    """A line with blanks up to `width` columns."""
    return line + " " * max(width - width_of(line), 0)


def joined(lines: Iterable[Line]) -> str:
    """The lines as one text, with a newline at its end."""
    return "".join(f"{line.text}\n" for line in lines)
