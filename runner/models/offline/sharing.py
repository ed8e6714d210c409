"""Values found in a message, and the slots they are shared among."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.models.offline.filling import Filling
    from runner.models.offline.schema import Slot

_TO_WORDS = frozenset({"to", "into", "in", "as", "until", "till", "=", "→", ">"})
FROM_WORDS = frozenset({"from", "since", "between"})
"""What stands before where something begins."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value at `start` to `end` of the message; `direction` is what the words around it say: from, to, or nothing."""

    value: Any
    start: int
    end: int
    direction: str = ""


def assign(filling: Filling, slots: Sequence[Slot], candidates: Sequence[Candidate], strength: float) -> None:
    """Share the candidates among the slots: by direction, and what is left in order."""
    rest = [one for one in candidates if not filling.is_owned(one.start, one.end)]
    if len(slots) == 1:
        slot = slots[0]
        fitting = [one for one in rest if not slot.direction or one.direction in {"", slot.direction}]
        take(filling, slot, joined_run(filling, fitting or rest), strength)
        return
    for slot in slots:
        if slot.direction and (run := joined_run(filling, [one for one in rest if one.direction == slot.direction])):
            take(filling, slot, run, strength)
            rest = [one for one in rest if one not in run]
    order = sorted(slots, key=lambda slot: slot.direction != "to") if filling.follows else slots
    for slot in order:
        if not filling.is_filled(slot) and rest:
            take(filling, slot, [rest[0]], strength)
            rest = rest[1:]


def joined_run(filling: Filling, candidates: list[Candidate]) -> list[Candidate]:
    """The first candidate and those joined to it by "and"."""
    run = candidates[:1]
    for one in candidates[1:]:
        if one.start == run[-1].start or filling.are_joined(run[-1].end, one.start):
            run.append(one)
    return run


def take(filling: Filling, slot: Slot, candidates: list[Candidate], strength: float) -> None:
    """Put the candidates' values into the slot, and claim their words for it."""
    if filling.put(slot, [one.value for one in candidates], strength):
        filling.claim(slot, candidates[0].start, candidates[-1].end)


def direction_at(filling: Filling, start: int) -> str:
    """What the words before a value say: that it is converted, translated, travelled `from` it or `to` it."""
    before = filling.word_before(start)
    if before in FROM_WORDS or before[-1:].isdigit() or before in {"$", "€", "£", "½"}:
        return "from"
    if any(number.end <= start <= number.noun_end for number in filling.message.numbers if number.noun):
        return "from"
    return "to" if before in _TO_WORDS else ""


def spread(filling: Filling, candidates: list[Candidate]) -> list[Candidate]:
    """Candidates with the direction of the one they are joined to."""
    found: list[Candidate] = []
    for one in candidates:
        known = one.direction
        if found and filling.are_joined(found[-1].end, one.start):
            known = known or found[-1].direction
        found.append(Candidate(one.value, one.start, one.end, known))
    return found


def directed(filling: Filling, pieces: list[tuple[Any, int, int]]) -> list[Candidate]:
    """Values at their places, with their directions."""
    return spread(filling, [Candidate(value, start, end, direction_at(filling, start)) for value, start, end in pieces])
