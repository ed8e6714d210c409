"""`Batch`: the calls of one step, each with exactly one result, whatever the executor and the tools do.

The executor gets a `FunctionCall` per valid call; its `tool` is a `BoundTool`, which knows its one call: it records
the start, applies the timeout and the context, remembers the outcome, and does not raise for what a tool does. So an
executor that raises half-way, returns too little or is cancelled loses nothing: the batch still knows what ran.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import AgentRunError, GeminiToolExecutionError
from runner.events import ToolCalled, ToolProgress, ToolReturned
from runner.recovery import kind_without_result, unfinished
from runner.tools.arguments import ToolArgumentError
from runner.tools.base import Tool
from runner.tools.calls import FunctionCall, GeminiFunctionCall, ToolsExecutionResult
from runner.tools.context import ToolContext, use_context
from runner.tools.results import error_text, json_result
from runner.tools.watchdog import watching

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from runner.events import Event
    from runner.executors.base import ToolExecutor
    from runner.messages import Json
    from runner.tools.toolbox import Toolbox

logger = logging.getLogger("agent_run")

GRACE = 0.5  # seconds a cancelled tool has to end before it is left behind; an executor has twice that


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """What holds for every call of a batch. `before_start` is awaited before a tool starts; it may raise."""

    chat_id: str
    turn: int
    step: int
    tool_timeout: float
    max_output_chars: int
    deps: object
    before_start: Callable[[], Awaitable[None]]
    record_started: Callable[[int], Awaitable[None]] | None  # None: the starts were recorded with the model's message


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended, and what the model is told."""

    kind: str
    result: Json
    ms: float = 0.0


class CallRecord:
    """One call of the batch: as the model made it, the tool it names, whether it started, how it ended."""

    def __init__(self, index: int, raw: Json, toolbox: Toolbox, settings: BatchSettings) -> None:
        self.index = index
        self.name: str = raw.get("name", "")
        self.key = f"{settings.chat_id}:{settings.turn}:{settings.step}:{index}"
        self.id: str = raw.get("id") or f"{settings.turn}.{settings.step}.{index}"
        self.call_id: str | None = raw.get("id")
        self.args: Json = raw.get("args") or {}
        self.started = False
        self.outcome: Outcome | None = None
        self.tool = toolbox.get(self.name)
        if self.tool is None:
            known = ", ".join(toolbox.names) or "none"
            self.outcome = Outcome("error", {"error": f'there is no tool "{self.name}"; the tools are: {known}'})
            return
        try:
            self.args = self.tool.checked(self.args)
        except ToolArgumentError as error:
            self.outcome = Outcome("error", {"error": str(error)})

    @property
    def effects(self) -> str:
        """The declared effects; a call that names no tool has none."""
        return "none" if self.tool is None else self.tool.effects

    @property
    def is_runnable(self) -> bool:
        """Whether the call reaches the executor."""
        return self.tool is not None and self.outcome is None

    def called(self) -> ToolCalled:
        """The event that tells of the start."""
        return ToolCalled(self.id, self.index, self.name, self.args)

    def returned(self) -> ToolReturned:
        """The event that tells of the outcome."""
        outcome = self.settled()
        return ToolReturned(self.id, self.index, self.name, outcome.kind, outcome.result, outcome.ms)

    def settled(self) -> Outcome:
        """The outcome; for a call that has none, what is known of one that was cut off."""
        if self.outcome is None:
            kind = kind_without_result(self.effects, started=self.started) if self.started else "not_started"
            self.outcome = Outcome(kind, unfinished(kind))
        return self.outcome


class BoundTool(Tool):
    """The tool of one call. A `once` tool runs at most once, however often `execute` is awaited."""

    def __init__(self, tool: Tool, record: CallRecord, batch: Batch) -> None:
        self.name, self.function_definition = tool.name, tool.function_definition
        self.effects, self.timeout = tool.effects, tool.timeout
        self._tool, self._record, self._batch = tool, record, batch
        self._settled: asyncio.Event | None = None  # set when the one execution of a `once` tool is over

    async def execute(self, tool_args: Json | None = None, **named: Any) -> Json:
        """Run the call and return its result; what went wrong is told in the result.

        The arguments are given as one dict or, as executors may be used to, by name.
        """
        tool_args = named if tool_args is None else tool_args
        if self.effects != "once":
            return await self._run(tool_args)
        if self._settled is None:
            self._settled = asyncio.Event()
            try:
                return await self._run(tool_args)
            finally:
                self._settled.set()
        await self._settled.wait()
        return self._record.settled().result

    async def _run(self, tool_args: Json) -> Json:
        record, settings = self._record, self._batch.settings
        try:
            args = record.args if tool_args == record.args else self._tool.checked(tool_args)
        except ToolArgumentError as error:
            return self._batch.settle(record, Outcome("error", {"error": str(error)})).result
        await self._batch.starting(record)
        timeout = self.timeout or settings.tool_timeout
        began = time.perf_counter()
        kind, result = await self._outcome_of(args, timeout)
        ms = round((time.perf_counter() - began) * 1000, 3)
        return self._batch.settle(record, Outcome(kind, result, ms)).result

    def _spawn(self, args: Json, ended: asyncio.Event) -> asyncio.Task[Any]:
        settings, record = self._batch.settings, self._record
        context = ToolContext(
            chat_id=settings.chat_id,
            turn=settings.turn,
            step=settings.step,
            index=record.index,
            idempotency_key=record.key,
            deps=settings.deps,
            max_result_chars=settings.max_output_chars,
            on_progress=self._batch.reporter(record),
        )
        with use_context(context):
            return asyncio.create_task(_contained(self._tool, args, ended), name=f"tool:{self.name}")

    async def _outcome_of(self, args: Json, timeout: float) -> tuple[str, Json]:  # noqa: ASYNC109  # the tool is cancelled by us, and left behind if it does not end
        ended = asyncio.Event()
        task = self._spawn(args, ended)
        task.add_done_callback(lambda _: ended.set())  # also where it is cancelled before its first step
        timer = asyncio.get_running_loop().call_later(timeout, ended.set)
        try:
            await ended.wait()
        except asyncio.CancelledError:
            await _cancelled(task)
            raise
        finally:
            timer.cancel()
        if not task.done():
            await _cancelled(task)
            kind = "outcome_unknown" if self.effects == "once" else "timeout"
            unknown = "; it may or may not have taken effect" if self.effects == "once" else ""
            return kind, {"error": f"no result within {timeout:g} s{unknown}"}
        if task.cancelled():
            return "cancelled", {"error": "the tool cancelled itself"}
        value, error = task.result()
        if error is not None:
            return "error", {"error": error_text(error)}
        try:
            return "ok", json_result(value, self._batch.settings.max_output_chars)
        except ValueError as problem:
            return "error", {"error": str(problem)}


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
        task = asyncio.create_task(self._execute(executor, runnable)) if runnable else None
        try:
            if task is not None:
                task.add_done_callback(lambda _: self._changed.set())
                while not task.done():
                    await self._changed.wait()
                    self._changed.clear()
                    while self._events:
                        yield self._events.popleft()
                await task
        finally:
            try:
                if task is not None:
                    await _cancelled(task, 2 * GRACE)
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


async def _contained(tool: Tool, args: Json, ended: asyncio.Event) -> tuple[Any, BaseException | None]:
    """Run a tool so that nothing it raises but a cancellation leaves its task; `ended` is set with its last step."""
    try:
        return await tool.execute(args), None
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001  # a tool is the user's code; even SystemExit is an answer to the model
        return None, error
    finally:
        ended.set()


async def _cancelled(task: asyncio.Task[Any], grace: float = GRACE) -> None:
    """Cancel a task and wait a moment for its end; one that does not end is left behind, and named in the log."""
    if task.done():
        return
    task.cancel()
    _, pending = await asyncio.wait({task}, timeout=grace)
    if pending:
        logger.warning("%s did not end when it was cancelled and was left behind", task.get_name())
