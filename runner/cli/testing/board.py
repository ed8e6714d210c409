"""What a run of conversations has told so far: which cases run and how far they are, sums, counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.conversations.progress import (
    AttemptEnded,
    AttemptStarted,
    CaseEnded,
    CaseStarted,
    Noticed,
    RunStarted,
    TurnEnded,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.conversations.progress import CaseId, Progress
    from runner.conversations.results import CaseResult, Outcome, TurnRecord

RETRY = "retry"  # the code of a notice
_PAID = {"live", "recorded"}  # where a model is asked now


@dataclass(slots=True)
class Spent:
    """Tokens, US dollars and retries."""

    tokens: int = 0
    dollars: float = 0.0
    retries: int = 0


@dataclass(slots=True, kw_only=True)
class Running:
    """A case that is run now. `turns` are those of the attempt under way: whether each passed, None if not run."""

    since: float
    repeats: int
    length: int
    turns: list[bool | None] = field(default_factory=list)
    is_paid: bool = False  # the attempt asks a model: what its turns cost is spent
    counted: float = 0.0  # US dollars of its turns so far
    ended: int = 0
    spent: Spent = field(default_factory=Spent)


class Board:
    """Reads the events of a run; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.since = clock()
        self.cases = 0
        self.done: dict[Outcome, int] = {}
        self.running: dict[CaseId, Running] = {}
        self.spent = Spent()

    def see(self, event: Progress) -> CaseResult | None:
        """Count an event; the result of a case that it ends."""
        match event:
            case RunStarted(cases=cases):
                self.cases = cases
            case CaseStarted(case=case, repeats=repeats, turns=turns):
                self.running[case] = Running(since=self._clock(), repeats=repeats, length=turns)
            case CaseEnded(case=case, result=result):
                self.running.pop(case, None)
                self.done[result.outcome] = self.done.get(result.outcome, 0) + 1
                return result
            case AttemptStarted() | TurnEnded() | AttemptEnded() | Noticed():
                self._see_of_case(event)
        return None

    def _see_of_case(self, event: AttemptStarted | TurnEnded | AttemptEnded | Noticed) -> None:
        running = self.running.get(event.case)
        if running is None:
            return
        match event:
            case AttemptStarted(source=source):
                running.turns, running.counted = [], 0.0
                running.is_paid = source in _PAID
            case TurnEnded(turn=turn):
                self._see_turn(running, turn)
            case AttemptEnded(attempt=attempt):
                running.ended += 1
                self._spend(running, dollars=(attempt.spent or 0.0) - running.counted)
            case Noticed(code=code) if code == RETRY:
                self._spend(running, retries=1)

    def _see_turn(self, running: Running, turn: TurnRecord) -> None:
        running.turns.append(None if turn.status == "skipped" else all(check.passed for check in turn.checks))
        dollars = (turn.cost or 0.0) if running.is_paid else 0.0
        running.counted += dollars
        self._spend(running, tokens=turn.usage.total_tokens if turn.usage is not None else 0, dollars=dollars)

    def _spend(self, running: Running, *, tokens: int = 0, dollars: float = 0.0, retries: int = 0) -> None:
        for spent in (running.spent, self.spent):
            spent.tokens += tokens
            spent.dollars += max(dollars, 0.0)
            spent.retries += retries

    @property
    def ended(self) -> int:
        """How many cases are done."""
        return sum(self.done.values())

    def elapsed(self, since: float | None = None) -> float:
        """Milliseconds since the run, or something of it, began."""
        return (self._clock() - (self.since if since is None else since)) * 1000
