"""A run for GitHub Actions: annotations of the conversations files, and the job's summary in Markdown."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from runner.conversations.reports.amounts import duration, money, tokens
from runner.conversations.reports.lines import Layout, joined, seen
from runner.conversations.reports.repeated import repeat_line, spent, taken, used
from runner.conversations.reports.text import (
    attempt_lines,
    capped,
    counts,
    first_line,
    meaning,
    reason,
    shown,
    sums,
    title,
    turn_checks,
    where,
)
from runner.loading.formats import github_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runner.conversations.results import Attempt, CaseResult, RunResult

MOST_ANNOTATIONS = 10  # errors of a step that GitHub shows
_MOST_TEXT = 2_000  # characters of an annotation
_MOST_SUMMARY = 900_000  # bytes; GitHub takes one MiB of a step, and drops the whole of a longer one
_MOST_DETAILS = 8_000  # characters of a case
_MARK = {"passed": "✅", "failed": "❌", "error": "⚠️", "skipped": "⏭️"}
_FIRST = ("error", "failed", "passed", "skipped")
_MARKUP = re.compile(r"""[\\`*_{}\[\]()<>&"'#+!|~@:.-]""")


class Mute:
    """Keeps GitHub from obeying what stands in texts: print `begin` before them and `end` after them."""

    def __init__(self) -> None:
        word = secrets.token_hex(16)
        self.begin, self.end = f"::stop-commands::{word}\n", f"::{word}::\n"


def annotated(result: RunResult, folder: Path) -> str:
    """An `::error` for each check that did not hold, at its line; the last one counts those that are too many.

    Paths are relative to `folder`, which should be the repository's own.
    """
    commands = [each for case in _worst_first(result) for each in _annotations(case, Layout(folder=folder, clean=seen))]
    rest = len(commands) - MOST_ANNOTATIONS + 1
    if rest > 1:
        told = f"{rest} more: see the log or the job's summary"
        commands = [*commands[: MOST_ANNOTATIONS - 1], github_command("error", {"title": "agent-run test"}, told)]
    return "".join(f"{command}\n" for command in commands)


def _worst_first(result: RunResult) -> list[CaseResult]:
    return sorted(result.cases, key=lambda case: _FIRST.index(case.outcome))


def _annotations(case: CaseResult, layout: Layout) -> Iterator[str]:
    attempt = shown(case)
    if attempt is None or case.outcome not in {"failed", "error"}:
        return
    place = {"file": layout.place(case.suite), "title": capped(layout.clean(title(case)), 200)}
    if attempt.trouble is not None:
        text = capped(layout.clean(reason(attempt.trouble)), _MOST_TEXT)
        yield github_command("error", {**place, "line": case.line}, text)
    for turn, checks in turn_checks(attempt):
        for check in checks:
            lines = [f"{where(turn)}: {check.kind}: {check.message}"]
            lines += [f"{name}: {text}" for name, text in _sides(check.expected, check.actual)]
            line = check.line or (turn.line if turn is not None else case.line)
            yield github_command("error", {**place, "line": line}, capped(layout.clean("\n".join(lines)), _MOST_TEXT))


def _sides(expected: str | None, actual: str | None) -> Iterator[tuple[str, str]]:
    yield from ((name, text) for name, text in (("expected", expected), ("actual", actual)) if text is not None)


# the job's summary


def job_summary(result: RunResult, folder: Path) -> str:
    """The run in Markdown: a table of the cases, worst first, and what went wrong in a fold for each."""
    layout = Layout(folder=folder, clean=seen)
    lines = [f"### {_MARK['failed'] if result.exit_code else _MARK['passed']} agent-run test: {counts(result)}", ""]
    stopped = f" Stopped: {_cell(result.stopped)}." if result.stopped else ""
    lines += [f"{', '.join(sums(result))}; {meaning(result.exit_code)}.{stopped}", ""]
    if result.cases:
        lines += ["| | case | what | time | tokens | spent |", "|---|---|---|--:|--:|--:|"]
    parts = ["\n".join(lines), *(_row(case, layout) for case in _worst_first(result)), ""]
    parts += [
        _details(case, attempt, layout) for case in _worst_first(result) if (attempt := _to_tell(case)) is not None
    ]
    return _fitted(parts)


def _row(case: CaseResult, layout: Layout) -> str:
    what = " ".join(part for part in (_cell(first_line(case)), _cell(repeat_line(case))) if part)
    dollars = spent(case)
    cells = [
        f"{_MARK[case.outcome]}{' flaky' if case.is_flaky else ''}",
        f"{_cell(title(case))}<br><sub>{_cell(layout.place(case.suite, case.line))}</sub>",
        what,
        duration(taken(case)),
        f"{used(case).total_tokens:,}",
        money(dollars) if dollars else "",
    ]
    return f"| {' | '.join(cells)} |"


def _to_tell(case: CaseResult) -> Attempt | None:
    return shown(case) if case.outcome in {"failed", "error"} else None


def _details(case: CaseResult, attempt: Attempt, layout: Layout) -> str:
    told = capped(joined(attempt_lines(case, attempt, layout)), _MOST_DETAILS)
    head = f"{_cell(title(case))} ({tokens(used(case))})"
    return f"\n<details><summary>{head}</summary>\n\n<pre>{_unparsed(told)}</pre>\n\n</details>\n"


def _fitted(parts: Iterable[str]) -> str:
    """As many parts as GitHub takes."""
    text: list[str] = []
    size = 0
    for part in parts:
        size += len(part.encode()) + 1
        if size > _MOST_SUMMARY:
            return "\n".join([*text, "\nThe rest did not fit: see the log.\n"])
        text.append(part)
    return "\n".join(text)


def _cell(text: str) -> str:
    """A text in a cell of a table, with nothing in it that is Markdown or HTML."""
    return _unparsed(" ".join(seen(capped(text, 300)).split()))


def _unparsed(text: str) -> str:
    """A text as character references wherever Markdown or HTML could find something in it, line ends included."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", text).replace("\n", "&#10;")
