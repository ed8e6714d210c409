"""A turn cut off at any instant leaves a history that Gemini accepts, and says what became of every call."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from runner import (
    AsyncToolExecutor,
    ChatManager,
    GeminiClient,
    LocalChatStorage,
    RateLimitingAsyncExecutor,
    ScriptedModel,
    ToolContext,
    TurnEnded,
    tool,
)
from runner.models.scripted import call, calls, say
from tests.invariants import (
    assert_at_most_once,
    assert_recoverable,
    assert_results_match,
    assert_sound,
    assert_told_as_stored,
    ending,
    nothing_left_behind,
)
from tests.servers import Reply, words
from tests.servers import calls as server_calls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from runner import ChatMessage, ChatStorage, Event, GenerateContentRequest, ToolExecutor
    from runner.models.scripted import Reply as ScriptedReply
    from runner.turn_events import TurnEvents
    from tests.servers import GeminiServer, RecordedRequest

CHAT = "chat"
EACH_KIND = {"ok", "not_started", "outcome_unknown"}
EXECUTORS: dict[str, Callable[[], ToolExecutor[Any]]] = {
    "all at once": AsyncToolExecutor,
    "three at once": lambda: RateLimitingAsyncExecutor(3),
}


async def rounds(count: int) -> None:
    """So many rounds of the event loop: the same count always ends at the same instruction of a turn in memory."""
    for _ in range(count):
        await asyncio.sleep(0)


# The ways to cut a turn off; each returns the events that were told


async def interrupted(events: TurnEvents, instant: Awaitable[None]) -> list[Event]:
    """`events.interrupt()` from outside, twice, as an impatient user does it; the rest is read."""

    async def stop() -> None:
        await instant
        events.interrupt()
        await asyncio.sleep(0)
        events.interrupt()

    stopping = asyncio.create_task(stop())
    told = [event async for event in events]
    await stopping
    return told


async def cancelled(events: TurnEvents, instant: Awaitable[None], times: int = 1) -> list[Event]:
    """The task that reads the events is cancelled."""
    told: list[Event] = []

    async def consume() -> None:
        async with aclosing(events):
            async for event in events:
                told.append(event)  # noqa: PERF401  # what came before a cancellation counts

    consumer = asyncio.create_task(consume())
    await instant
    for _ in range(times):
        consumer.cancel()
        await asyncio.sleep(0)
    await asyncio.wait({consumer})
    assert consumer.cancelled() or consumer.result() is None
    return told


async def cancelled_twice(events: TurnEvents, instant: Awaitable[None]) -> list[Event]:
    """Cancelled again while it is still ending."""
    return await cancelled(events, instant, times=2)


Way: TypeAlias = "Callable[[TurnEvents, Awaitable[None]], Awaitable[list[Event]]]"
WAYS: dict[str, Way] = {"interrupt": interrupted, "cancel": cancelled, "cancel twice": cancelled_twice}


def assert_cut_well(log: list[ChatMessage], ledger: list[str], told: list[Event], way: str) -> None:
    """Raise unless the log is sound after its next opening, and (where the end was told) as it stands."""
    assert_at_most_once(ledger)
    assert_results_match(log, CHAT, ledger)
    assert_recoverable(log)
    if way == "interrupt" and log:
        assert_sound(log)
        assert_told_as_stored(told, log)
    elif way == "interrupt":
        assert ending(told).reason == "interrupted"
        assert not ledger


# Every instant: in memory, counted in rounds of the event loop


class WaitingStorage(LocalChatStorage):
    """Memory that takes its time, as a file or a server does, so that a turn has more instants."""

    async def append(self, chat_id: str, entries: Sequence[ChatMessage], expected: int) -> None:
        await rounds(1)
        await super().append(chat_id, entries, expected)
        await rounds(1)


class Bench:
    """A chat in memory whose turn "go" calls eight tools at once, then one, then answers; the tools keep a ledger."""

    def __init__(self, executor: str) -> None:
        self.ledger: list[str] = []
        self.storage = WaitingStorage()
        model = ScriptedModel.repeating(self.reply)
        self.client = GeminiClient(chat_manager=ChatManager(self.storage), model=model)
        self._executor = executor

        @tool(effects="once")
        async def record(entry: int, context: ToolContext) -> int:
            """Record an entry."""
            self.ledger.append(f"{context.idempotency_key} {entry}")
            await rounds(entry % 4)
            return entry

        self.tools = [record]

    def events(self, query: str) -> TurnEvents:
        executor = EXECUTORS[self._executor]()
        return self.client.events(query=query, chat_id=CHAT, tools=self.tools, tool_executor=executor)

    @staticmethod
    def reply(request: GenerateContentRequest) -> ScriptedReply:
        last = request.messages[-1]
        if last.text == "go":
            return calls(say("I record"), *[call("record", {"entry": index}) for index in range(8)])
        return call("record", {"entry": 8}) if len(last.responses) == 8 else say("all is well")

    async def log(self) -> list[ChatMessage]:
        return await self.storage.read_after(CHAT, 0)

    async def assert_next_turn(self) -> None:
        """The next turn opens the chat, closes what is open, and is answered."""
        async with asyncio.timeout(60):
            assert ending([event async for event in self.events("again")]).text == "all is well"
        assert_sound(await self.log())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("executor", EXECUTORS)
async def test_a_turn_may_be_cut_at_every_single_instant(executor: str, way: str) -> None:
    """From before its first instruction to after its last, one round of the event loop after the other."""
    kinds: set[str] = set()
    async with nothing_left_behind():
        for instant in range(500):
            bench = Bench(executor)
            async with asyncio.timeout(60):
                told = await WAYS[way](bench.events("go"), rounds(instant))
            log = await bench.log()
            assert_cut_well(log, bench.ledger, told, way)
            kinds.update(kind for entry in log for kind in entry.meta.get("results", ()))
            await bench.assert_next_turn()
            if log and log[-1].meta.get("status") == "answered":
                break
        else:
            pytest.fail("the turn was never let run to its end")
    assert instant > 20
    assert kinds >= EACH_KIND, "the instants did not fall where they should"


@pytest.mark.parametrize("leaving", ["aclose", "forgotten", "forgotten in a cycle"])
@pytest.mark.parametrize("executor", EXECUTORS)
async def test_a_reader_may_leave_after_any_event(executor: str, leaving: str) -> None:
    """With `aclose()`, or with `break` alone: the turn then ends as soon as nobody holds its iterator."""
    async with nothing_left_behind():
        for count in range(1, 100):
            bench = Bench(executor)
            told: list[Event] = []
            events = bench.events("go")
            async for event in events:
                told.append(event)
                if len(told) == count:
                    break
            if leaving == "aclose":
                await events.aclose()
            elif leaving == "forgotten in a cycle":
                circle: list[Any] = [events]
                circle.append(circle)
                del circle
            del events
            if leaving == "forgotten in a cycle":
                gc.collect()
            await rounds(50)
            log = await bench.log()
            assert_cut_well(log, bench.ledger, told, "left")
            assert_sound(log)
            await bench.assert_next_turn()
            if len(told) < count:
                break
        else:
            pytest.fail("the turn was never let run to its end")
    assert count > 20


async def test_a_reader_of_text_may_leave_too() -> None:
    """`chat()` without its end: the turn is interrupted as soon as the iterator is forgotten."""
    bench = Bench("all at once")
    async with nothing_left_behind():
        async for text in bench.client.chat(query="go", chat_id=CHAT, tools=bench.tools):
            assert "I record".startswith(text)
            break
        await rounds(50)
        log = await bench.log()
        assert_cut_well(log, bench.ledger, [], "left")
        assert log[-1].meta["status"] == "interrupted"
        await bench.assert_next_turn()


async def test_the_chat_is_free_when_the_end_is_told() -> None:
    """A reader that stops at TurnEnded, and keeps the iterator, does not keep the chat from its next turn."""
    bench = Bench("all at once")
    events = bench.events("go")
    async for event in events:
        if isinstance(event, TurnEnded):
            break
    await bench.assert_next_turn()
    await events.aclose()
    assert [entry.meta["status"] for entry in await bench.log() if "status" in entry.meta] == ["answered"] * 2


async def test_a_turn_that_waits_for_a_busy_chat_can_be_interrupted() -> None:
    """The wait ends at once, nothing is stored, and the chat's holder is not disturbed."""
    bench = Bench("all at once")
    async with asyncio.timeout(60), await bench.storage.acquire(CHAT):
        told = await interrupted(bench.events("go"), rounds(20))
        assert [event.to_json()["reason"] for event in told] == ["interrupted"]
    assert await bench.log() == []
    await bench.assert_next_turn()


# Two hundred instants: the real SDK, SQLite, tools in threads


def two_steps(request: RecordedRequest) -> Reply:
    if request.user_text != "go":
        return words("all is well")
    if request.step == 0:
        return server_calls(*[("record" if index % 2 else "record_slowly", {"entry": index}) for index in range(8)])
    return server_calls(("record", {"entry": 8})) if request.step == 1 else words("all is recorded", gap=0.001)


@pytest.mark.parametrize("executor", EXECUTORS)
async def test_random_instants_with_the_real_client(server: GeminiServer, storage: ChatStorage, executor: str) -> None:
    """A hundred a way of execution; after each, the strict server accepts the next turn of the chat."""
    ledger: list[str] = []
    kinds: set[str] = set()
    server.answer = two_steps

    @tool(effects="once")
    async def record(entry: int, context: ToolContext) -> int:
        """Record an entry."""
        ledger.append(f"{context.idempotency_key} {entry}")
        await asyncio.sleep(0.001)
        return entry

    @tool(effects="once")
    def record_slowly(entry: int, context: ToolContext) -> int:
        """Record an entry in a thread."""
        ledger.append(f"{context.idempotency_key} {entry}")
        time.sleep(0.003)
        return entry

    async with nothing_left_behind(), GeminiClient(chat_manager=ChatManager(storage)) as client:

        def events(query: str, chat: str) -> TurnEvents:
            made = EXECUTORS[executor]()
            return client.events(query=query, chat_id=chat, tools=[record, record_slowly], tool_executor=made)

        whole = await seconds_of_a_turn(events)
        rng = random.Random(20261122)  # noqa: S311  # to spread the instants
        for number in range(500):
            way, chat = list(WAYS)[number % 3], f"chat-{number}"
            pace = 1.0 if number < 100 else rng.choice([0.2, 1.0, 5.0])  # of a machine that is busier, or less, by now
            async with asyncio.timeout(60):
                told = await WAYS[way](events("go", chat), asyncio.sleep(rng.random() * whole * pace))
            log = await storage.read_after(chat, 0)
            assert_at_most_once(ledger)
            assert_results_match(log, chat, ledger)
            assert_recoverable(log)
            if way == "interrupt" and log:
                assert_told_as_stored(told, log)
            kinds.update(kind for entry in log for kind in entry.meta.get("results", ()))
            assert ending([event async for event in events("again", chat)]).text == "all is well"
            assert_sound(await storage.read_after(chat, 0))
            if number >= 99 and kinds >= EACH_KIND:
                break
        await storage.aclose()
    assert not server.refused, server.refused[0].error
    assert kinds >= EACH_KIND, "the instants did not fall where they should"


async def seconds_of_a_turn(events: Callable[[str, str], TurnEvents]) -> float:
    """How long a turn takes that nobody cuts off; the first one also builds the client."""
    began = 0.0
    for chat in ("first", "second"):
        began = time.perf_counter()
        assert ending([event async for event in events("go", chat)]).reason == "answered"
    return time.perf_counter() - began
