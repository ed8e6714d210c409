"""A run as one JSON object of a stable form: every key is always there, null where nothing is known."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from runner.conversations.reports.lines import Layout
from runner.conversations.reports.repeated import pass_hats, repeat_facts, taken
from runner.conversations.reports.text import MEANINGS
from runner.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from runner.conversations.results import Attempt, CallRecord, CaseResult, Check, RunResult, TurnRecord
    from runner.requests import Usage

FORMAT = 1


def as_json(result: RunResult, folder: Path) -> str:
    """The document as text; paths are relative to `folder`."""
    return json.dumps(_finite(run_json(result, folder)), indent=2, default=repr, allow_nan=False) + "\n"


def run_json(result: RunResult, folder: Path) -> dict[str, Any]:
    """The document, which docs/testing.md describes."""
    layout = Layout(folder=folder)
    return {
        "format": FORMAT,
        "agent_run": __version__,
        "started": result.started.isoformat(),
        "ms": round(result.ms, 1),
        "exit_code": result.exit_code,
        "exit_meaning": MEANINGS.get(result.exit_code),
        "stopped": result.stopped,
        "counts": {
            **{outcome: result.count(outcome) for outcome in ("passed", "failed", "error", "skipped")},
            "flaky": sum(case.is_flaky for case in result.cases),
            "deselected": result.deselected,
        },
        "usage": _usage(result.usage),
        "spent": result.cost,
        "cases": [_case(case, layout) for case in result.cases],
    }


def _case(case: CaseResult, layout: Layout) -> dict[str, Any]:
    return {
        "suite": layout.place(case.suite),
        "line": case.line,
        "agent": case.agent,
        "name": case.name,
        "tags": list(case.tags),
        "outcome": case.outcome,
        "flaky": case.is_flaky,
        "skip_reason": case.skip_reason,
        "ms": round(taken(case), 1),
        **repeat_facts(case),
        "pass_hat": [round(each, 4) for each in pass_hats(case)],
        "attempts": [_attempt(attempt, layout) for attempt in case.attempts],
    }


def _attempt(attempt: Attempt, layout: Layout) -> dict[str, Any]:
    trouble = attempt.trouble
    return {
        "index": attempt.index,
        "source": attempt.source,
        "outcome": attempt.outcome,
        "trouble": trouble and {"reason": trouble.reason, "message": trouble.message, "hint": trouble.hint},
        "cassette": attempt.cassette and layout.place(attempt.cassette),
        "notes": list(attempt.notes),
        "stub_calls": dict(attempt.stub_calls),
        "usage": _usage(attempt.usage),
        "judge_usage": _usage(attempt.judge_usage),
        "cost": attempt.cost,
        "spent": attempt.spent,
        "ms": round(attempt.ms, 1),
        "checks": [_check(check) for check in attempt.checks],
        "turns": [_turn(turn) for turn in attempt.turns],
    }


def _turn(turn: TurnRecord) -> dict[str, Any]:
    return {
        "number": turn.number,
        "line": turn.line,
        "user": turn.user,
        "files": list(turn.files),
        "reply": turn.reply,
        "status": turn.status,
        "message": turn.message,
        "calls": [_call(call) for call in turn.calls],
        "notices": list(turn.notices),
        "steps": turn.steps,
        "retries": turn.retries,
        "usage": _usage(turn.usage),
        "cost": turn.cost,
        "ms": round(turn.ms, 1),
        "checks": [_check(check) for check in turn.checks],
    }


def _call(call: CallRecord) -> dict[str, Any]:
    return {
        "step": call.step,
        "index": call.index,
        "name": call.name,
        "args": call.args,
        "kind": call.kind,
        "result": call.result,
        "ms": round(call.ms, 1),
        "stub": call.stub,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "kind": check.kind,
        "passed": check.passed,
        "message": check.message,
        "expected": check.expected,
        "actual": check.actual,
        "line": check.line,
    }


def _finite(value: Any) -> Any:
    """A value with null for the numbers that JSON has no way to write, and text for keys that are none."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _usage(usage: Usage | None) -> dict[str, int] | None:
    return None if usage is None else usage.to_json()
