"""Slots that hold numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.models.offline.lexicon import SECONDS
from runner.models.offline.sharing import Candidate, joined_run, take
from runner.models.offline.words import stem

if TYPE_CHECKING:
    from runner.models.offline.filling import Filling
    from runner.models.offline.numbers import Number
    from runner.models.offline.schema import Slot

_ANY_NUMBER = frozenset(
    stem(word) for word in ["value", "amount", "number", "quantity", "count", "sum", "price", "size", "n", "x", "total"]
)


def fill_numbers(filling: Filling, slots: list[Slot]) -> None:
    """Fill slots that hold a number: first those that a number's unit or noun names."""
    for slot in slots:
        named = [one for one in _free(filling) if _speaks_of(filling, slot, one)]
        _take_number(filling, slot, named[:1] if len(slots) > 1 else named)
    open_slots = [slot for slot in slots if not filling.is_filled(slot)]
    for slot in open_slots:
        _count_days(filling, slot)
        alone = len(open_slots) == 1
        suited = [one for one in _free(filling) if _may_mean(filling, slot, one)]
        _take_number(filling, slot, suited if alone else suited[:1])


def _free(filling: Filling) -> list[Number]:
    return [one for one in filling.message.numbers if not filling.is_owned(one.start, one.end)]


def _take_number(filling: Filling, slot: Slot, numbers: list[Number]) -> None:
    candidates = [Candidate(_in_slot_unit(slot, one), one.start, max(one.end, _noun_end(slot, one))) for one in numbers]
    take(filling, slot, joined_run(filling, [one for one in candidates if one.value is not None]), 0.4)


def _noun_end(slot: Slot, number: Number) -> int:
    return (
        number.noun_end if number.unit in {"percent", "degree"} or stem(number.noun) in slot.words | slot.hints else 0
    )


def _in_slot_unit(slot: Slot, number: Number) -> int | float | None:
    """The number in the unit of the slot's name: "2 hours" for `minutes` is 120; None where it cannot be."""
    wanted = next((one for one in SECONDS if stem(one) in slot.words), "")
    value: int | float = number.value
    if wanted and number.unit in SECONDS:
        value = value * SECONDS[number.unit] / SECONDS[wanted]
    if slot.kind == "integer":
        return int(value) if value == int(value) else None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _speaks_of(filling: Filling, slot: Slot, number: Number) -> bool:
    """Whether the words around a number name the slot."""
    timed = number.unit in SECONDS and any(stem(one) in slot.words | slot.hints for one in SECONDS)
    if number.noun and (
        stem(number.noun) in (slot.words | slot.hints) - _ANY_NUMBER
        or stem(number.unit) in slot.words | slot.hints
        or timed
    ):
        return True
    before = filling.message.before(number.start, 3)
    return any(word.stem in slot.words - _ANY_NUMBER for word in before if word.low not in {"to", "of"})


def _may_mean(filling: Filling, slot: Slot, number: Number) -> bool:
    timed = number.unit in SECONDS
    if timed and not any(other.role == "unit" for other in filling.tool.slots):
        return False
    if slot.words & _ANY_NUMBER:
        return True
    if number.noun and stem(number.noun) in filling.tool.vocabulary:
        return True
    texts = any(other.required and other.role == "content" for other in filling.tool.slots)
    return slot.required or not texts


def _count_days(filling: Filling, slot: Slot) -> None:
    """Where a tool counts days and takes no date, "tomorrow" means two days: today and the next."""
    if stem("day") not in slot.words or any(other.kind in {"date", "datetime"} for other in filling.tool.slots):
        return
    today = filling.message.now.date()
    ahead = [(one, (one.day - today).days + 1) for one in filling.message.moments if one.day and one.day > today]
    if ahead:
        moment, count = max(ahead, key=lambda pair: pair[1])
        take(filling, slot, [Candidate(count, moment.start, moment.end)], 0.5)
