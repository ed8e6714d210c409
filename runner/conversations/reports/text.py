"""Texts that all reports share: how a case ended, what did not hold and why, what was said, the sum of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.conversations.reports.amounts import duration, money, tokens
from runner.conversations.reports.comparing import Row, rows, unified
from runner.conversations.reports.lines import Layout, Line, Look, padded
from runner.widths import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.conversations.results import Attempt, CallRecord, CaseResult, Check, RunResult, Trouble, TurnRecord

MEANINGS = {
    0: "every check passed",
    1: "a check failed",
    2: "a case could not be run: see its error",
    3: "the model service failed",
    4: "the storage failed",
    5: "the budget was reached",
    6: "a chat is in use elsewhere",
    70: "a bug in agent-run",
    129: "the terminal was closed",
    130: "interrupted",
    143: "terminated",
}
"""What a run's exit code says."""
SUFFIX = ".conversations.yaml"

_MOST = 4_000  # characters of one text
_MOST_ARGS = 500
_FEW_ROWS = 14  # of a comparison; longer ones are told as a diff
_IN_DIFF: dict[str, Look] = {"-": "added", "+": "removed", "@": "dim"}
_COLUMNS = 76  # below that, two columns are too narrow to be read


def title(case: CaseResult) -> str:
    """`weather: asks for the unit`."""
    return f"{case.suite.name.removesuffix(SUFFIX)}: {case.name}"


def shown(case: CaseResult) -> Attempt | None:
    """The attempt that tells best how a case ended: the first that ended like it."""
    return next((each for each in case.attempts if each.outcome == case.outcome), None) or next(
        iter(case.attempts), None
    )


def reason(trouble: Trouble) -> str:
    """Why a case could not be judged, and what to do."""
    return f"{trouble.message}\n{trouble.hint}" if trouble.hint else trouble.message


def turn_checks(attempt: Attempt) -> Iterator[tuple[TurnRecord | None, list[Check]]]:
    """The checks that did not hold, by turn; those of the whole conversation last, without one."""
    for turn in [*attempt.turns, None]:
        checks = attempt.checks if turn is None else turn.checks
        if failed := [check for check in checks if not check.passed]:
            yield turn, failed


def where(turn: TurnRecord | None) -> str:
    """`turn 2`, or `at the end` for a check of the whole conversation."""
    return f"turn {turn.number}" if turn is not None else "at the end"


def first_line(case: CaseResult) -> str:
    """What went wrong, in a line: `turn 2: reply: ... (and 2 more)`; empty where nothing did."""
    attempt = shown(case)
    if case.outcome == "skipped" or attempt is None:
        return case.skip_reason or ""
    if attempt.trouble is not None:
        return attempt.trouble.message.partition("\n")[0]
    failed = [(turn, check) for turn, checks in turn_checks(attempt) for check in checks]
    if not failed:
        return ""
    turn, check = failed[0]
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return f"{where(turn)}: {check.kind}: {check.message.partition(chr(10))[0]}{more}"


# one case in full


def case_lines(case: CaseResult, layout: Layout) -> Iterator[Line]:
    """A case that did not pass: its place, what went wrong, expected against actual, the turns that failed."""
    bar = layout.glyph("──", "--")
    mark: Look = "bad" if case.outcome in {"failed", "error"} else "head"
    yield from layout.lines(f"{bar} {case.outcome}: {title(case)}", mark, rest="   ")
    yield Line(f"   {layout.place(case.suite, case.line)}", "dim")
    attempt = shown(case)
    if attempt is None:
        if case.skip_reason:
            yield from layout.lines(case.skip_reason, first="   ")
        return
    yield from attempt_lines(case, attempt, layout)
    yield from _other_attempts(case, attempt, layout)


def attempt_lines(case: CaseResult, attempt: Attempt, layout: Layout) -> Iterator[Line]:
    """One run of a case: its trouble, the checks that did not hold, and the turns they belong to."""
    if len(case.attempts) > 1:
        yield Line(f"   attempt {attempt.index} of {case.repeats}, {attempt.source}", "dim")
    for note in attempt.notes:
        yield from layout.lines(note, "warn", first="   note: ")
    if attempt.trouble is not None:
        yield from layout.lines(f"{attempt.trouble.reason}: {attempt.trouble.message}", "bad", first="   ")
        if attempt.trouble.hint:
            hint = layout.clean(attempt.trouble.hint).replace("\n", "\n      ")
            yield Line(f"   {layout.glyph('→', '->')} {hint}")  # not broken: it can be copied
    for turn, checks in turn_checks(attempt):
        for check in checks:
            yield from _check_lines(case, turn, check, layout)
    yield from _transcript_of_failures(attempt, layout)


def _check_lines(case: CaseResult, turn: TurnRecord | None, check: Check, layout: Layout) -> Iterator[Line]:
    yield from layout.lines(f"{where(turn)}: {check.kind}: {check.message}", "bad", first="   ", rest="     ")
    if check.line is not None:
        yield Line(f"     {layout.place(case.suite, check.line)}", "dim")
    yield from compared(check, layout)


def _other_attempts(case: CaseResult, told: Attempt, layout: Layout) -> Iterator[Line]:
    for attempt in case.attempts:
        if attempt is not told and attempt.outcome != "passed":
            yield from layout.lines(attempt_line(attempt), first="   ", rest="     ")


def attempt_line(attempt: Attempt) -> str:
    """`attempt 3: failed: turn 2: ...`."""
    if attempt.trouble is not None:
        told = attempt.trouble.message.partition("\n")[0]
    else:
        told = "; ".join(f"{where(turn)}: {check.message}" for turn, checks in turn_checks(attempt) for check in checks)
    return f"attempt {attempt.index}: {attempt.outcome}{f': {told}' if told else ''}"


# expected against actual


def compared(check: Check, layout: Layout) -> Iterator[Line]:
    """Expected against actual: short ones below each other, longer ones in two columns, long ones as a diff."""
    expected, actual = (
        None if each is None else capped(layout.clean(each)).expandtabs(4) for each in (check.expected, check.actual)
    )
    if expected is None or actual is None:
        yield from _labelled("expected", expected, "added", layout)
        yield from _labelled("actual", actual, "removed", layout)
        return
    paired = rows(expected, actual)
    if len(paired) > _FEW_ROWS and "\n" in expected:
        yield Line("     - expected", "added")
        yield Line("     + actual", "removed")
        for line in unified(expected, actual):
            yield from layout.lines(line, _IN_DIFF.get(line[:1], "plain"), first="     ", rest="       ")
    elif "\n" in expected and layout.width >= _COLUMNS:
        yield from _columns(paired, layout)
    else:
        yield from _labelled("expected", expected, "added", layout)
        yield from _labelled("actual", actual, "removed", layout)


def _labelled(label: str, text: str | None, look: Look, layout: Layout) -> Iterator[Line]:
    if text is not None:
        yield from layout.lines(text or "(nothing)", look, first=f"     {label:<8}  ")


def _columns(paired: Sequence[Row], layout: Layout) -> Iterator[Line]:
    width = (layout.width - 9) // 2
    bar = layout.glyph("│", "|")
    yield Line(f"     {padded('expected', width)} {bar} actual", "dim")
    for row in paired:
        left, right = (wrapped("".join(text for text, _ in side or ()), width) for side in (row.expected, row.actual))
        for number in range(max(len(left), len(right))):
            one = left[number] if number < len(left) else ""
            other = right[number] if number < len(right) else ""
            middle = " " if row.is_same else layout.glyph("│", "|") if number else layout.glyph("≠", "!")
            yield Line(f"     {padded(one, width)} {middle} {other}".rstrip(), "plain" if row.is_same else "removed")


# what was said


def _transcript_of_failures(attempt: Attempt, layout: Layout) -> Iterator[Line]:
    failed = [turn for turn, _ in turn_checks(attempt) if turn is not None]
    if attempt.trouble is not None or not failed:
        failed = failed or [turn for turn in attempt.turns if turn.status != "skipped"][-1:]
    for turn in failed:
        yield Line(f"   turn {turn.number} as it was held:", "dim")
        yield from turn_lines(turn, layout, "     ")


def transcript(attempt: Attempt, layout: Layout) -> Iterator[Line]:
    """All turns of one run of a case."""
    for turn in attempt.turns:
        yield from turn_lines(turn, layout, "")


def turn_lines(turn: TurnRecord, layout: Layout, margin: str) -> Iterator[Line]:
    """A turn as a conversation: the message, the calls, the reply, how it ended."""
    for said in [*([turn.user] if turn.user or not turn.files else []), *turn.files]:
        yield from layout.lines(capped(said), "head", first=f"{margin}> ")
    for call in turn.calls:
        yield from layout.lines(
            call_text(call), "dim", first=f"{margin}{layout.glyph('⋅', '-')} ", rest=f"{margin}    "
        )
    for notice in turn.notices:
        yield from layout.lines(capped(notice), "warn", first=f"{margin}! ")
    if turn.reply:
        yield from layout.lines(capped(turn.reply), first=f"{margin}< ")
    if turn.status not in {"answered", "pinned"} or turn.message:
        told = f"{turn.status}: {turn.message}" if turn.message else turn.status
        yield from layout.lines(f"({capped(told)})", "warn", first=f"{margin}  ", rest=f"{margin}   ")
    elif turn.status == "pinned":
        yield Line(f"{margin}  (this answer is the file's; the agent was not asked)", "dim")


def call_text(call: CallRecord) -> str:
    """`get_weather(city="Paris") = {"temp_c": 18}  12 ms, stub`."""
    given = call.args.items() if isinstance(call.args, dict) else [("", call.args)]
    written = ", ".join(f"{name}={as_json_text(value)}" if name else as_json_text(value) for name, value in given)
    kind = "" if call.kind == "ok" else f"{call.kind.replace('_', ' ')} "
    stub = f", stub {call.stub}" if call.stub else ""
    result = capped(as_json_text(call.result), _MOST_ARGS)
    return f"{call.name}({capped(written, _MOST_ARGS)}) = {kind}{result}  {duration(call.ms)}{stub}"


def as_json_text(value: object, indent: int | None = None) -> str:
    """A value as JSON, whatever it is."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=repr)


def capped(text: str, most: int = _MOST) -> str:
    """A text with its middle left out where it is too long."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} [... {len(text) - 2 * half:,} characters left out ...] {text[-half:]}"


# the whole run


def counts(result: RunResult) -> str:
    """`2 failed, 1 error, 14 passed (1 flaky), 1 skipped, 3 deselected`."""
    flaky = sum(case.is_flaky for case in result.cases)
    errors, passed = result.count("error"), result.count("passed")
    parts = [
        (result.count("failed"), "failed"),
        (errors, "error" if errors == 1 else "errors"),
        (passed, f"passed ({flaky} flaky)" if flaky else "passed"),
        (result.count("skipped"), "skipped"),
        (result.deselected, "deselected"),
    ]
    told = [f"{number:,} {word}" for number, word in parts if number]
    return ", ".join(told) or "no case was run"


def sums(result: RunResult) -> list[str]:
    """The time of a run, its tokens, and what was spent."""
    told = [duration(result.ms)]
    if result.usage is not None and result.usage.total_tokens:
        told.append(tokens(result.usage))
    if result.cost:
        told.append(money(result.cost))
    return told


def meaning(code: int) -> str:
    """`exit 1: a check failed`."""
    return f"exit {code}: {MEANINGS.get(code, 'see docs/cli.md')}"


def summary(result: RunResult) -> str:
    """The last line: counts, sums, why it stopped, what the exit code means."""
    stopped = [f"stopped: {result.stopped}"] if result.stopped else []
    return "; ".join([counts(result), *stopped, ", ".join(sums(result)), meaning(result.exit_code)])
