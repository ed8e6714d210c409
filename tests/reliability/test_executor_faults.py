"""What executors and their readers may do wrong: no result is lost, and nothing is held up."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from runner import (
    AsyncToolExecutor,
    ChatManager,
    GeminiClient,
    GeminiToolExecutionError,
    Limits,
    LocalChatStorage,
    RateLimitingAsyncExecutor,
    ToolCalled,
    ToolContext,
    ToolsExecutionResult,
    tool,
)
from tests.invariants import assert_at_most_once, ending, nothing_left_behind
from tests.reliability.talk import CHAT, talking
from tests.servers import GeminiServer, calls, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner import ChatStorage, FunctionCall
    from runner.executors.stream import ResultStream


# An executor that fails


class HalfwayExecutor(AsyncToolExecutor[Any]):
    """An executor that runs its first call and then does something wrong."""

    def __init__(self, wrong: str) -> None:
        self._wrong = wrong

    async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
        first = await super().execute_tools(function_calls[:1])
        match self._wrong:
            case "raises":
                raise RuntimeError("at /home/me/executor.py")
            case "exits":
                raise SystemExit(3)
            case "cancels itself":
                raise asyncio.CancelledError
            case "returns nothing":
                return None  # type: ignore[return-value]  # that is the point
        return first


@pytest.mark.parametrize("wrong", ["raises", "exits", "cancels itself", "returns nothing", "returns too little"])
async def test_an_executor_that_fails_half_way_loses_no_result(
    server: GeminiServer, storage: ChatStorage, wrong: str
) -> None:
    """The turn fails with an error of its own kind; what ran has its result, and the rest is told as not started."""

    @tool
    async def pay(amount: int) -> int:
        """Pay."""
        return amount

    server.script(calls(*[("pay", {"amount": amount}) for amount in range(3)]))
    async with talking(server, storage, tools=[pay], tool_executor=HalfwayExecutor(wrong)) as talk:
        ended = await talk.turn()
        assert isinstance(ended.error, GeminiToolExecutionError)
        said = ("HalfwayExecutor", "execute_tools returned NoneType", "returned 1 results for 3 calls")
        assert any(words in str(ended.message) for words in said)
        assert "/home/me" not in str(ended.message)
        assert talk.kinds == ["ok", "not_started", "not_started"]
        results = [entry.meta["results"] for entry in await talk.log() if entry.kind == "responses"]
        assert results == [["ok", "not_started", "not_started"]]


# Readers of an executor's own events


class TellingExecutor(AsyncToolExecutor[str]):
    """Tells 2,000 events a batch, more than a reader's buffer."""

    async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
        for number in range(2_000):
            await self._emit_event(f"event {number}")
        return await super().execute_tools(function_calls)


async def no_reader(stream: ResultStream[str]) -> int:
    return 0


async def one_event(stream: ResultStream[str]) -> int:
    async for _ in stream:
        return 1
    return 0


async def slow_reader(stream: ResultStream[str]) -> int:
    count = 0
    async for _ in stream:
        count += 1
        await asyncio.sleep(3600 if count == 1 else 0)
    return count


async def raising_reader(stream: ResultStream[str]) -> int:
    async for event in stream:
        raise RuntimeError(event)
    return 0


async def fast_reader(stream: ResultStream[str]) -> int:
    return len([event async for event in stream])


async def test_readers_of_an_executor_change_nothing() -> None:
    """None, one that stops, one that sleeps, one that raises, a good one: the same answer and the same stored bytes."""
    stored: dict[str, list[str]] = {}
    for reader in (fast_reader, no_reader, one_event, slow_reader, raising_reader):
        async with nothing_left_behind(), asyncio.timeout(60):
            stored[reader.__name__] = await stored_with(reader)
    assert len({tuple(texts) for texts in stored.values()}) == 1
    assert len(stored["fast_reader"]) == 7


async def stored_with(reader: Callable[[ResultStream[str]], Any]) -> list[str]:
    """The entries that two turns store while `reader` reads the executor's events; server and clock are its own."""
    storage, executor = LocalChatStorage(), TellingExecutor()
    manager = ChatManager(storage, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))

    @tool
    async def work() -> str:
        """Work."""
        return "fine"

    with GeminiServer(verbatim=True) as server, pytest.MonkeyPatch.context() as patch:
        server.stand_in(patch)
        server.script(calls(("work",)), text("done"), text("again"))
        async with GeminiClient(chat_manager=manager) as client:
            stream = executor.get_result_stream()
            reading = asyncio.create_task(reader(stream))
            options: Any = {"tools": [work], "tool_executor": executor, "chat_id": CHAT}
            assert ending([event async for event in client.events(query="go", **options)]).text == "done"
            if reader is fast_reader:
                assert await reading == 2_000
            if reader in (no_reader, slow_reader):
                assert stream.dropped > 900
            reading.cancel()
            await asyncio.wait({reading})
            assert reading.cancelled() or reading.exception() is None or reader is raising_reader
            assert ending([event async for event in client.events(query="and", **options)]).text == "again"
        assert not server.refused, server.refused[0].error
    return [entry.to_json() for entry in await storage.read_after(CHAT, 0)]


# A thousand calls, five at once


async def test_a_thousand_calls_run_five_at_once_and_are_all_answered_in_order(
    server: GeminiServer, storage: ChatStorage
) -> None:
    """Three of ten raise; the slots are measured inside the tool."""
    running: list[int] = []
    most: list[int] = []
    keys: list[str] = []

    @tool(effects="idempotent")  # a `once` call is recorded, durably, before it starts: then they seldom overlap
    async def work(number: int, context: ToolContext) -> int:
        """Work."""
        running.append(number)
        most.append(len(running))
        keys.append(context.idempotency_key)
        try:
            await asyncio.sleep(0.0005 * (number % 3))
            if number % 10 < 3:
                raise RuntimeError(f"no {number}")
            return number
        finally:
            running.remove(number)

    server.script(calls(*[("work", {"number": number}) for number in range(1_000)], together=True), text("done"))
    options: dict[str, Any] = {
        "tool_executor": RateLimitingAsyncExecutor(5),
        "limits": Limits(max_tool_calls=1_000),
    }
    async with talking(server, storage, tools=[work], **options) as talk, asyncio.timeout(60):
        assert (await talk.turn()).reason == "answered"
        told = [each["response"] for each in server.generations[1].responses]
        assert max(most) == 5
        assert Counter(talk.kinds) == {"ok": 700, "error": 300}
        for number, result in enumerate(told):
            assert result == ({"error": f"RuntimeError: no {number}"} if number % 10 < 3 else {"result": number})
        assert len(keys) == 1_000
        assert_at_most_once(keys)


# Nobody but the executor calls a tool


async def test_the_sdk_calls_no_function_by_itself(
    server: GeminiServer, storage: ChatStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """Plain functions are tools; every start goes through the executor, and each step is one request."""
    caplog.set_level(logging.DEBUG, "google_genai")
    started: list[str] = []
    seen: list[str] = []

    class Watching(AsyncToolExecutor[Any]):
        async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
            seen.extend(call.function_call.args["word"] for call in function_calls)
            return await super().execute_tools(function_calls)

    def look_up(word: str) -> str:
        """Look a word up."""
        started.append(word)
        return f"{word} is known"

    server.script(calls(("look_up", {"word": "a"}), ("look_up", {"word": "b"})), calls(("look_up", {"word": "c"})))
    server.script(text("done"))
    async with talking(server, storage, tools=[look_up], tool_executor=Watching()) as talk:
        assert (await talk.turn()).reason == "answered"
        assert sorted(started) == seen == ["a", "b", "c"]
        assert [event.args["word"] for event in talk.of(ToolCalled)] == seen
        assert len(server.generations) == 3
        assert all(list(each.declarations) == ["look_up"] for each in server.generations)
    assert not [record for record in caplog.records if "AFC" in record.getMessage()]
