"""Effects happen at most once, whatever tools, executors and the service do."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from runner import (
    AsyncToolExecutor,
    RateLimitingAsyncExecutor,
    ToolContext,
    ToolsExecutionResult,
    tool,
)
from tests.reliability.talk import talking
from tests.servers import GeminiServer, calls, error, repeat, text

if TYPE_CHECKING:
    from runner import ChatStorage, FunctionCall


# Effects happen once


@pytest.mark.parametrize("executor", [AsyncToolExecutor, lambda: RateLimitingAsyncExecutor(1)])
@pytest.mark.parametrize(
    ("trouble", "kind"),
    [("none", "ok"), ("raises", "error"), ("hangs", "outcome_unknown"), ("hangs in a thread", "outcome_unknown")],
)
@pytest.mark.parametrize("service", ["well", "down"])
async def test_an_effect_happens_once(
    server: GeminiServer, storage: ChatStorage, executor: Any, trouble: str, kind: str, service: str
) -> None:
    """Whatever the tool does after it and however often the next model call fails."""
    ledger: list[str] = []
    released = threading.Event()

    @tool(timeout=0.2 if trouble == "hangs" else 60)
    async def pay(context: ToolContext) -> str:
        """Pay."""
        ledger.append(context.idempotency_key)
        if trouble == "raises":
            raise RuntimeError("no receipt")
        if trouble == "hangs":
            await asyncio.Event().wait()
        return "paid"

    @tool(name="pay", timeout=1)
    def pay_slowly(context: ToolContext) -> str:
        """Pay."""
        ledger.append(context.idempotency_key)
        released.wait(60)
        return "paid"

    used = pay_slowly if trouble == "hangs in a thread" else pay
    server.script(calls(("pay",)), *([text("done")] if service == "well" else [repeat(error(500), 4)]))
    options = {"tools": [used], "tool_executor": executor()}
    async with talking(server, storage, **options) as talk, asyncio.timeout(60):
        ended = await talk.turn()
        released.set()
        assert ended.reason == ("answered" if service == "well" else "failed")
        assert talk.kinds == [kind]
        results = [entry.meta["results"] for entry in await talk.log() if entry.kind == "responses"]
        assert results == [[kind]]
        await talk.ordinary_turn()
        assert len(ledger) == 1


class TwiceExecutor(AsyncToolExecutor[Any]):
    """An executor that tries every call again, as a careless one does."""

    async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
        first = await super().execute_tools(function_calls)
        again = await super().execute_tools(function_calls)
        assert first == again
        return again


async def test_an_executor_that_tries_again_starts_no_effect_twice(server: GeminiServer, storage: ChatStorage) -> None:
    """A `once` call gives its one result again; the others run as often as they are asked to."""
    started: list[str] = []

    @tool
    async def pay() -> str:
        """Pay."""
        started.append("pay")
        raise RuntimeError("no receipt")

    @tool(effects="none")
    async def look() -> str:
        """Look."""
        started.append("look")
        return "seen"

    server.script(calls(("pay",), ("look",)), text("done"))
    async with talking(server, storage, tools=[pay, look], tool_executor=TwiceExecutor()) as talk:
        assert (await talk.turn()).reason == "answered"
        assert Counter(started) == {"pay": 1, "look": 2}


class LateExecutor(AsyncToolExecutor[Any]):
    """An executor that answers at once and starts its calls later."""

    def __init__(self) -> None:
        self.late: list[asyncio.Task[Any]] = []

    async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
        async def start(call: FunctionCall) -> None:
            await asyncio.sleep(0.05)
            await call.tool.execute(call.function_call.args)

        self.late = [asyncio.create_task(start(call)) for call in function_calls]
        return ToolsExecutionResult(function_call_results=[{"queued": True} for _ in function_calls])


async def test_nothing_starts_once_its_result_is_told(server: GeminiServer, storage: ChatStorage) -> None:
    """A call that an executor starts after its batch is over does not run: the model was told what became of it."""
    started: list[str] = []
    executor = LateExecutor()

    @tool
    async def pay() -> None:
        """Pay."""
        started.append("pay")

    server.script(calls(("pay",)), text("done"))
    async with talking(server, storage, tools=[pay], tool_executor=executor) as talk:
        assert (await talk.turn()).reason == "answered"
        raised = await asyncio.gather(*executor.late, return_exceptions=True)
        assert "after its step was over" in str(raised[0])
        assert not started
