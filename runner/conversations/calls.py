"""Tool calls: those expected against those made.

Calls of one step were made at the same time, so their order means nothing: an ordered list is compared with a sequence
of sets. What is expected becomes slots, one for each call that must or may be made.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from runner.conversations.pairing import all_paired
from runner.suite import ParallelPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.conversations.matching import Matching
    from runner.conversations.results import CallRecord
    from runner.suite import CallPart


@dataclass(frozen=True, slots=True)
class Slot:
    """One call that must (`required`) or may be made; those of one `group` are made in one step."""

    part: CallPart
    required: bool = True
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made, and the number of its step in the conversation: calls of one step came together."""

    record: CallRecord
    step: int


def slots_of(steps: Iterable[CallPart | ParallelPart], made: int) -> list[Slot]:
    """What is expected, a slot for each call; no more that only *may* be made than the calls there were."""
    slots: list[Slot] = []
    for number, step in enumerate(steps):
        group = number if isinstance(step, ParallelPart) else None
        for part in step.parallel if isinstance(step, ParallelPart) else [step]:
            least, most = part.times.min, made if part.times.max is None else min(part.times.max, made)
            slots += [Slot(part, index < least, group) for index in range(max(least, most))]
    return slots


class Comparison:
    """Expected calls and those made; `fits` looks at the name, the arguments, the result and how the call ended."""

    def __init__(self, slots: Sequence[Slot], made: Sequence[Made], matching: Matching) -> None:
        self.slots, self.made = slots, made
        self._matching = matching
        self._fits = cache(self._compared)

    def mismatches(self, part: CallPart, record: CallRecord) -> list[str]:
        """Why a call of the right name is not the one expected."""
        found = [str(each) for each in self._matching.mismatches(part.args or {}, record.args, "args")]
        if part.status != record.kind:
            found.append(f"status: expected {part.status}, got {record.kind}{_reason(record)}")
        if "result" in part.model_fields_set:
            found += [str(each) for each in self._matching.mismatches(part.result, record.result, "result")]
        return found

    def fits(self, slot: int, made: int) -> bool:
        """Whether a call made is one that a slot expects."""
        return self._fits(slot, made)

    def _compared(self, slot: int, made: int) -> bool:
        part, record = self.slots[slot].part, self.made[made].record
        return part.tool == record.name and not self.mismatches(part, record)

    def is_met(self, *, ordered: bool, extra: bool) -> bool:
        """Whether the calls made are those expected; `extra` ones may have been made beside them."""
        return self._in_order(extra=extra) if ordered else self._in_any_order(extra=extra)

    def _in_order(self, *, extra: bool) -> bool:
        """Step by step: which slots a step may use up, and whether the steps after it can use up the rest."""
        steps = [list(found) for _, found in itertools.groupby(range(len(self.made)), key=lambda i: self.made[i].step)]

        @cache
        def rest_fits(start: int, step: int) -> bool:
            if step == len(steps):
                return not any(slot.required for slot in self.slots[start:])
            return any(
                self._paired(slots, steps[step], extra=extra) and rest_fits(end, step + 1)
                for end, slots in self._uses(start, len(steps[step]))
            )

        return rest_fits(0, 0)

    def _uses(self, start: int, count: int) -> Iterator[tuple[int, list[int]]]:
        """What a step of `count` calls may use up: where the rest begins, and the slots used.

        Of the slots of one expected call no more than `count` are of use; further ones are left to the steps after
        this, or passed over all together.
        """
        yield start, []
        used: list[int] = []
        required = run = 0
        for at, slot in enumerate(self.slots[start:], start):
            run = run + 1 if at > start and self.slots[at - 1].part is slot.part else 1
            required += slot.required
            if required > count:
                return
            if run <= count:
                used.append(at)
            is_last = at + 1 == len(self.slots) or self.slots[at + 1].part is not slot.part
            if (run <= count or is_last) and self._is_between_groups(at):
                yield at + 1, list(used)

    def _is_between_groups(self, at: int) -> bool:
        """Whether the slot at this index is the last of its group, or in none."""
        group = self.slots[at].group
        return group is None or at + 1 == len(self.slots) or self.slots[at + 1].group != group

    def _in_any_order(self, *, extra: bool) -> bool:
        groups = list(dict.fromkeys(slot.group for slot in self.slots if slot.group is not None))
        steps = list(dict.fromkeys(made.step for made in self.made))
        if groups and not steps:
            return not any(slot.required for slot in self.slots)
        every = range(len(self.made))
        return any(
            self._paired(range(len(self.slots)), every, extra=extra, steps=dict(zip(groups, chosen, strict=True)))
            for chosen in itertools.product(steps, repeat=len(groups))
        )

    def _paired(
        self, slots: Sequence[int], made: Sequence[int], *, extra: bool, steps: dict[int, int] | None = None
    ) -> bool:
        """Whether each required slot can have a call of its own and, unless `extra` may be, each call a slot.

        Where both can be had one at a time, they can be had together (Mendelsohn and Dulmage).
        """

        def may(slot: int, call: int) -> bool:
            group = self.slots[slot].group
            in_step = steps is None or group is None or steps[group] == self.made[call].step
            return in_step and self.fits(slot, call)

        required = [slot for slot in slots if self.slots[slot].required]
        if not all_paired([[may(slot, call) for call in made] for slot in required]):
            return False
        return extra or all_paired([[may(slot, call) for slot in slots] for call in made])


def _reason(record: CallRecord) -> str:
    error: Any = record.result.get("error") if isinstance(record.result, dict) else None
    return f" ({error})" if record.kind != "ok" and isinstance(error, str) else ""
