"""A turn cut off at any instant leaves a history that Gemini accepts, and tells what became of every call."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from runner import (
    AsyncToolExecutor,
    ChatManager,
    GeminiClient,
    LocalChatStorage,
    RateLimitingAsyncExecutor,
    ScriptedModel,
    TextDelta,
    tool,
)
from runner.models.scripted import call, calls, say
from tests.invariants import assert_at_most_once, assert_recoverable, assert_results_match, assert_sound

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from runner import ToolContext, ToolExecutor
    from runner.client import TurnEvents

EXECUTORS: dict[str, Callable[[], ToolExecutor[Any]]] = {
    "async": AsyncToolExecutor,
    "limited": lambda: RateLimitingAsyncExecutor(3),
}


async def ticks(count: int) -> None:
    """So many rounds of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


class Bench:
    """Tools that write to a ledger when they start, and a two-step turn that calls eight of them at once."""

    def __init__(self) -> None:
        self.ledger: list[str] = []

        @tool(effects="once")
        async def record(entry: int, context: ToolContext) -> int:
            """Record an entry."""
            self.ledger.append(f"{context.idempotency_key} {entry}")
            await ticks(entry % 4)
            return entry

        self.tool = record

    def model(self) -> ScriptedModel:
        batch = calls(*[call("record", {"entry": index}) for index in range(8)])
        return ScriptedModel(batch, call("record", {"entry": 8}), say("all is recorded"), say("again"))


async def by_interrupt(events: TurnEvents, instant: Coroutine[Any, Any, None]) -> list[Any]:
    """Read to the end; `events.interrupt()` is called from outside at that instant, and once more right after."""
    async def stop() -> None:
        await instant
        events.interrupt()
        await asyncio.sleep(0)
        events.interrupt()

    stopping = asyncio.create_task(stop())
    told = [event async for event in events]
    await stopping
    return told


async def by_cancel(events: TurnEvents, instant: Coroutine[Any, Any, None]) -> list[Any]:
    """Cancel the consumer's task at that instant."""
    told: list[Any] = []

    async def consume() -> None:
        async with aclosing(events):
            async for event in events:
                told.append(event)

    consumer = asyncio.create_task(consume())
    await instant
    consumer.cancel()
    await asyncio.wait({consumer})
    assert consumer.cancelled() or consumer.result() is None
    return told


async def by_cancel_twice(events: TurnEvents, instant: Coroutine[Any, Any, None]) -> list[Any]:
    told: list[Any] = []

    async def consume() -> None:
        async with aclosing(events):
            async for event in events:
                told.append(event)

    consumer = asyncio.create_task(consume())
    await instant
    consumer.cancel()
    await asyncio.sleep(0)
    consumer.cancel()
    await asyncio.wait({consumer})
    assert consumer.cancelled() or consumer.result() is None
    return told

WAYS = {"interrupt": by_interrupt, "cancel": by_cancel, "cancel_twice": by_cancel_twice}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("executor", EXECUTORS)
async def test_every_instant(executor: str, way: str) -> None:
    for instant in range(0, 400):
        bench, storage = Bench(), LocalChatStorage()
        async with GeminiClient(chat_manager=ChatManager(storage), model=bench.model()) as client:
            options = {"tools": [bench.tool], "tool_executor": EXECUTORS[executor](), "chat_id": "c"}
            told = await WAYS[way](client.events(query="go", **options), ticks(instant))
            log = await storage.read_after("c", 0)
            try:
                assert_at_most_once(bench.ledger)
                assert_results_match(log, "c", bench.ledger)
                if log and way == "interrupt": assert_sound(log)
                assert_recoverable(log)
            except BaseException:
                print(instant, [(e.kind, e.meta) for e in log])
                raise
        if log and log[-1].meta.get("status") == "answered":
            break
    else:
        pytest.fail("never")
    print(instant)
