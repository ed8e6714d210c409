"""Expected against actual: lines paired with what stands in their place, and what differs within a pair."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_LINES = 2_000  # of a side; more are not compared, only shown
_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_ALIKE = 0.4  # of a pair's words: below that, the lines have nothing to do with each other

Piece: TypeAlias = tuple[str, bool]
"""Some text, and whether it differs from what stands on the other side."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line on either side; None where the other side has a line that this one lacks."""

    expected: tuple[Piece, ...] | None
    actual: tuple[Piece, ...] | None

    @property
    def is_same(self) -> bool:
        """Whether both sides agree."""
        return self.expected == self.actual


def rows(expected: str, actual: str) -> list[Row]:
    """The lines of two texts side by side."""
    left, right = expected.splitlines()[:_MOST_LINES], actual.splitlines()[:_MOST_LINES]
    found: list[Row] = []
    for tag, start, end, other_start, other_end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        ours, theirs = left[start:end], right[other_start:other_end]
        if tag == "equal":
            found += [Row(((line, False),), ((line, False),)) for line in ours]
        else:
            found += _paired(ours, theirs)
    return found


def _paired(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Row]:
    for index in range(max(len(ours), len(theirs))):
        one = ours[index] if index < len(ours) else None
        other = theirs[index] if index < len(theirs) else None
        if one is not None and other is not None:
            yield _marked(one, other)
        else:
            yield Row(_changed(one), _changed(other))


def _changed(line: str | None) -> tuple[Piece, ...] | None:
    return None if line is None else ((line, True),)


def _marked(one: str, other: str) -> Row:
    """A pair with the words that differ marked; all of it where hardly a word is the same."""
    left, right = _WORD.findall(one), _WORD.findall(other)
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if len(left) + len(right) > _MOST_LINES or matcher.ratio() < _ALIKE:
        return Row(_changed(one), _changed(other))
    ours: list[Piece] = []
    theirs: list[Piece] = []
    for tag, start, end, other_start, other_end in matcher.get_opcodes():
        ours += [("".join(left[start:end]), tag != "equal")] if end > start else []
        theirs += [("".join(right[other_start:other_end]), tag != "equal")] if other_end > other_start else []
    return Row(tuple(ours), tuple(theirs))


def unified(expected: str, actual: str) -> list[str]:
    """The lines of a unified diff, without the two that name files."""
    lines = unified_diff(expected.splitlines(), actual.splitlines(), n=2, lineterm="")
    return [line for number, line in enumerate(lines) if number > 1]
