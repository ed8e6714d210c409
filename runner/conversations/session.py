"""A run of conversations: the cases of some files, several at a time, each a number of times."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.conversations.attempts import attempted
from runner.conversations.grounds import Grounds, loaded_suites
from runner.conversations.options import Options
from runner.conversations.planning import Planned
from runner.conversations.progress import AttemptEnded, CaseEnded, CaseStarted, RunEnded, RunStarted, unobserved
from runner.conversations.repeats import is_decided, needed
from runner.conversations.results import Attempt, CaseResult, RunResult
from runner.conversations.selecting import is_selected
from runner.conversations.transcript import summed_costs, summed_usage
from runner.conversations.troubles import REPEATED, exit_code, trouble_of
from runner.errors import AgentRunError, ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runner.conversations.progress import Observer
    from runner.conversations.results import Outcome
    from runner.loading.suites import LoadedSuite

_STANDARD = Options()


async def run_conversations(
    suites: Iterable[str | Path | LoadedSuite], options: Options = _STANDARD, observer: Observer = unobserved
) -> RunResult:
    """Run the cases of conversations files. Raises ManifestError for a wrong file, and where no case is selected."""
    return await Session(suites, options, observer).run()


class Session:
    """One run; `interrupt` ends it early. Making it reads the files, and raises ManifestError."""

    def __init__(
        self, suites: Iterable[str | Path | LoadedSuite], options: Options = _STANDARD, observer: Observer = unobserved
    ) -> None:
        self._options, self._observer = options, observer
        self._suites = loaded_suites(suites)
        every = [Planned(suite, index, options) for suite in self._suites for index in range(len(suite.suite.cases))]
        self._cases = [each for each in every if is_selected(each.case, each.id, each.loaded.root, options.selection)]
        if not self._cases:
            raise ManifestError(f"no case is selected: none of {len(every)} fits what was asked for")
        self._deselected = len(every) - len(self._cases)
        self._grounds = Grounds(observer)
        self._results: dict[int, CaseResult] = {}
        self._spent: list[float | None] = []
        self._stopped: str | None = None
        self._workers: list[asyncio.Task[None]] = []

    def interrupt(self) -> None:
        """End the run: attempts that are under way are cancelled, and what is done so far is its result."""
        self._stopped = "interrupted"
        for worker in self._workers:
            worker.cancel()

    async def run(self) -> RunResult:
        """Run all that is selected; the cases of the result are in the order of their files."""
        started, began = datetime.now(UTC), time.perf_counter()
        self._tell_start()
        waiting = iter(enumerate(self._cases))
        count = min(self._options.concurrency, len(self._cases))
        self._workers = [asyncio.create_task(self._work(waiting), name=f"conversations:{n}") for n in range(count)]
        try:
            if self._stopped is None:
                await asyncio.wait(self._workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for worker in self._workers:
                worker.cancel()
            ends = await asyncio.gather(*self._workers, return_exceptions=True)
            await self._grounds.aclose()
        for end in ends:
            if isinstance(end, Exception):
                raise end
        result = self._result(started, round((time.perf_counter() - began) * 1000, 3))
        self._observer(RunEnded(result=result))
        return result

    def _tell_start(self) -> None:
        running = [each for each in self._cases if each.case.skip is None]
        self._observer(
            RunStarted(
                cases=len(self._cases),
                suites=len({each.loaded.path for each in self._cases}),
                attempts=sum(each.repeats for each in running),
                deselected=self._deselected,
            )
        )

    def _result(self, started: datetime, ms: float) -> RunResult:
        cases = [self._results[index] for index in sorted(self._results)]
        attempts = [attempt for case in cases for attempt in case.attempts]
        usages = [usage for attempt in attempts for usage in (attempt.usage, attempt.judge_usage)]
        return RunResult(
            cases=cases,
            started=started,
            ms=ms,
            deselected=self._deselected,
            stopped=self._stopped,
            cost=summed_costs(self._spent),
            usage=summed_usage(usages),
            exit_code=exit_code(cases, self._stopped),
        )

    async def _work(self, waiting: Iterator[tuple[int, Planned]]) -> None:
        """Run one case after the other, as long as any are waiting."""
        for index, planned in waiting:
            if self._is_over():
                return
            result = await self._case(planned)
            self._results[index] = result
            if self._options.fail_fast and result.outcome in {"failed", "error"}:
                self._stopped = self._stopped or "fail-fast"
            self._observer(CaseEnded(case=planned.id, result=result))

    def _is_over(self) -> bool:
        """Whether no further attempt is to be begun."""
        limit = self._options.max_cost
        if limit is not None and sum(each or 0.0 for each in self._spent) >= limit:
            self._stopped = self._stopped or "budget"
        return self._stopped is not None

    async def _case(self, planned: Planned) -> CaseResult:
        """Run a case until it is decided."""
        result = _empty_result(planned)
        if planned.case.skip is not None:
            result.outcome, result.skip_reason = "skipped", planned.case.skip
            return result
        self._observer(CaseStarted(case=planned.id, repeats=planned.repeats, turns=len(planned.case.turns)))
        for index in range(1, planned.repeats + 1):
            if index > 1 and self._is_over():
                result.outcome = "skipped"
                result.skip_reason = f"{self._stopped}: stopped after {index - 1} of {planned.repeats} runs"
                return result
            attempt = await self._attempt(planned, index, result)
            result.attempts.append(attempt)
            self._spent.append(attempt.spent)
            self._observer(AttemptEnded(case=planned.id, attempt=attempt))
            if _is_over(result):
                break
        result.outcome = _outcome(result)
        return result

    async def _attempt(self, planned: Planned, index: int, result: CaseResult) -> Attempt:
        try:
            ground = self._grounds.of(planned)
        except AgentRunError as error:
            trouble = trouble_of(error)
            return Attempt(index=index, source="live", outcome="error", turns=[], trouble=trouble)
        result.agent = ground.loaded.name
        return await attempted(planned, index, ground)


def _empty_result(planned: Planned) -> CaseResult:
    return CaseResult(
        suite=planned.loaded.path,
        agent=planned.agent_path.name.partition(".")[0],
        name=planned.case.name,
        line=planned.line(),
        tags=list(planned.case.tags or ()),
        outcome="passed",
        attempts=[],
        repeats=planned.repeats,
        pass_rate=planned.pass_rate,
    )


def _is_over(result: CaseResult) -> bool:
    """Whether more attempts can change nothing: the case is decided, or its trouble will be there again."""
    trouble = result.attempts[-1].trouble
    if trouble is not None and trouble.reason not in REPEATED:
        return True
    others = len(result.attempts) - result.passes
    return is_decided(result.passes, others, result.repeats, result.pass_rate)


def _outcome(result: CaseResult) -> Outcome:
    """Passed where enough attempts passed; else an error, if attempts that could not be judged might have passed."""
    least = needed(result.repeats, result.pass_rate)
    if result.passes >= least:
        return "passed"
    failed = sum(attempt.outcome == "failed" for attempt in result.attempts)
    return "failed" if failed > result.repeats - least else "error"
