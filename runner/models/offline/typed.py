"""Slots that say by their type what fills them: choices, addresses, units, languages, arithmetic, numbers, days."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.models.offline.choices import all_choices, choice_matches, is_currency_code, switched
from runner.models.offline.counted import fill_numbers
from runner.models.offline.lexicon import CHOICES, LANGUAGES, NOT_WORDS, UNITS
from runner.models.offline.sharing import Candidate, assign, directed, direction_at, spread, take
from runner.models.offline.timed import fill_days, fill_hours, fill_moments
from runner.models.offline.words import stem, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.models.offline.filling import Filling
    from runner.models.offline.schema import Slot

MAX_CALLS = 8
"""The most calls that one message makes."""


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
    assign(filling, slots, directed(filling, matches), strength)


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
                take(filling, slot, [Candidate(value, start, end)], 0.7)
        elif said := _named_boolean(filling, slot):
            take(filling, slot, [said], 0.3)


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
    candidates = [
        Candidate(piece.value, piece.start, piece.end, direction_at(filling, piece.start)) for piece in pieces
    ]
    assign(filling, slots, spread(filling, candidates), 1.5 if slots[0].kind == "email" else 2.5)


def _expressions(filling: Filling, slots: list[Slot]) -> None:
    assign(filling, slots, [Candidate(one.value, one.start, one.end) for one in filling.message.expressions], 2.5)


def _units(filling: Filling, slots: list[Slot]) -> None:
    text = filling.message.text
    timeless = [piece for piece in filling.message.units if piece.value not in {"second", "degree", "percent"}]
    pieces = [
        (_unit_word(slots[0], piece.value, text[piece.start : piece.end]), piece.start, piece.end) for piece in timeless
    ]
    assign(filling, slots, directed(filling, pieces), 1.5)


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
    assign(filling, slots, directed(filling, choice_matches(filling, currency_codes())), 1.5)


@lru_cache(maxsize=1)
def currency_codes() -> tuple[str, ...]:
    """The currencies that are known by other words too."""
    return tuple(sorted(form for group in CHOICES for form in group if is_currency_code(form)))


def _languages(filling: Filling, slots: list[Slot]) -> None:
    coded = re.search(r"\b(?:iso|code)\b", slots[0].description, re.IGNORECASE) is not None
    pieces = [
        (LANGUAGES[one.value.lower()] if coded else one.value, one.start, one.end)
        for one in filling.message.languages
    ]  # fmt: skip
    assign(filling, slots, directed(filling, pieces), 1.5)


_FINDERS: list[tuple[frozenset[str], Callable[[Filling, list[Slot]], None]]] = [
    (frozenset({"enum"}), _choices),
    (frozenset({"email", "url"}), _addresses),
    (frozenset({"expression"}), _expressions),
    (frozenset({"unit"}), _units),
    (frozenset({"currency"}), _currencies),
    (frozenset({"language"}), _languages),
    (frozenset({"datetime"}), fill_moments),
    (frozenset({"date"}), fill_days),
    (frozenset({"time"}), fill_hours),
    (frozenset({"boolean"}), _booleans),
    (frozenset({"integer", "number"}), fill_numbers),
]
