"""The checks of a turn, and of a whole conversation: every one is made and told, not only the first that fails."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.conversations.alignment import aligned, call_text
from runner.conversations.calls import Comparison, Made, slots_of
from runner.conversations.matching import Matching, described
from runner.conversations.results import Check
from runner.conversations.transcript import summed_costs, summed_usage, transcript_text
from runner.tools.arguments import ToolArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runner.conversations.results import CheckKind, TurnRecord
    from runner.conversations.rubrics import Rubrics, Subject
    from runner.conversations.stubs import Problem
    from runner.requests import Usage
    from runner.suite import ExpectPart, FinallyPart, JudgePart, ReplyPart
    from runner.tools.toolbox import Toolbox

_FENCED = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What was held and is checked: one turn, or a whole conversation. `transcript` is what a judge sees."""

    about: Subject
    calls: Sequence[Made]
    reply: str
    transcript: str
    usage: Usage | None
    seconds: float
    steps: int
    cost: float | None


@dataclass(slots=True)
class Checks:
    """Checks being made; `line` tells where in the file the expectation of a dotted key stands."""

    rubrics: Rubrics
    line: Callable[[str], int]
    made: list[Check] = field(default_factory=list)

    def add(self, kind: CheckKind, key: str, passed: bool, message: str, expected: str, actual: str) -> None:
        """One more check. The message says what is wrong where it did not pass, else what was right."""
        self.made.append(
            Check(
                kind=kind,
                passed=passed,
                message=message,
                expected=expected,
                actual=actual,
                line=self.line(key),
                key=key,
            )
        )


def held_turn(turns: Sequence[TurnRecord], number: int) -> Held:
    """The turn at an index, with the conversation up to it."""
    turn = turns[number]
    return Held(
        about="reply",
        calls=[Made(call, call.step) for call in turn.calls],
        reply=turn.reply,
        transcript=transcript_text(turns[: number + 1]),
        usage=turn.usage,
        seconds=turn.ms / 1000,
        steps=turn.steps,
        cost=turn.cost,
    )


def held_conversation(turns: Sequence[TurnRecord]) -> Held:
    """All turns together; their replies, a paragraph each."""
    calls, before = [], 0
    for turn in turns:
        calls += [Made(call, before + call.step) for call in turn.calls]
        before += turn.steps
    return Held(
        about="conversation",
        calls=calls,
        reply="\n\n".join(turn.reply for turn in turns if turn.reply),
        transcript=transcript_text(turns),
        usage=summed_usage(turn.usage for turn in turns),
        seconds=sum(turn.ms for turn in turns) / 1000,
        steps=before,
        cost=summed_costs(turn.cost for turn in turns if turn.status not in {"skipped", "pinned"}),
    )


def turn_checks(turn: TurnRecord, held: Held, expect: ExpectPart, checks: Checks) -> None:
    """What is expected of one turn."""
    why = f": {turn.message}" if turn.message else ""
    checks.add(
        "status",
        "status",
        turn.status == expect.status,
        f"the turn ended {turn.status}{why}" if turn.status != expect.status else f"the turn ended {turn.status}",
        expect.status,
        f"{turn.status}{why}",
    )
    _shared_checks(held, expect, checks)
    if expect.max_steps is not None:
        _limit("max_steps", held.steps, expect.max_steps, "{} steps", checks)


def final_checks(held: Held, expect: FinallyPart, checks: Checks) -> None:
    """What is expected of the whole conversation."""
    _shared_checks(held, expect, checks)
    if expect.judge is not None:
        _judged(expect.judge, held, "judge", checks)


def schema_checks(turn: TurnRecord, toolbox: Toolbox, checks: Checks) -> None:
    """Each call whose arguments break what its tool declares, or whose tool there is none of, is a failed check."""
    for call in turn.calls:
        if problem := _schema_problem(call.name, call.args, toolbox):
            text = call_text(call.name, call.args)
            checks.add("schema", "", False, f"{call.name}: {problem}", f"{call.name} as it is declared", text)


def stub_checks(turn: TurnRecord, problems: Iterable[Problem], left: int, checks: Checks) -> None:
    """What was wrong with the answers that stand in for tools; and replies of the script nobody asked for."""
    for problem in problems:
        calls = [call for call in turn.calls if problem.key.endswith(f":{call.step}:{call.index}")]
        actual = "\n".join(call_text(call.name, call.args) for call in calls)
        checks.add("stub", "", False, problem.message, "an answer of a stub", actual)
    if left:
        message = f"{left} of the turn's scripted replies were not asked for"
        checks.add("status", "", False, message, "all replies asked for", f"{left} left")


def _schema_problem(name: str, args: Any, toolbox: Toolbox) -> str | None:
    tool = toolbox.get(name)
    if tool is None:
        return f"there is no such tool; the tools are: {', '.join(toolbox.names) or 'none'}"
    try:
        tool.checked(args)
    except ToolArgumentError as error:
        return str(error)
    return None


def _shared_checks(held: Held, expect: ExpectPart | FinallyPart, checks: Checks) -> None:
    _call_checks(held, expect, checks)
    for number, part in enumerate(expect.reply or ()):
        _reply_checks(part, held, f"reply[{number}]", checks)
    if expect.max_tokens is not None:
        _limit("max_tokens", held.usage.total_tokens if held.usage else 0, expect.max_tokens, "{:,} tokens", checks)
    if expect.max_latency is not None:
        _limit("max_latency", held.seconds, expect.max_latency, "{:.3g} s", checks)
    if expect.max_cost is not None:
        _limit("max_cost", held.cost, expect.max_cost, "${:.6f}", checks)


def _limit(key: str, actual: float | None, most: float, form: str, checks: Checks) -> None:
    told = "unknown: the model's price is not known" if actual is None else form.format(actual)
    passed = actual is not None and actual <= most
    checks.add("limit", key, passed, f"{key}: {told}", f"at most {form.format(most)}", told)


def _call_checks(held: Held, expect: ExpectPart | FinallyPart, checks: Checks) -> None:
    matching = Matching(checks.rubrics)
    if expect.calls == "none":
        made = "\n".join(call_text(each.record.name, each.record.args) for each in held.calls)
        message = f"{len(held.calls)} tool calls were made, none were expected" if made else "no tool was called"
        checks.add("calls", "calls", not made, message, "no calls", made or "no calls")
    elif expect.calls is not None and expect.calls != "any":
        ordered, extra = expect.order == "ordered", expect.allow_extra or expect.order == "subset"
        comparison = Comparison(slots_of(expect.calls, len(held.calls)), held.calls, matching)
        passed = comparison.is_met(ordered=ordered, extra=extra)
        sides = aligned(comparison, ordered=ordered, extra=extra)
        message = "the calls are those expected" if passed else "; ".join(sides.problems)
        checks.add("calls", "calls", passed, message, sides.expected, sides.actual)
    for number, tool in enumerate(expect.no_calls or ()):
        found = [call_text(each.record.name, each.record.args) for each in held.calls if each.record.name == tool]
        message = f"{tool} was called" if found else f"{tool} was not called"
        checks.add("calls", f"no_calls[{number}]", not found, message, f"no call of {tool}", "\n".join(found) or "none")


def _reply_checks(part: ReplyPart, held: Held, key: str, checks: Checks) -> None:
    for name, expected, passed in _text_checks(part, held.reply):
        told = f"{name.replace('_', ' ')} {described(expected)}"
        message = f"the reply {'is as expected' if passed else 'is not'}: {told}"
        checks.add("reply", f"{key}.{name}", passed, message, told, held.reply)
    if "json_value" in part.model_fields_set:
        _json_check(part.json_value, held.reply, f"{key}.json", checks)
    if part.judge is not None:
        _judged(part.judge, held, f"{key}.judge", checks)


def _text_checks(part: ReplyPart, reply: str) -> Iterator[tuple[str, str, bool]]:
    """Each thing that is asked of a reply's text, and whether it holds."""
    if part.equals is not None:
        yield "equals", part.equals, reply.strip() == part.equals.strip()
    for text in part.contains or ():
        yield "contains", text, text in reply
    for text in part.icontains or ():
        yield "icontains", text, text.casefold() in reply.casefold()
    for text in part.not_contains or ():
        yield "not_contains", text, text not in reply
    if part.starts_with is not None:
        yield "starts_with", part.starts_with, reply.startswith(part.starts_with)
    if part.regex is not None:
        yield "regex", part.regex, re.search(part.regex, reply) is not None
    if part.not_regex is not None:
        yield "not_regex", part.not_regex, re.search(part.not_regex, reply) is None


def reply_json(reply: str) -> Any:
    """A reply read as JSON, or what stands in it between fences. Raises ValueError."""
    fenced = _FENCED.search(reply)
    return json.loads(fenced[1] if fenced else reply)


def _json_check(expected: Any, reply: str, key: str, checks: Checks) -> None:
    try:
        value = reply_json(reply)
    except ValueError as error:
        checks.add("reply", key, False, f"the reply is no JSON: {error}", described(expected), reply)
        return
    found = Matching(checks.rubrics).mismatches(expected, value)
    message = "; ".join(map(str, found)) or "the reply's JSON is as expected"
    checks.add("reply", key, not found, message, described(expected), json.dumps(value, ensure_ascii=False, indent=1))


def _judged(judge: JudgePart, held: Held, key: str, checks: Checks) -> None:
    verdict = checks.rubrics.asked(held.about, held.transcript, judge)
    if verdict is None:
        return
    votes = f", {verdict.agreeing} of {verdict.votes} votes" if verdict.votes > 1 else ""
    message = f"the judge says {'yes' if verdict.passed else 'no'} (score {verdict.score:g}{votes}): {verdict.reason}"
    checks.add("judge", key, verdict.passed, message, judge.rubric, f"{verdict.reason}\n> {verdict.quote}")
