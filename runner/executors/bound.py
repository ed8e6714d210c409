"""One call of a batch: how it was made, the tool bound to it, how it ended."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.begun import begun
from runner.events import ToolCalled, ToolReturned
from runner.media import in_words, parts_of
from runner.recovery import kind_without_result, unfinished
from runner.tools.arguments import ToolArgumentError
from runner.tools.base import Tool
from runner.tools.cached import CachedResult
from runner.tools.context import ToolContext, enter_context
from runner.tools.function import returns_json
from runner.tools.results import error_text, json_result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.executors.batch import Batch
    from runner.messages import Json
    from runner.tools.toolbox import Toolbox

logger = logging.getLogger("agent_run")

GRACE = 0.5  # seconds a cancelled tool has to end before it is left behind; an executor has twice that


@dataclass(slots=True)
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


@dataclass(slots=True)
class Outcome:
    """How a call ended, and what the model is told."""

    kind: str
    result: Json
    ms: float = 0.0
    is_cached: bool = False


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
        cached = True if outcome.is_cached else None
        result = outcome.result
        if media := parts_of(result):
            result = in_words(result, media)
        return ToolReturned(self.id, self.index, self.name, outcome.kind, result, outcome.ms, cached)

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
        outcome = await self._outcome_of(args, timeout)
        outcome.ms = round((time.perf_counter() - began) * 1000, 3)
        return self._batch.settle(record, outcome).result

    def _begun(self, args: Json, ended: asyncio.Event) -> asyncio.Future[Any]:
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
        return begun(_contained(self._tool, args, context, ended), name=f"tool:{self.name}")

    async def _outcome_of(self, args: Json, timeout: float) -> Outcome:  # noqa: ASYNC109  # the tool is cancelled by us, and left behind if it does not end
        ended, deadline = asyncio.Event(), asyncio.get_running_loop().time() + timeout
        task = self._begun(args, ended)
        if not task.done():
            await self._waited_for(task, ended, deadline)
        if not task.done():
            await cancelled(task, f"tool:{self.name}")
            kind = "outcome_unknown" if self.effects == "once" else "timeout"
            unknown = "; it may or may not have taken effect" if self.effects == "once" else ""
            return Outcome(kind, {"error": f"no result within {timeout:g} s{unknown}"})
        return self._told(task)

    async def _waited_for(self, task: asyncio.Future[Any], ended: asyncio.Event, deadline: float) -> None:
        timer = asyncio.get_running_loop().call_at(deadline, ended.set)
        try:
            await ended.wait()
        except asyncio.CancelledError:
            await cancelled(task, f"tool:{self.name}")
            raise
        finally:
            timer.cancel()

    def _told(self, task: asyncio.Future[Any]) -> Outcome:
        """The outcome of a tool that has ended."""
        if task.cancelled():
            return Outcome("cancelled", {"error": "the tool cancelled itself"})
        value, error = task.result()
        if error is not None:
            return Outcome("error", {"error": error_text(error)})
        if returns_json(self._tool):
            return Outcome("ok", value)
        try:
            clean = json_result(value, self._batch.settings.max_output_chars)
        except ValueError as problem:
            return Outcome("error", {"error": str(problem)})
        return Outcome("ok", clean, is_cached=isinstance(value, CachedResult))


async def _contained(
    tool: Tool, args: Json, context: ToolContext, ended: asyncio.Event
) -> tuple[Any, BaseException | None]:
    """Run a tool so that nothing it raises but a cancellation leaves its task; `ended` is set with its last step."""
    enter_context(context)
    try:
        return await tool.execute(args), None
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001  # a tool is the user's code; even SystemExit is an answer to the model
        return None, error
    finally:
        ended.set()


async def cancelled(task: asyncio.Future[Any], name: str, grace: float = GRACE) -> None:
    """Cancel a task and wait a moment for its end; one that does not end is left behind, and named in the log."""
    if task.done():
        return
    task.cancel()
    _, pending = await asyncio.wait({task}, timeout=grace)
    if pending:
        logger.warning("%s did not end when it was cancelled and was left behind", name)
