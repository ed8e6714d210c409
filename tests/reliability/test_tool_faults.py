"""What tools and executors may do wrong (T1 to T3, T5 to T7): every call gets one result, and nothing runs twice."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
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
    ToolReturned,
    ToolsExecutionResult,
    tool,
)
from runner.tools.threads import abandoned
from tests.invariants import assert_at_most_once, ending, nothing_left_behind
from tests.reliability.talk import CHAT, talking
from tests.servers import GeminiServer, calls, error, repeat, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner import ChatStorage, FunctionCall, FunctionTool
    from runner.executors.stream import ResultStream


def kinds(talk: Any) -> list[str]:
    """The result kinds of the last turn, in call order."""
    returned: list[ToolReturned] = talk.of(ToolReturned)
    return [event.kind for event in sorted(returned, key=lambda event: event.index)]


# T1: five calls, each with its own trouble


class Leave(BaseException):
    """What no `except Exception` catches."""


def a_cycle() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


NO_JSON: dict[str, Callable[[], Any]] = {
    "bytes": lambda: b"\xff\xfe",
    "NaN": lambda: {"value": math.nan},
    "a cycle": a_cycle,
    "50 MB": lambda: {"text": "x" * 50_000_000},
    "an object": lambda: {"it": object()},
}
EXITS = {
    "sys.exit": SystemExit("/home/me/secret.py"),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "BaseException": Leave("/home/me/secret.py"),
    "GeneratorExit": GeneratorExit(),
    "MemoryError": MemoryError(),
}
TROUBLES = list(zip(NO_JSON, EXITS, strict=True))


def on_the_loop(what: str, way: str) -> list[FunctionTool]:
    @tool
    async def good() -> str:
        """Work."""
        return "fine"

    @tool
    async def bad() -> None:
        """Raise."""
        raise OSError(2, "No such file or directory", "/home/me/private/plan.txt")

    @tool(timeout=0.1, effects="none")
    async def slow() -> None:
        """Hang."""
        await asyncio.Event().wait()

    @tool
    async def odd() -> Any:
        """Return what is no JSON."""
        return NO_JSON[what]()

    @tool
    async def gone() -> None:
        """Try to end the process."""
        raise EXITS[way]

    return [good, bad, slow, odd, gone]


def in_threads(what: str, way: str, released: threading.Event) -> list[FunctionTool]:
    @tool
    def good() -> str:
        """Work."""
        return "fine"

    @tool
    def bad() -> None:
        """Raise."""
        raise OSError(2, "No such file or directory", "/home/me/private/plan.txt")

    @tool(timeout=0.1, effects="none")
    def slow() -> None:
        """Hang."""
        released.wait(60)

    @tool
    def odd() -> Any:
        """Return what is no JSON."""
        return NO_JSON[what]()

    @tool
    def gone() -> None:
        """Try to end the process."""
        raise EXITS[way]

    return [good, bad, slow, odd, gone]


@pytest.mark.parametrize(("what", "way"), TROUBLES, ids=[f"{what}, {way}" for what, way in TROUBLES])
@pytest.mark.parametrize("where", ["on the loop", "in threads"])
async def test_five_calls_with_five_troubles_get_five_results(
    server: GeminiServer, storage: ChatStorage, where: str, what: str, way: str
) -> None:
    """In call order, whatever is raised or returned; the model reads neither tracebacks nor paths."""
    server.script(calls(("good",), ("bad",), ("slow",), ("odd",), ("gone",)), text("done"))
    released = threading.Event()
    tools = on_the_loop(what, way) if where == "on the loop" else in_threads(what, way, released)
    async with talking(server, storage, tools=tools) as talk, asyncio.timeout(30):
        ended = await talk.turn()
        released.set()
        assert (ended.reason, ended.text) == ("answered", "done")
        assert kinds(talk) == ["ok", "error", "timeout", "error", "error"]
        told = [each["response"] for each in server.generations[1].responses]
        assert told[0] == {"result": "fine"}
        assert all(list(each) == ["error"] for each in told[1:])
        assert "plan.txt" in told[1]["error"]
        for hidden in ("/home/me", "Traceback", 'File "', __file__):
            assert hidden not in str(told)
        assert len(str(told)) < 10_000


# T2: cancellation and blocking


async def test_a_tool_that_cancels_itself_ends_alone(server: GeminiServer, storage: ChatStorage) -> None:
    """Its siblings settle before the batch returns, and the turn goes on."""
    settled: list[str] = []

    @tool
    async def cancel_me() -> None:
        """Cancel this very task."""
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    @tool
    async def raise_it() -> None:
        """Raise what a cancellation raises."""
        raise asyncio.CancelledError

    @tool
    async def sibling() -> str:
        """Take a little longer."""
        await asyncio.sleep(0.1)
        settled.append("sibling")
        return "fine"

    server.script(calls(("cancel_me",), ("sibling",), ("raise_it",)), text("done"))
    async with talking(server, storage, tools=[cancel_me, sibling, raise_it]) as talk, asyncio.timeout(10):
        assert (await talk.turn()).reason == "answered"
        assert kinds(talk) == ["cancelled", "ok", "cancelled"]
        assert settled == ["sibling"]


async def test_a_tool_that_swallows_its_cancellation_is_left_behind_and_named(
    server: GeminiServer, storage: ChatStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """The turn goes on after the timeout and a moment's grace; interrupted, too, it ends within seconds."""
    released = asyncio.Event()

    @tool(timeout=0.1)
    async def stubborn() -> str:
        """Ignore every cancellation."""
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    server.script(calls(("stubborn",)), text("done"))
    async with talking(server, storage, tools=[stubborn]) as talk, asyncio.timeout(20):
        assert (await talk.turn()).reason == "answered"
        assert kinds(talk) == ["outcome_unknown"]
        assert "tool:stubborn did not end when it was cancelled" in caplog.text
        server.script(calls(("stubborn",)))
        stubborn.timeout = None
        events = talk.client.events(query="again", chat_id=CHAT, tools=[stubborn])
        async for event in events:
            if isinstance(event, ToolCalled):
                events.interrupt()
        assert ending([event]).reason == "interrupted"
        released.set()


async def test_a_tool_that_blocks_its_thread_delays_nobody(server: GeminiServer, storage: ChatStorage) -> None:
    """Given up at its timeout and counted; meanwhile another chat of the same client is answered."""
    released = threading.Event()

    @tool(timeout=0.5)
    def block() -> None:
        """Block for a minute."""
        released.wait(60)

    server.script(calls(("block",)), text("done"), when="go")
    async with talking(server, storage, tools=[block]) as talk, asyncio.timeout(20):
        first = asyncio.create_task(talk.turn("go"))
        await server.arrived(1)
        server.answer = lambda _: text("quick")
        told = [event async for event in talk.client.events(query="other", chat_id="other")]
        assert ending(told).text == "quick"
        assert not first.done()
        assert (await first).reason == "answered"
        assert kinds(talk) == ["outcome_unknown"]
        assert abandoned() == ["block"]
        released.set()


async def test_a_tool_that_blocks_the_loop_is_named(
    server: GeminiServer, storage: ChatStorage, caplog: pytest.LogCaptureFixture
) -> None:
    @tool
    async def sleepy() -> None:
        """Block the loop."""
        time.sleep(1.8)

    server.script(calls(("sleepy",)), text("done"))
    async with talking(server, storage, tools=[sleepy]) as talk:
        assert (await talk.turn()).reason == "answered"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [warning for warning in warnings if "sleepy has blocked the event loop" in warning]


# T3: effects happen once


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

    @tool(timeout=0.2)
    async def pay(context: ToolContext) -> str:
        """Pay."""
        ledger.append(context.idempotency_key)
        if trouble == "raises":
            raise RuntimeError("no receipt")
        if trouble == "hangs":
            await asyncio.Event().wait()
        return "paid"

    @tool(name="pay", timeout=0.2)
    def pay_slowly(context: ToolContext) -> str:
        """Pay."""
        ledger.append(context.idempotency_key)
        released.wait(60)
        return "paid"

    used = pay_slowly if trouble == "hangs in a thread" else pay
    server.script(calls(("pay",)), *([text("done")] if service == "well" else [repeat(error(500), 4)]))
    options = {"tools": [used], "tool_executor": executor()}
    async with talking(server, storage, **options) as talk, asyncio.timeout(20):
        ended = await talk.turn()
        released.set()
        assert ended.reason == ("answered" if service == "well" else "failed")
        assert kinds(talk) == [kind]
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
        assert kinds(talk) == ["ok", "not_started", "not_started"]
        results = [entry.meta["results"] for entry in await talk.log() if entry.kind == "responses"]
        assert results == [["ok", "not_started", "not_started"]]


async def test_the_deadline_of_a_turn_holds_for_its_tools(server: GeminiServer, storage: ChatStorage) -> None:
    """However long they may take by themselves."""

    @tool
    async def pay() -> None:
        """Hang."""
        await asyncio.Event().wait()

    server.script(calls(("pay",)))
    async with talking(server, storage, tools=[pay], limits=Limits(turn_timeout=0.3)) as talk, asyncio.timeout(10):
        ended = await talk.turn()
        assert (ended.reason, ended.code) == ("limit", "turn_timeout")
        assert kinds(talk) == ["outcome_unknown"]


# T5: readers of an executor's own events


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
        await asyncio.sleep(60 if count == 1 else 0)
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
        async with nothing_left_behind(), asyncio.timeout(20):
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
        for name, value in server.env.items():
            patch.setenv(name, value)
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


# T6: a thousand calls, five at once


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
        assert Counter(kinds(talk)) == {"ok": 700, "error": 300}
        for number, result in enumerate(told):
            assert result == ({"error": f"RuntimeError: no {number}"} if number % 10 < 3 else {"result": number})
        assert len(keys) == 1_000
        assert_at_most_once(keys)


# T7: nobody but the executor calls a tool


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
