"""An answer that is on the screen and not printed yet, because the places of its sources are told at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.answers.sources import marked
from runner.cli.screen import visible

if TYPE_CHECKING:
    from runner.cli.live import Line
    from runner.events import TurnEnded


class Held:
    """The finished lines of one text, drawn with those that still change, as long as all of them fit the screen."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._said = ""
        self._is_whole = True

    def feed(self, text: str) -> None:
        """Add text, as it arrived."""
        self._said += text

    def kept(self, finished: str, rows: int) -> str:
        """Keep lines that were finished now; returns what is to be printed: all of it, where `rows` are too few."""
        from rich.text import Text

        if self._is_whole:
            self.lines += [(line, Text.from_ansi(line).cell_len) for line in finished.splitlines()]
            if len(self.lines) <= rows:
                return ""
            self._is_whole, finished = False, ""
        return self.released() + finished

    def released(self) -> str:
        """The lines, to be printed as they are."""
        lines, self.lines = self.lines, []
        return "".join(f"{line}\n" for line, _ in lines)

    def cited(self, ended: TurnEnded) -> str:
        """The text with the numbers of its sources, safe for a terminal; empty where they cannot be set any more."""
        start = len(ended.text) - len(self._said)
        if not self._is_whole or not self._said or not ended.text.endswith(self._said):
            return ""
        text = marked(self._said, ended.sources, start)
        return visible(text) if text != self._said else ""
