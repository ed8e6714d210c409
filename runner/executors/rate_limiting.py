"""`RateLimitingAsyncExecutor`: a few calls at once."""

from __future__ import annotations

import asyncio
import weakref
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING

from runner.begun import begun
from runner.executors.base import ToolExecutor
from runner.executors.parallel import result_of, settled, task_result
from runner.executors.stream import E
from runner.tools.calls import ToolsExecutionResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.messages import Json
    from runner.tools.calls import FunctionCall

_held: ContextVar[frozenset[int]] = ContextVar("agent_run_held_slots", default=frozenset())


class RateLimitingAsyncExecutor(ToolExecutor[E]):
    """Runs at most `max_batch_size` calls at once, over all turns it serves; when one ends, the next one starts.

    Calls start in call order and the results are in call order. A tool that uses the executor it runs in (an agent as a
    tool) does so under a limit of its own: waiting for a slot while holding one could last for ever.
    """

    max_batch_size: int

    def __init__(self, max_batch_size: int) -> None:
        size: object = max_batch_size
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(f"max_batch_size must be a whole number of at least 1, not {size!r}")
        self.max_batch_size = size

    async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
        """Run the calls, `max_batch_size` at once."""
        waiting, slots = iter(enumerate(function_calls)), self._slots()
        results: list[Json] = [{} for _ in function_calls]
        count = min(self.max_batch_size, len(function_calls))
        lanes = [asyncio.create_task(self._lane(waiting, slots, results)) for _ in range(count)]
        await settled(lanes)
        for lane in lanes:
            lane.result()
        return ToolsExecutionResult(function_call_results=results)

    async def _lane(
        self, waiting: Iterator[tuple[int, FunctionCall]], slots: asyncio.Semaphore, results: list[Json]
    ) -> None:
        """Run one call after the other until none waits; the lanes of an execution share `waiting`."""
        for index, call in waiting:
            async with slots:
                _held.set(_held.get() | {id(self)})
                task = begun(result_of(call), name=f"tool:{call.tool.name}")
                await settled([task])
                results[index] = task_result(task)

    def _slots(self) -> asyncio.Semaphore:
        if id(self) in _held.get():
            return asyncio.Semaphore(self.max_batch_size)
        loop = asyncio.get_running_loop()
        if loop not in self._slots_of_loops:
            self._slots_of_loops[loop] = asyncio.Semaphore(self.max_batch_size)
        return self._slots_of_loops[loop]

    @cached_property
    def _slots_of_loops(self) -> weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]:
        return weakref.WeakKeyDictionary()
