"""Slots that say by their type what fills them: choices, numbers, days, addresses, units, languages, arithmetic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runner.models.offline.choices import all_choices, choice_matches, is_currency_code, switched
from runner.models.offline.lexicon import LANGUAGES, NOT_WORDS, SECONDS, UNITS
from runner.models.offline.words import stem, words

MAX_CALLS = 8
"""The most calls that one message makes."""

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.models.offline.filling import Filling
    from runner.models.offline.numbers import Number
    from runner.models.offline.schema import Slot

_TO_WORDS = frozenset({"to", "into", "in", "as", "until", "till", "=", "→", ">"})
_FROM_WORDS = frozenset({"from", "since", "between"})
_ANY_NUMBER = frozenset(
    stem(word) for word in ["value", "amount", "number", "quantity", "count", "sum", "price", "size", "n", "x", "total"]
)
_ANY_NUMBER_ROLES = frozenset({"content"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value at `start` to `end` of the message; `direction` is what the words around it say: from, to, or nothing."""

    value: Any
    start: int
    end: int
    direction: str = ""


def fill_typed(filling: Filling) -> None:
    """Fill the slots whose type says what fills them, the narrowest types first."""
    for kinds, find in _FINDERS:
        for group in _groups([slot for slot in filling.tool.slots if slot.kind in kinds or slot.role in kinds]):
            find(filling, group)


def _groups(slots: list[Slot]) -> list[list[Slot]]:
    """Slots that compete for the same values, such as `from_currency` and `to_currency`."""
    groups: dict[str, list[Slot]] = {}
    for slot in slots:
        groups.setdefault(f"{slot.kind} {slot.role} {slot.choices}", []).append(slot)
    return list(groups.values())


def _assign(filling: Filling, slots: Sequence[Slot], candidates: Sequence[Candidate], strength: float) -> None:
    """Share the candidates among the slots: by direction, and what is left in order."""
    rest = [one for one in candidates if not filling.is_owned(one.start, one.end)]
    if len(slots) == 1:
        slot = slots[0]
        fitting = [one for one in rest if not slot.direction or one.direction in {"", slot.direction}]
        _take(filling, slot, _run(filling, fitting or rest), strength)
        return
    for slot in slots:
        if slot.direction and (run := _run(filling, [one for one in rest if one.direction == slot.direction])):
            _take(filling, slot, run, strength)
            rest = [one for one in rest if one not in run]
    for slot in slots:
        if not filling.is_filled(slot) and rest:
            _take(filling, slot, [rest[0]], strength)
            rest = rest[1:]


def _run(filling: Filling, candidates: list[Candidate]) -> list[Candidate]:
    """The first candidate and those joined to it by "and"."""
    run = candidates[:1]
    for one in candidates[1:]:
        if one.start == run[-1].start or filling.are_joined(run[-1].end, one.start):
            run.append(one)
    return run


def _take(filling: Filling, slot: Slot, candidates: list[Candidate], strength: float) -> None:
    if filling.put(slot, [one.value for one in candidates], strength):
        filling.claim(slot, candidates[0].start, candidates[-1].end)


def _direction(filling: Filling, start: int) -> str:
    before = filling.word_before(start)
    if before in _FROM_WORDS or before[-1:].isdigit() or before in {"$", "€", "£", "½"}:
        return "from"
    if any(number.end <= start <= number.noun_end for number in filling.message.numbers if number.noun):
        return "from"
    return "to" if before in _TO_WORDS else ""


def _spread(filling: Filling, candidates: list[Candidate]) -> list[Candidate]:
    """Candidates with the direction of the one they are joined to."""
    found: list[Candidate] = []
    for one in candidates:
        known = one.direction
        if found and filling.are_joined(found[-1].end, one.start):
            known = known or found[-1].direction
        found.append(Candidate(one.value, one.start, one.end, known))
    return found


def _directed(filling: Filling, pieces: list[tuple[Any, int, int]]) -> list[Candidate]:
    return _spread(filling, [Candidate(value, start, end, _direction(filling, start)) for value, start, end in pieces])


def _choices(filling: Filling, slots: list[Slot]) -> None:
    matches = choice_matches(filling, slots[0].choices)
    if (
        not matches
        and len(slots) == 1
        and slots[0].required
        and not slots[0].direction
        and len(slots[0].choices) <= MAX_CALLS
    ):
        matches = all_choices(filling, slots[0].choices)
    beside = [one for one in matches if not _is_in_command(filling, one[1])]
    matches = beside or matches
    strength = 1.2 if slots[0].required else 0.5
    _assign(filling, slots, _directed(filling, matches), strength)


def _is_in_command(filling: Filling, start: int) -> bool:
    """Whether a choice's word is one that the tool goes by, as "heating" is for `mode: heat`."""
    return any(word.start == start and word.stem in filling.tool.vocabulary for word in filling.message.words)


def _booleans(filling: Filling, slots: list[Slot]) -> None:
    for slot in slots:
        if slot.label in {
            "on",
            "enabled",
            "enable",
            "active",
            "is on",
            "state",
            "power",
            "status",
            "turn on",
            "switch on",
        }:
            for value, start, end in switched(filling)[:1]:
                _take(filling, slot, [Candidate(value, start, end)], 0.7)
        elif said := _named_boolean(filling, slot):
            _take(filling, slot, [said], 0.3)


def _named_boolean(filling: Filling, slot: Slot) -> Candidate | None:
    for index, word in enumerate(filling.message.words):
        negated = stem(word.low.removeprefix("non-").removeprefix("un"))
        free = not filling.message.is_quoted(word.start, word.end) and filling.owner(index) is None
        if free and slot.words & {word.stem, negated}:
            before = [one.low for one in filling.message.words[max(index - 3, 0) : index]]
            value = word.stem in slot.words and not any(one in NOT_WORDS for one in before)
            return Candidate(value, word.start, word.end)
    return None


def _addresses(filling: Filling, slots: list[Slot]) -> None:
    pieces = filling.message.emails if slots[0].kind == "email" else filling.message.urls
    candidates = [Candidate(piece.value, piece.start, piece.end, _direction(filling, piece.start)) for piece in pieces]
    _assign(filling, slots, _spread(filling, candidates), 1.5 if slots[0].kind == "email" else 2.5)


def _expressions(filling: Filling, slots: list[Slot]) -> None:
    _assign(filling, slots, [Candidate(one.value, one.start, one.end) for one in filling.message.expressions], 2.5)


def _units(filling: Filling, slots: list[Slot]) -> None:
    text = filling.message.text
    timeless = [piece for piece in filling.message.units if piece.value not in {"second", "degree", "percent"}]
    pieces = [
        (_unit_word(slots[0], piece.value, text[piece.start : piece.end]), piece.start, piece.end) for piece in timeless
    ]
    _assign(filling, slots, _directed(filling, pieces), 1.5)


def _unit_word(slot: Slot, unit: str, written: str) -> str:
    """The unit as the schema writes it, where it does, else as the user did."""
    known = (
        [str(one) for one in slot.schema.get("examples", ()) or ()]
        if isinstance(slot.schema.get("examples"), list)
        else []
    )
    known += [word.text for word in words(slot.description)]
    forms = UNITS[unit]
    bare = re.sub(r"^degrees?\s+", "", written, flags=re.IGNORECASE)
    return next((word for word in known if word.lower() in forms and len(word) > 1), bare)


def _currencies(filling: Filling, slots: list[Slot]) -> None:
    _assign(filling, slots, _directed(filling, choice_matches(filling, currency_codes())), 1.5)


@lru_cache(maxsize=1)
def currency_codes() -> tuple[str, ...]:
    """The currencies that are known by other words too."""
    from runner.models.offline.lexicon import CHOICES

    return tuple(sorted(form for group in CHOICES for form in group if is_currency_code(form)))


def _languages(filling: Filling, slots: list[Slot]) -> None:
    coded = re.search(r"\b(?:iso|code)\b", slots[0].description, re.IGNORECASE) is not None
    pieces = [
        (LANGUAGES[one.value.lower()] if coded else one.value, one.start, one.end)
        for one in filling.message.languages
    ]  # fmt: skip
    _assign(filling, slots, _directed(filling, pieces), 1.5)


def _days(filling: Filling, slots: list[Slot]) -> None:
    pieces = [(one.day.isoformat(), one.start, one.end) for one in filling.message.moments if one.day]
    if (
        len(slots) == 1
        and len(pieces) > 1
        and pieces[-1][2] >= len(filling.message.text.rstrip(" .!?"))
        and not filling.are_joined(pieces[-2][2], pieces[-1][1])
    ):
        pieces = pieces[-1:]
    plain = [
        Candidate(value, start, end, "from" if filling.word_before(start) in _FROM_WORDS else _until(filling, start))
        for value, start, end in pieces
    ]
    _assign(filling, slots, plain, 0.5)


def _until(filling: Filling, start: int) -> str:
    return "to" if filling.word_before(start) in {"to", "until", "till", "-"} else ""


def _hours(filling: Filling, slots: list[Slot]) -> None:
    with_time = [one for one in filling.message.moments if one.time]
    candidates = [Candidate(one.time, one.start, one.end, _until(filling, one.start)) for one in with_time]
    _assign(filling, slots, candidates, 0.5)
    for slot in slots:  # "in 20 minutes" fills a day and a time at once
        if not filling.is_filled(slot):
            both = [one.time for one in with_time if one.day]
            filling.put(slot, both[:1], 0.3)


def _moments(filling: Filling, slots: list[Slot]) -> None:
    found = filling.message.moments
    times = [one for one in found if one.time]
    days = [one for one in found if one.day and not one.time]
    for slot in slots:
        if not times:
            return
        time, day = times.pop(0), days.pop(0) if days else None
        value = _stamp(time.day or (day.day if day else None), str(time.time), filling.message.now)
        if filling.put(slot, [value], 0.7):
            for one in (time, day):
                if one:
                    filling.claim(slot, one.start, one.end)


def _stamp(day: date | None, time: str, now: datetime) -> str:
    hour, minute = int(time[:2]), int(time[3:])
    when = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if day is None:
        when += timedelta(days=1 if when <= now else 0)
    else:
        when = when.replace(year=day.year, month=day.month, day=day.day)
    return when.isoformat()


def _numbers(filling: Filling, slots: list[Slot]) -> None:
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
    _take(filling, slot, _run(filling, [one for one in candidates if one.value is not None]), 0.4)


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
    before = [word for word in filling.message.words if word.end <= number.start][-3:]
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
        _take(filling, slot, [Candidate(count, moment.start, moment.end)], 0.5)


_FINDERS: list[tuple[frozenset[str], Callable[[Filling, list[Slot]], None]]] = [
    (frozenset({"enum"}), _choices),
    (frozenset({"email", "url"}), _addresses),
    (frozenset({"expression"}), _expressions),
    (frozenset({"unit"}), _units),
    (frozenset({"currency"}), _currencies),
    (frozenset({"language"}), _languages),
    (frozenset({"datetime"}), _moments),
    (frozenset({"date"}), _days),
    (frozenset({"time"}), _hours),
    (frozenset({"boolean"}), _booleans),
    (frozenset({"integer", "number"}), _numbers),
]
