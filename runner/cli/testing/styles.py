"""Lines of a report as terminals show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.cli.screen import visible
from runner.conversations.reports.lines import Layout

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.cli.output import Output
    from runner.conversations.reports.lines import Line, Look
    from runner.conversations.results import Outcome

_PLAIN = "\x1b[0m"
_STYLES: dict[Look, str] = {
    "head": "\x1b[1m",
    "good": "\x1b[32m",
    "bad": "\x1b[31m",
    "warn": "\x1b[33m",
    "dim": "\x1b[2m",
    "added": "\x1b[32m",
    "removed": "\x1b[31m",
}
_MARKS: dict[Outcome, tuple[str, str, str, Look]] = {
    "passed": ("✓", "+", "passed ", "good"),
    "failed": ("✗", "x", "failed ", "bad"),
    "error": ("!", "!", "error  ", "bad"),
    "skipped": ("-", "-", "skipped", "dim"),
}
_FILE_WIDTH = 100  # of what is not a terminal


@dataclass(frozen=True, slots=True)
class Style:
    """How texts look on one stream: with colours and signs where it is a terminal and `plain` was not asked for."""

    out: Output
    folder: Path
    plain: bool = False

    @property
    def is_drawn(self) -> bool:
        """Whether signs stand for words, and lines may be taken back."""
        return self.out.can_draw and not self.plain

    def layout(self) -> Layout:
        """How lines are broken now: a terminal's width may change."""
        width = self.out.columns if self.out.is_terminal else _FILE_WIDTH
        ascii_only = self.out.glyph("✓•⋅│≠→", "") == ""
        return Layout(width=width, folder=self.folder, clean=visible, ascii=ascii_only)

    def painted(self, text: str, look: Look) -> str:
        """A text in its colour, where there are colours."""
        if self.plain or not self.out.has_style or look not in _STYLES:
            return text
        return f"{_STYLES[look]}{text}{_PLAIN}"

    def written(self, lines: Iterable[Line]) -> str:
        """The lines as one text."""
        return "".join(f"{self.painted(line.text, line.look)}\n" for line in lines)

    def mark(self, outcome: Outcome) -> tuple[str, Look]:
        """The sign, or the word, for how a case ended, and its colour."""
        sign, ascii_sign, word, look = _MARKS[outcome]
        return (self.out.glyph(sign, ascii_sign) if self.is_drawn else word), look

    def dot(self, passed: bool | None) -> tuple[str, Look]:
        """The sign for a turn: passed, failed, not run."""
        if passed is None:
            return self.out.glyph("◦", "."), "dim"
        return (self.out.glyph("•", "o"), "good") if passed else (self.out.glyph("✗", "x"), "bad")
