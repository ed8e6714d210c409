"""A run as one page that needs nothing else: no request, no library, and nothing in a transcript can run."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from runner.conversations.reports import amounts, repeated, text
from runner.conversations.reports.comparing import rows
from runner.conversations.reports.lines import Layout, seen
from runner.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from runner.conversations.results import CaseResult, RunResult, TurnRecord

_MOST = 50_000  # characters of one text
OUTCOMES = ("failed", "error", "flaky", "passed", "skipped")


def as_html(result: RunResult, folder: Path) -> str:
    """The page; paths are relative to `folder`."""
    from jinja2 import Environment, StrictUndefined

    page = files(__package__) / "page"
    style, script = ((page / name).read_text("utf-8") for name in ("page.css", "page.js"))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    environment.filters |= _filters(Layout(folder=folder))
    template = environment.from_string((page / "page.html.jinja").read_text("utf-8"))
    rendered = template.render(
        result=result,
        suites=_suites(result),
        outcomes=_counted(result),
        version=__version__,
        style=style,
        script=script,
        hashes={"style": _hash(style), "script": _hash(script)},
    )
    return seen(rendered)


def _hash(source: str) -> str:
    """What a content security policy calls a script or a style by, so that no other one is obeyed."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _filters(layout: Layout) -> dict[str, Any]:
    return {
        "duration": amounts.duration,
        "money": amounts.money,
        "capped": lambda value: text.capped(value, _MOST),
        "json": lambda value: text.capped(text.as_json_text(value, 2), _MOST),
        "place": lambda path, line=None: layout.place(path, line),
        "outcome": _outcome,
        "shown": text.shown,
        "first_line": text.first_line,
        "meaning": text.meaning,
        "taken": repeated.taken,
        "used": repeated.used,
        "spent": repeated.spent,
        "repeat_line": repeated.repeat_line,
        "dots": _dots,
        "dot": _dot,
        "rows": lambda check: rows(text.capped(check.expected, _MOST), text.capped(check.actual, _MOST)),
        "bad": lambda checks: [check for check in checks if not check.passed],
        "good": lambda checks: [check for check in checks if check.passed],
    }


def _outcome(case: CaseResult) -> str:
    return "flaky" if case.is_flaky else case.outcome


def _dots(case: CaseResult) -> list[tuple[str, str]]:
    """The turns of the attempt that is shown: how each ended, and a word on it."""
    attempt = text.shown(case)
    return [] if attempt is None else [(_dot(turn), f"turn {turn.number}: {_dot(turn)}") for turn in attempt.turns]


def _dot(turn: TurnRecord) -> str:
    if turn.status == "skipped":
        return "skipped"
    return "passed" if all(check.passed for check in turn.checks) else "failed"


def _suites(result: RunResult) -> dict[Path, list[CaseResult]]:
    """The cases by their file, in the order in which they were run."""
    suites: dict[Path, list[CaseResult]] = {}
    for case in result.cases:
        suites.setdefault(case.suite, []).append(case)
    return suites


def _counted(result: RunResult) -> dict[str, int]:
    """How many cases ended how; flaky ones are not counted as passed."""
    found = [_outcome(case) for case in result.cases]
    return {outcome: found.count(outcome) for outcome in OUTCOMES}
