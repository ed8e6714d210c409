"""What a run of conversations brought: data only, which reports, exit codes and selections read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from runner.requests import Usage

Outcome: TypeAlias = Literal["passed", "failed", "error", "skipped"]
"""`failed`: a check did not hold. `error`: the agent, its model, a tool stub's file or a judge could not be asked."""
Source: TypeAlias = Literal["live", "offline", "scripted", "replayed", "recorded"]
"""Where the model's replies came from."""
CheckKind: TypeAlias = Literal["calls", "reply", "status", "limit", "schema", "stub", "judge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was expected. `expected` and `actual` are texts to stand side by side; `line` is in the file.

    `key` is the dotted key of what was expected, below the turn's `expect` or the case's `finally`.
    """

    kind: CheckKind
    passed: bool
    message: str
    expected: str | None = None
    actual: str | None = None
    line: int | None = None
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One tool call of a turn. `step` counts the model's replies from 1; `stub` is what answered in its place."""

    step: int
    index: int
    name: str
    args: Any
    kind: str
    result: Any
    ms: float
    stub: str | None = None


@dataclass(slots=True, kw_only=True)
class TurnRecord:
    """One turn as it was held. `notices` are what the user would have been told, retries included.

    `files` are those sent with the message, in words: `[photo.png, image/png, 12 KB]`.
    """

    number: int
    line: int
    user: str
    files: list[str] = field(default_factory=list)
    reply: str = ""
    status: str = "skipped"  # of the turn; `skipped`: it was not run, `pinned`: its answer is the file's
    message: str | None = None  # why it did not end in an answer
    calls: list[CallRecord] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    steps: int = 0
    retries: int = 0
    rate_limits: int = 0  # of the retries, those after a 429
    usage: Usage | None = None
    cost: float | None = None  # US dollars; None where a price is not known
    ms: float = 0.0
    checks: list[Check] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a case could not be judged, and what to do about it."""

    reason: str  # a stable word: no_key, cassette_missing, replay_miss, manifest, model, judge, timeout, bug, ...
    message: str
    hint: str | None = None


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One run of a case; `index` counts its repeats from 1. `notes` are for people: what changed since a recording."""

    index: int
    source: Source
    outcome: Outcome
    turns: list[TurnRecord]
    checks: list[Check] = field(default_factory=list)  # of the whole conversation
    trouble: Trouble | None = None
    cassette: Path | None = None
    notes: list[str] = field(default_factory=list)
    stub_calls: dict[str, int] = field(default_factory=dict)
    usage: Usage | None = None
    judge_usage: Usage | None = None
    cost: float | None = None  # of the agent; of a replayed attempt what the recorded one cost
    spent: float | None = 0.0  # by this attempt now, judges included
    ms: float = 0.0

    @property
    def failures(self) -> list[Check]:
        """The checks that did not hold, of the turns and of the whole."""
        return [check for turn in self.turns for check in turn.checks if not check.passed] + [
            check for check in self.checks if not check.passed
        ]


@dataclass(slots=True, kw_only=True)
class CaseResult:
    """A case over all its repeats. `repeats` is how many were asked for; fewer attempts mean it was decided early."""

    suite: Path
    agent: str
    name: str
    line: int
    tags: Sequence[str]
    outcome: Outcome
    attempts: list[Attempt]
    repeats: int = 1
    pass_rate: float = 1.0
    skip_reason: str | None = None

    @property
    def passes(self) -> int:
        """How many attempts passed."""
        return sum(attempt.outcome == "passed" for attempt in self.attempts)

    @property
    def is_flaky(self) -> bool:
        """Whether the case passed although an attempt did not."""
        return self.outcome == "passed" and self.passes < len(self.attempts)


@dataclass(slots=True, kw_only=True)
class RunResult:
    """All that was run. `stopped` says why selected cases are not in it: `fail-fast`, `budget`, `interrupted`."""

    cases: list[CaseResult]
    started: datetime
    ms: float
    deselected: int = 0
    stopped: str | None = None
    cost: float | None = None  # what was spent: nothing for what was replayed
    usage: Usage | None = None
    exit_code: int = 0

    def count(self, outcome: Outcome) -> int:
        """How many cases ended so."""
        return sum(case.outcome == outcome for case in self.cases)
