"""Expected and made calls side by side, line by line, and what is wrong with them in words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from runner.conversations.matching import described
from runner.conversations.pairing import paired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.conversations.calls import Comparison, Slot
    from runner.conversations.results import CallRecord

Row: TypeAlias = "tuple[int | None, int | None]"
"""A slot, and the call that stands beside it; either may be missing."""
_LONGEST = 160
_FITS, _NAMED, _LEFT = 4, 1, 0


@dataclass(slots=True)
class Aligned:
    """The two sides, a line a call, and a sentence for each difference."""

    expected: str
    actual: str
    problems: list[str] = field(default_factory=list)


def aligned(comparison: Comparison, *, ordered: bool, extra: bool) -> Aligned:
    """The sides of a comparison that failed."""
    rows = rows_of(comparison, ordered=ordered)
    expected = [_slot_text(comparison.slots[slot]) if slot is not None else "" for slot, _ in rows]
    actual = [_call_text(comparison.made[made].record) if made is not None else "" for _, made in rows]
    problems = [problem for row in rows if (problem := _problem(comparison, row, extra=extra))]
    if ordered and comparison.is_met(ordered=False, extra=extra):
        problems = ["the calls are those expected, but not in this order"]
    elif not problems:
        problems = ["calls that are expected in parallel were not made in one step"]
    return Aligned("\n".join(expected), "\n".join(actual), problems)


def rows_of(comparison: Comparison, *, ordered: bool) -> list[Row]:
    """Which slot stands beside which call; slots that need no call, and have none, are left out."""
    rows = _in_order(comparison) if ordered else _in_any_order(comparison)
    return [row for row in rows if row[1] is not None or comparison.slots[row[0] or 0].required]


def call_text(name: str, args: object) -> str:
    """`get_weather(city="Paris")`."""
    if not isinstance(args, dict):
        return f"{name}({described(args)})"
    text = ", ".join(f"{key}={described(value)}" for key, value in args.items())
    return f"{name}({text if len(text) <= _LONGEST else f'{text[: _LONGEST - 3]}...'})"


def _slot_text(slot: Slot) -> str:
    part = slot.part
    text = call_text(part.tool, part.args) if part.args is not None else f"{part.tool}(...)"
    text += f" -> {part.status}" if part.status != "ok" else ""
    text += f" -> {described(part.result)}" if "result" in part.model_fields_set else ""
    return f"{text} (in parallel)" if slot.group is not None else text


def _call_text(record: CallRecord) -> str:
    text = call_text(record.name, record.args)
    if record.kind == "ok":
        return text
    return f"{text} -> {record.kind}: {json.dumps(record.result, ensure_ascii=False, default=str)[:_LONGEST]}"


def _problem(comparison: Comparison, row: Row, *, extra: bool) -> str | None:
    slot, made = row
    if made is None:
        assert slot is not None  # noqa: S101  # a row has a side
        return f"not called: {_slot_text(comparison.slots[slot])}"
    record = comparison.made[made].record
    if slot is None:
        return None if extra else f"not expected: {_call_text(record)}"
    differences = comparison.mismatches(comparison.slots[slot].part, record)
    return f"{record.name}: {'; '.join(differences)}" if differences else None


def _score(comparison: Comparison, slot: int, made: int) -> int:
    if comparison.fits(slot, made):
        return _FITS
    return _NAMED if comparison.slots[slot].part.tool == comparison.made[made].record.name else _LEFT


def _in_order(comparison: Comparison) -> list[Row]:
    """The rows that leave the order of both sides and put as much as possible side by side."""
    slots, calls = len(comparison.slots), len(comparison.made)
    best = [[0] * (calls + 1) for _ in range(slots + 1)]  # what the rest from here on can score
    for slot in reversed(range(slots)):
        for made in reversed(range(calls)):
            beside = best[slot + 1][made + 1] + _score(comparison, slot, made)
            best[slot][made] = max(beside, best[slot + 1][made], best[slot][made + 1])
    rows: list[Row] = []
    slot = made = 0
    while slot < slots and made < calls:
        score = _score(comparison, slot, made)
        if score and best[slot][made] == best[slot + 1][made + 1] + score:
            rows.append((slot, made))
            slot, made = slot + 1, made + 1
        elif best[slot][made] == best[slot + 1][made]:
            rows.append((slot, None))
            slot += 1
        else:
            rows.append((None, made))
            made += 1
    return [*rows, *((rest, None) for rest in range(slot, slots)), *((None, rest) for rest in range(made, calls))]


def _in_any_order(comparison: Comparison) -> list[Row]:
    """First what fits, then what has the same name, then what is left over."""
    slots, calls = range(len(comparison.slots)), range(len(comparison.made))
    rows: dict[int, int] = _pairs(comparison, slots, calls, _FITS)
    left_slots = [slot for slot in slots if slot not in rows]
    left_calls = [made for made in calls if made not in rows.values()]
    rows |= _pairs(comparison, left_slots, left_calls, _NAMED)
    others = [made for made in calls if made not in rows.values()]
    return [*((slot, rows.get(slot)) for slot in slots), *((None, made) for made in others)]


def _pairs(comparison: Comparison, slots: Sequence[int], calls: Sequence[int], least: int) -> dict[int, int]:
    found = paired([[_score(comparison, slot, made) >= least for made in calls] for slot in slots])
    return {slot: calls[at] for slot, at in zip(slots, found, strict=True) if at is not None}
