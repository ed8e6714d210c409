"""`AsyncToolExecutor`: all calls at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runner.begun import begun
from runner.executors.base import ToolExecutor
from runner.executors.stream import E
from runner.tools.calls import ToolsExecutionResult
from runner.tools.results import error_text, json_result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from runner.messages import Json
    from runner.tools.calls import FunctionCall


class AsyncToolExecutor(ToolExecutor[E]):
    """Runs every call of a batch concurrently; the results are in call order."""

    starts_together = True

    async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
        """Run all calls at once and wait for the last."""
        tasks = [begun(result_of(call), name=f"tool:{call.tool.name}") for call in function_calls]
        await settled(tasks)
        return ToolsExecutionResult(function_call_results=[task_result(task) for task in tasks])


async def result_of(call: FunctionCall) -> Json:
    """What the call's tool returned, or `{"error": text}` for what it raised."""
    try:
        result: Any = await call.tool.execute(call.function_call.args)
        return result if isinstance(result, dict) else json_result(result)
    except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  # whatever a tool raises, SystemExit too, is its own result
        return {"error": error_text(error)}


def task_result(task: asyncio.Future[Json]) -> Json:
    """The result of a call's settled task; a tool that cancelled itself gets an error."""
    return {"error": "the tool was cancelled"} if task.cancelled() else task.result()


async def settled(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Wait for all tasks. When the waiter is cancelled they are too, and it still waits for each to end."""
    cancelled: asyncio.CancelledError | None = None
    pending = {task for task in tasks if not task.done()}
    while pending:
        try:
            _, pending = await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
            for task in pending:
                task.cancel()
            pending = {task for task in pending if not task.done()}
    if cancelled is not None:
        for task in tasks:
            if not task.cancelled():
                task.exception()  # retrieved: the cancellation is what is told
        raise cancelled
