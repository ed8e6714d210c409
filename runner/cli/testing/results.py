"""What goes to standard output: a line a case as it ends, at the end what went wrong, and the sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.screen import visible_line
from runner.conversations.reports.amounts import duration, money
from runner.conversations.reports.lines import Line, shortened
from runner.conversations.reports.repeated import repeat_line, spent, taken, used
from runner.conversations.reports.text import case_lines, first_line, shown, summary, title
from runner.widths import width_of

if TYPE_CHECKING:
    from runner.cli.testing.styles import Style
    from runner.conversations.reports.lines import Look
    from runner.conversations.results import CaseResult, RunResult

_MOST_DOTS = 12


def result_line(case: CaseResult, style: Style) -> str:
    """How a case ended, in a line; one that did not pass says why in a second."""
    layout = style.layout()
    mark, look = style.mark(case.outcome)
    dots = [style.dot(each) for each in _turns(case)[:_MOST_DOTS]]
    numbers = " ".join(each for each in _numbers(case) if each)
    taken = width_of(mark) + 1 + (len(dots) + 2 if dots else 0) + width_of(numbers) + 2
    name = visible_line(title(case))
    if style.out.is_terminal:
        name = shortened(name, max(layout.width - taken, 10))
    drawn = "".join(style.painted(*dot) for dot in dots)
    parts = [f"{style.painted(mark, look)} {name}", drawn, style.painted(numbers, "dim") if numbers else ""]
    return "  ".join(part for part in parts if part) + "\n" + _why(case, style)


def _turns(case: CaseResult) -> list[bool | None]:
    attempt = shown(case)
    turns = attempt.turns if attempt is not None else []
    return [None if turn.status == "skipped" else all(check.passed for check in turn.checks) for turn in turns]


def _numbers(case: CaseResult) -> list[str]:
    if not case.attempts:
        return []
    dollars = spent(case)
    retries = sum(turn.retries for attempt in case.attempts for turn in attempt.turns)
    return [
        f"{case.passes}/{len(case.attempts)}" if case.repeats > 1 else "",
        duration(taken(case)),
        f"{used(case).total_tokens:,} tok" if used(case).total_tokens else "",
        money(dollars) if dollars else "",
        f"{retries} {'retry' if retries == 1 else 'retries'}" if retries else "",
    ]


def _why(case: CaseResult, style: Style) -> str:
    layout = style.layout()
    told = repeat_line(case) if case.outcome == "passed" else first_line(case)
    return style.written(layout.lines(visible_line(told, 300), "dim", first="  ")) if told else ""


def details(result: RunResult, style: Style) -> str:
    """Every case that did not pass, in full."""
    wrong = [case for case in result.cases if case.outcome in {"failed", "error"}]
    return "".join(f"\n{style.written(case_lines(case, style.layout()))}" for case in wrong)


def last_line(result: RunResult, style: Style) -> str:
    """The sum of a run."""
    look: Look = "bad" if result.exit_code else "good"
    told = visible_line(summary(result))
    lines = style.layout().lines(told, look) if style.out.is_terminal else [Line(told, look)]
    return f"\n{style.written(lines)}"
