"""Lines at the bottom of a terminal that are drawn again and again, below text that is printed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Line: TypeAlias = tuple[str, int]
"""A line for the terminal, styles included, and the number of columns it takes."""

_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"


class Live:
    """What has been drawn, so that it can be taken away; it makes texts to write and writes nothing."""

    def __init__(self) -> None:
        self._shown: list[Line] = []

    def redrawn(self, printed: str, lines: Sequence[Line], columns: int) -> str:
        """The text that takes away the live lines, prints `printed` (complete lines) for good, and draws `lines`."""
        if not printed and list(lines) == self._shown:
            return ""
        text = self._erased(columns) + printed
        self._shown = list(lines)
        if lines:
            drawn = "\n".join(line for line, _ in lines)
            text += f"{_NO_WRAP}{drawn}{_WRAP}"  # so that a line the terminal finds wider than we do stays one row
        return text

    def _erased(self, columns: int) -> str:
        """The cursor stands in the last live line; a terminal that was made narrower has wrapped the longer ones."""
        if not self._shown:
            return ""
        rows = sum(max(1, -(-width // max(columns, 1))) for _, width in self._shown)
        return f"\r\x1b[{rows - 1}A\x1b[J" if rows > 1 else "\r\x1b[J"
