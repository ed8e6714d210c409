"""How many columns a text takes in a terminal, and texts broken to fit."""

from __future__ import annotations

import unicodedata


def width_of(text: str) -> int:
    """The columns a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
        for char in text
    )


def fitting(line: str, width: int) -> int:
    """How many of a line's characters, at least one, fit into `width` columns."""
    if line[: width + 1].isascii():
        return min(max(width, 1), len(line))
    taken = 0
    for number, char in enumerate(line):
        taken += width_of(char)
        if taken > width:
            return max(number, 1)
    return len(line)


def wrapped(line: str, width: int, indent: str = "") -> list[str]:
    """A line in pieces of at most `width` columns, broken between words where there are any.

    `indent` stands before all pieces but the first.
    """
    width = max(width, len(indent) + 2)
    pieces: list[str] = []
    while (cut := fitting(line, width)) < len(line):
        blank = line.rfind(" ", len(indent) + 1, cut + 1)
        cut = blank if blank > cut // 2 else cut
        pieces.append(line[:cut])
        line = indent + (line[cut:].lstrip(" ") if blank == cut else line[cut:])
    return [*pieces, line]
