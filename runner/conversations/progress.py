"""What a run of conversations tells while it runs: small events for a progress display, in the order they happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from runner.conversations.results import Attempt, CaseResult, RunResult, Source, TurnRecord


@dataclass(frozen=True, slots=True)
class CaseId:
    """A case by its file, as it was given, and its name."""

    suite: Path
    name: str

    def __str__(self) -> str:
        return f"{self.suite}::{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The first event: how many cases were selected, in how many files, and how many attempts they may take."""

    cases: int
    suites: int
    attempts: int
    deselected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStarted:
    """A case is about to be run up to `repeats` times, of `turns` turns each."""

    case: CaseId
    repeats: int
    turns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """One run of a case begins; `source` is where the model's replies come from."""

    case: CaseId
    index: int
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """The loop told something in a turn: a retry (code `retry`), another model version, ..."""

    case: CaseId
    index: int
    turn: int
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded:
    """A turn was held and checked; one that is skipped is told as well."""

    case: CaseId
    index: int
    turn: TurnRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded:
    """One run of a case is over."""

    case: CaseId
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEnded:
    """A case is decided; a skipped one is told by this event alone."""

    case: CaseId
    result: CaseResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The last event."""

    result: RunResult


Progress: TypeAlias = (
    RunStarted | CaseStarted | AttemptStarted | Noticed | TurnEnded | AttemptEnded | CaseEnded | RunEnded
)
Observer: TypeAlias = Callable[[Progress], None]
"""Called on the event loop with each event; it must return at once."""


def unobserved(_event: Progress) -> None:
    """The observer of a run that nobody watches."""
