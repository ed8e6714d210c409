"""`Batch`: the calls of one step, each with exactly one result, whatever the executor and the tools do.

The executor gets a `FunctionCall` per valid call; its `tool` is a `BoundTool`, which knows its one call: it records
the start, applies the timeout and the context, remembers the outcome, and does not raise for what a tool does. So an
executor that raises half-way, returns too little or is cancelled loses nothing: the batch still knows what ran.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from runner.begun import begun
from runner.errors import AgentRunError, GeminiToolExecutionError
from runner.events import ToolProgress
from runner.executors.bound import GRACE, BatchSettings, BoundTool, CallRecord, Outcome, cancelled
from runner.media import carrying, parts_of
from runner.recovery import unfinished
from runner.tools.calls import FunctionCall, GeminiFunctionCall, ToolsExecutionResult
from runner.tools.results import error_text, json_result
from runner.tools.watchdog import watching

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from runner.events import Event
    from runner.executors.base import ToolExecutor
    from runner.messages import Json
    from runner.tools.toolbox import Toolbox

logger = logging.getLogger("agent_run")


class Batch:
    """Runs the calls of one step through an executor and tells what happens, in order, as events."""

    def __init__(self, calls: Sequence[Json], toolbox: Toolbox, settings: BatchSettings) -> None:
        self.settings, self.calls = settings, list(calls)
        self.records = [CallRecord(index, raw, toolbox, settings) for index, raw in enumerate(calls)]
        self.should_proceed = True
        self.error: AgentRunError | None = None
        self._events: deque[Event] = deque()
        self._told: set[int] = set()
        self._changed = asyncio.Event()
        self._is_over = False

    @property
    def effects(self) -> list[str]:
        """The declared effects of each call."""
        return [record.effects for record in self.records]

    @property
    def once_calls(self) -> list[int]:
        """The indices of the `once` calls that will reach the executor."""
        return [record.index for record in self.records if record.is_runnable and record.effects == "once"]

    def results(self) -> list[Json]:
        """Exactly one result per call, in call order."""
        return [record.settled().result for record in self.records]

    def kinds(self) -> list[str]:
        """The result kinds, in call order."""
        return [record.settled().kind for record in self.records]

    async def run(self, executor: ToolExecutor[Any]) -> AsyncGenerator[Event, None]:
        """Yield ToolCalled, ToolProgress and ToolReturned as they happen; every call has an outcome at the end.

        What an executor did wrong is left in `error` (with all outcomes known so far kept), not raised.
        """
        for record in self.records:
            if not record.is_runnable:
                self._events.append(record.called())
                self._tell_returned(record)
        runnable = [record for record in self.records if record.is_runnable]
        task = begun(self._execute(executor, runnable)) if runnable else None
        try:
            if task is not None and not task.done():
                task.add_done_callback(lambda _: self._changed.set())
                while not task.done():
                    await self._changed.wait()
                    self._changed.clear()
                    while self._events:
                        yield self._events.popleft()
            if task is not None:
                task.result()
        finally:
            try:
                if task is not None:
                    await cancelled(task, type(executor).__name__, 2 * GRACE)
            finally:
                self._is_over = True
        for event in self.untold():
            yield event

    def untold(self) -> list[Event]:
        """The events not yet yielded, an outcome for every call included: what is left when `run` was closed early."""
        for record in self.records:
            self._tell_returned(record)
        events = list(self._events)
        self._events.clear()
        return events

    async def _execute(self, executor: ToolExecutor[Any], runnable: list[CallRecord]) -> None:
        calls = [
            FunctionCall(BoundTool(tool, record, self), GeminiFunctionCall(record.name, record.args, record.call_id))
            for record in runnable
            if (tool := record.tool) is not None
        ]
        try:
            with watching(asyncio.get_running_loop()):
                self._accept(runnable, await executor.execute_tools(calls))
            self._changed.set()  # by the time `run` wakes up, this task is done
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self.error = GeminiToolExecutionError(f"{type(executor).__name__} cancelled itself")
        except AgentRunError as error:
            self.error = error
        except BaseException as error:  # noqa: BLE001  # an executor is the user's code: whatever it raises ends the turn, not the process
            self.error = GeminiToolExecutionError(f"{type(executor).__name__} failed: {error_text(error)}")
            self.error.__cause__ = error

    def _accept(self, runnable: list[CallRecord], answer: object) -> None:
        if not isinstance(answer, ToolsExecutionResult):
            raise GeminiToolExecutionError(f"execute_tools returned {type(answer).__name__}, not ToolsExecutionResult")
        results = list(answer.function_call_results)
        if len(results) != len(runnable):
            raise GeminiToolExecutionError(f"the executor returned {len(results)} results for {len(runnable)} calls")
        self.should_proceed = answer.should_proceed
        for record, result in zip(runnable, results, strict=True):
            known = record.outcome
            if known is not None and known.result is result:
                continue
            try:
                clean = json_result(result, self.settings.max_output_chars)
            except ValueError as problem:
                raise GeminiToolExecutionError(f'the executor\'s result of "{record.name}": {problem}') from problem
            if known is not None and not parts_of(clean):
                clean = carrying(clean, parts_of(known.result))
            record.outcome = Outcome(known.kind if known else "ok", clean, known.ms if known else 0.0)

    async def starting(self, record: CallRecord) -> None:
        """Refuse or record the start of a call; called by its bound tool.

        A refusal (the chat was taken over, the storage failed) ends the turn even if the executor swallows it. What an
        executor left running starts nothing any more once the results are counted.
        """
        try:
            self._refuse_late_start(record)
            await self.settings.before_start()
            self._refuse_late_start(record)
            if record.effects == "once" and self.settings.record_started is not None and not record.started:
                await self.settings.record_started(record.index)
            self._refuse_late_start(record)
        except AgentRunError as error:
            self.error = error
            self.settle(record, Outcome("not_started", unfinished("not_started")))
            raise
        record.started = True
        self._tell(record.called())

    def _refuse_late_start(self, record: CallRecord) -> None:
        if self._is_over:
            raise GeminiToolExecutionError(f'"{record.name}" was to start after its step was over, and did not')

    def settle(self, record: CallRecord, outcome: Outcome) -> Outcome:
        """Remember and tell how a call ended; an end that comes after the batch's changes nothing any more."""
        logger.debug("tool %s: %s after %.0f ms", record.name, outcome.kind, outcome.ms)
        if not self._is_over:
            record.outcome = outcome
            self._tell_returned(record)
        return outcome

    def reporter(self, record: CallRecord) -> Callable[[object], None]:
        """What a running tool reports its progress through, from any thread."""
        loop = asyncio.get_running_loop()

        def report(progress: object) -> None:
            event = ToolProgress(record.id, record.index, record.name, progress)
            loop.call_soon_threadsafe(self._tell, event)

        return report

    def _tell(self, event: Event) -> None:
        self._events.append(event)
        self._changed.set()

    def _tell_returned(self, record: CallRecord) -> None:
        if record.index not in self._told:
            self._told.add(record.index)
            self._tell(record.returned())
