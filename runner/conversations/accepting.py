"""What one attempt brought in the place of the literals that its checks failed on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.conversations.alignment import rows_of
from runner.conversations.calls import Comparison, slots_of
from runner.conversations.checking import held_conversation, held_turn, reply_json
from runner.conversations.literals import has_variable, literal, template
from runner.conversations.matching import Matching, equal
from runner.conversations.rewriting import rewritten
from runner.conversations.rubrics import Rubrics
from runner.conversations.variables import filled, filled_part, filled_text, saved_value
from runner.loading.locations import dotted, locate
from runner.loading.nodes import Scalar, data_of, walked
from runner.loading.writing import line_of
from runner.suite import ParallelPart
from runner.suite.matchers import matcher_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.conversations.checking import Held
    from runner.conversations.results import Attempt, CallRecord, Check
    from runner.loading.diagnostics import Fix
    from runner.loading.locations import Path
    from runner.loading.nodes import Mapping, Node
    from runner.loading.suites import LoadedSuite
    from runner.messages import Json
    from runner.suite import CallPart, CasePart, ExpectPart, FinallyPart, ReplyPart

_REPLY = re.compile(r"reply\[(\d+)\]\.(equals|contains|icontains|json)")
_NUMBER = r"[-+]?\d+(?:[.,]\d+)*"
_ANCHOR = re.compile(r"&\S+\s+\Z")
"""What stands before an anchored scalar; an anchored list or mapping begins with it."""


@dataclass(frozen=True, slots=True)
class Update:
    """One literal that is replaced: its line, its dotted key, what it says now and will say, and the change."""

    line: int
    key: str
    before: str
    after: str
    fix: Fix


class _NoLiteralError(Exception):
    """What failed is not said by a literal."""


class Accepted:
    """The updates, and the failed checks that nothing can be done about here, each with its line."""

    def __init__(self, loaded: LoadedSuite, number: int, attempt: Attempt) -> None:
        assert loaded.tree is not None  # noqa: S101  # it was read from a file
        self._tree: Mapping = loaded.tree
        self._matching = Matching(Rubrics())
        self.updates: list[Update] = []
        self.left: list[tuple[int, str]] = []
        case = loaded.suite.cases[number]
        self._variables = dict(case.vars)
        for index, record in enumerate(attempt.turns):
            held = held_turn(attempt.turns, index)
            self._take(("cases", number, "turns", index, "expect"), case.turns[index].expect, record.checks, held)
            self._save(case, index, record.reply)
        if case.finally_ is not None:
            self._take(("cases", number, "finally"), case.finally_, attempt.checks, held_conversation(attempt.turns))

    def _save(self, case: CasePart, index: int, reply: str) -> None:
        for name, pattern in case.turns[index].save.items():
            value = saved_value(filled_text(pattern, self._variables), reply)
            if value is not None:
                self._variables[name] = value

    def _take(self, path: Path, expect: ExpectPart | FinallyPart, checks: Sequence[Check], held: Held) -> None:
        for check in checks:
            if not check.passed and not self._is_replaced(path, expect, check.key, held):
                self.left.append((check.line or 1, f"{check.kind}: {check.message}"))

    def _is_replaced(self, path: Path, expect: ExpectPart | FinallyPart, key: str, held: Held) -> bool:
        """Whether all that a failed check is about was replaced."""
        if found := _REPLY.fullmatch(key):
            number = int(found[1])
            part = (expect.reply or [])[number]
            return self._of_reply((*path, "reply", number), part, found[2], held.reply)
        if key == "calls" and isinstance(expect.calls, list):
            return self._of_calls((*path, key), expect, held)
        return False

    # replies

    def _of_reply(self, path: Path, part: ReplyPart, name: str, reply: str) -> bool:
        if name == "json":
            try:
                return self._values((*path, name), part.json_value, reply_json(reply))
            except ValueError:
                return False
        if name == "equals":
            return self._text((*path, name), part.equals or "", reply.strip())
        texts = (part.contains if name == "contains" else part.icontains) or []
        folded = str.casefold if name == "icontains" else str
        missing = [each for each in enumerate(texts) if folded(self._filled(each[1])) not in folded(reply)]
        made = [
            self._text((*path, name, number), text, _with_its_numbers(text, reply) or reply.strip())
            for number, text in missing
        ]
        return all(made)

    def _filled(self, text: str) -> str:
        return filled_text(text, self._variables)

    def _text(self, path: Path, written: str, text: str) -> bool:
        return bool(text) and not has_variable(written) and self._replace(path, written, template(text))

    # values

    def _values(self, path: Path, written: Any, actual: Any) -> bool:
        """Replace what differs, if literals say all of it."""
        try:
            found = list(self._differences(written, actual, path))
        except _NoLiteralError:
            return False
        made = [self._replace(place, before, literal(after)) for place, before, after in found]
        return all(made)

    def _differences(self, written: Any, actual: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
        """Where a value differs, what is written there, and what came. Raises _NoLiteralError."""
        if isinstance(written, dict) and isinstance(actual, dict) and matcher_of(written) is None:
            yield from self._of_mapping(written, actual, path)
        elif isinstance(written, list) and isinstance(actual, list) and len(written) == len(actual):
            for index, (one, other) in enumerate(zip(written, actual, strict=True)):
                yield from self._differences(one, other, (*path, index))
        elif not self._matching.fits(filled(written, self._variables), actual):
            if has_variable(written) or _has_matcher(written):
                raise _NoLiteralError
            yield path, written, actual

    def _of_mapping(self, written: Json, actual: Json, path: Path) -> Iterator[tuple[Path, Any, Any]]:
        """Key by key; where keys are not there, the mapping without them."""
        there = {key: actual[key] for key in written if key in actual}
        if len(there) == len(written):
            for key, value in written.items():
                yield from self._differences(value, actual[key], (*path, key))
        elif has_variable(written) or _has_matcher(written):
            raise _NoLiteralError
        else:
            yield path, written, there or actual

    # calls

    def _of_calls(self, path: Path, expect: ExpectPart | FinallyPart, held: Held) -> bool:
        steps = filled_part(expect, self._variables).calls
        assert isinstance(steps, list)  # noqa: S101  # so it was before
        assert isinstance(expect.calls, list)  # noqa: S101  # seen by the caller
        written, parts = list(_parts(expect.calls, path)), [part for _, part in _parts(steps, path)]
        comparison = Comparison(slots_of(steps, len(held.calls)), held.calls, self._matching)
        counted = [
            part for (place, _), part in zip(written, parts, strict=True) if self._count(place, part, comparison)
        ]
        before, done = len(self.updates) - len(counted), True
        for slot, made in rows_of(comparison, ordered=expect.order == "ordered"):
            part = comparison.slots[slot].part if slot is not None else None
            record = comparison.made[made].record if made is not None else None
            if part is not None and record is not None:
                place, as_written = written[_index(parts, part)]
                done &= comparison.fits(slot or 0, made or 0) or self._of_call(place, as_written, record)
            elif part is not None:
                done &= _index(counted, part) >= 0
            elif record is not None and not (expect.allow_extra or expect.order == "subset"):
                done &= any(_is_like(comparison, each, record) for each in counted)
        return done and len(self.updates) > before

    def _count(self, place: Path, part: CallPart, comparison: Comparison) -> bool:
        """Replace how often a call is expected, where that is a number, by how often it was made."""
        times = part.times
        if "times" not in part.model_fields_set or times.min != times.max:
            return False
        made = sum(_is_like(comparison, part, each.record) for each in comparison.made)
        return made > 0 and made != times.min and self._replace((*place, "times"), times.min, made)

    def _of_call(self, place: Path, written: CallPart, record: CallRecord) -> bool:
        done = written.status == record.kind
        if written.args is not None:
            done &= self._values((*place, "args"), written.args, record.args)
        if "result" in written.model_fields_set:
            done &= self._values((*place, "result"), written.result, record.result)
        return done

    # the file

    def _replace(self, path: Path, before: Any, after: Any) -> bool:
        """Let what stands at a path say something else, if it stands there by itself and says what is thought."""
        place = locate(self._tree, path)
        source, start, _ = place.node.span
        above = [locate(self._tree, path[:length]).node for length in range(1, len(path) + 1)]
        scalars = [each for _, each in walked(place.node) if isinstance(each, Scalar)]
        if (
            place.alias is not None
            or any(map(_is_anchored, above))
            or any(each.written is not None for each in scalars)
        ):
            return False
        if not equal(data_of(place.node), before):
            return False
        fix = rewritten(place.node, after)
        if fix is None:
            return False
        update = Update(source.place(start)[0], dotted(place.path), line_of(before), line_of(after), fix)
        if update not in self.updates:
            self.updates.append(update)
        return True


def _is_anchored(node: Node) -> bool:
    """Whether aliases may stand for a node elsewhere."""
    source, start, _ = node.span
    return source.text.startswith("&", start) or _ANCHOR.search(source.text[max(start - 100, 0) : start]) is not None


def _parts(steps: Sequence[CallPart | ParallelPart], path: Path) -> Iterator[tuple[Path, CallPart]]:
    """Each expected call with its place."""
    for number, step in enumerate(steps):
        if isinstance(step, ParallelPart):
            yield from (((*path, number, "parallel", inner), part) for inner, part in enumerate(step.parallel))
        else:
            yield (*path, number), step


def _index(parts: Sequence[CallPart], part: CallPart) -> int:
    """The place of this very part among others that may be equal to it; -1 where it is none of them."""
    return next((number for number, each in enumerate(parts) if each is part), -1)


def _is_like(comparison: Comparison, part: CallPart, record: CallRecord) -> bool:
    return part.tool == record.name and not comparison.mismatches(part, record)


def _has_matcher(value: Any) -> bool:
    if isinstance(value, dict):
        return matcher_of(value) is not None or any(map(_has_matcher, value.values()))
    return isinstance(value, list) and any(map(_has_matcher, value))


def _with_its_numbers(text: str, reply: str) -> str | None:
    """The text as the reply has it with other numbers; None where it has no such place, or several."""
    pieces = re.split(f"({_NUMBER})", text)
    if len(pieces) == 1:
        return None
    pattern = "".join(_NUMBER if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
    found = {each[0] for each in re.finditer(rf"(?<![\d.,]){pattern}(?!\d)", reply, re.IGNORECASE)}
    return found.pop() if len(found) == 1 else None
