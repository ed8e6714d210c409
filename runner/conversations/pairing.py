"""Pairs: who goes with whom, so that as many as possible have a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def paired(fits: Sequence[Sequence[bool]]) -> list[int | None]:
    """For each row the column it is paired with, no column twice; as many rows as possible have one."""
    row_of: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        columns = [column for column, fit in enumerate(fits[row]) if fit and column not in tried]
        free = next((column for column in columns if column not in row_of), None)
        if free is not None:
            row_of[free] = row
            return True
        for column in columns:
            if column not in tried:
                tried.add(column)
                if place(row_of[column], tried):
                    row_of[column] = row
                    return True
        return False

    for row in range(len(fits)):
        place(row, set())
    column_of = {row: column for column, row in row_of.items()}
    return [column_of.get(row) for row in range(len(fits))]


def all_paired(fits: Sequence[Sequence[bool]]) -> bool:
    """Whether each row has a partner."""
    return None not in paired(fits)
