"""What tools may do wrong: every call gets one result, and nobody else waits."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from runner import (
    Limits,
    ToolCalled,
    tool,
)
from runner.tools.threads import abandoned
from tests.invariants import ending
from tests.reliability.talk import CHAT, talking
from tests.servers import GeminiServer, calls, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner import ChatStorage, FunctionTool


# Five calls, each with its own trouble


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
    async with talking(server, storage, tools=tools) as talk, asyncio.timeout(60):
        ended = await talk.turn()
        released.set()
        assert (ended.reason, ended.text) == ("answered", "done")
        assert talk.kinds == ["ok", "error", "timeout", "error", "error"]
        told = [each["response"] for each in server.generations[1].responses]
        assert told[0] == {"result": "fine"}
        assert all(list(each) == ["error"] for each in told[1:])
        assert "plan.txt" in told[1]["error"]
        for hidden in ("/home/me", "Traceback", 'File "', __file__):
            assert hidden not in str(told)
        assert len(str(told)) < 10_000


# Cancellation and blocking


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
    async with talking(server, storage, tools=[cancel_me, sibling, raise_it]) as talk, asyncio.timeout(60):
        assert (await talk.turn()).reason == "answered"
        assert talk.kinds == ["cancelled", "ok", "cancelled"]
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
    async with talking(server, storage, tools=[stubborn]) as talk, asyncio.timeout(60):
        assert (await talk.turn()).reason == "answered"
        assert talk.kinds == ["outcome_unknown"]
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
    """Meanwhile another chat of the same client is answered; at its timeout it is given up and counted."""
    begun, released = threading.Event(), threading.Event()

    @tool
    def block() -> None:
        """Block for a minute."""
        begun.set()
        released.wait(60)

    server.script(calls(("block",)), text("done"), calls(("block",)), text("done"), when="go")
    async with talking(server, storage, tools=[block]) as talk, asyncio.timeout(60):
        first = asyncio.create_task(talk.turn("go"))
        await asyncio.to_thread(begun.wait)
        server.answer = lambda _: text("quick")
        told = [event async for event in talk.client.events(query="other", chat_id="other")]
        assert ending(told).text == "quick"
        assert not first.done()
        released.set()
        assert (await first).reason == "answered"
        released.clear()
        block.timeout = 1
        assert (await talk.turn("go on")).reason == "answered"
        assert talk.kinds == ["outcome_unknown"]
        assert abandoned() == ["block"]
        released.set()


async def test_a_tool_that_blocks_the_loop_is_named(
    server: GeminiServer, storage: ChatStorage, caplog: pytest.LogCaptureFixture
) -> None:
    named = "sleepy has blocked the event loop"

    @tool
    async def sleepy() -> None:
        """Block the loop until that is told."""
        ends = time.monotonic() + 60
        while not any(named in record.getMessage() for record in caplog.records) and time.monotonic() < ends:
            time.sleep(0.01)

    server.script(calls(("sleepy",)), text("done"))
    async with talking(server, storage, tools=[sleepy]) as talk:
        assert (await talk.turn()).reason == "answered"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [warning for warning in warnings if named in warning]


async def test_the_deadline_of_a_turn_holds_for_its_tools(server: GeminiServer, storage: ChatStorage) -> None:
    """However long they may take by themselves."""

    @tool
    async def pay() -> None:
        """Hang."""
        await asyncio.Event().wait()

    server.script(calls(("pay",)))
    limits = Limits(turn_timeout=3)  # so that the call has begun by then
    async with talking(server, storage, tools=[pay], limits=limits) as talk, asyncio.timeout(60):
        ended = await talk.turn()
        assert (ended.reason, ended.code) == ("limit", "turn_timeout")
        assert talk.kinds == ["outcome_unknown"]
