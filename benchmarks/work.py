"""What every contender does in the rows that are measured inside a process; a contender says only how it talks."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

QUESTION = "How is the weather in Paris?"
TEXT = "A sentence of about sixty characters, as people write them. " * 4


class Contender(Protocol):
    """A way to talk to Gemini. A chat is whatever object holds a history."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def chat(self, turns: int, storage: str) -> Any:
        """A chat in which `turns` turns (a user's text, a model's text) have already been held."""

    async def turn(self, chat: Any, text: str, tools: str, *, streamed: bool) -> str:
        """One turn; `tools` is "", "weather", "async" or "blocking"."""


async def weather(city: str) -> dict[str, Any]:
    """Tell the weather in a city."""
    return {"city": city, "temperature": 18}


async def slow_async(index: int) -> dict[str, Any]:
    """Wait without blocking."""
    await asyncio.sleep(0.05)
    return {"index": index}


def slow_blocking(index: int) -> dict[str, Any]:
    """Wait, blocking its thread."""
    time.sleep(0.05)
    return {"index": index}


async def cpu_of(work: Callable[[], Awaitable[Any]], times: int) -> float:
    """CPU milliseconds of this process per run of `work`: the median of `times` runs."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        await work()
        spent.append((time.process_time() - began) * 1000)
    return statistics.median(spent)


async def wall_of(work: Callable[[], Awaitable[Any]], times: int) -> float:
    """Wall-clock milliseconds per run of `work`: the median of `times` runs."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


async def tool_turn(contender: Contender, *, streamed: bool) -> float:
    """CPU of a turn with one tool call, that is two requests, each in a new chat."""

    async def one() -> None:
        await contender.turn(await contender.chat(0, "memory"), QUESTION, "weather", streamed=streamed)

    for _ in range(20):
        await one()
    return await cpu_of(one, 150)


async def many_chats(contender: Contender) -> float:
    """Turns a second of 200 chats at once, two tool turns each."""

    async def talk() -> None:
        chat = await contender.chat(0, "memory")
        for _ in range(2):
            await contender.turn(chat, QUESTION, "weather", streamed=True)

    await talk()
    began = time.perf_counter()
    await asyncio.gather(*(talk() for _ in range(200)))
    return 400 / (time.perf_counter() - began)


async def late_turn(contender: Contender, turns: int, storage: str) -> float:
    """CPU of the turn after `turns - 1` others."""
    chat = await contender.chat(turns - 2, storage)
    await contender.turn(chat, TEXT, "", streamed=True)
    return await cpu_of(lambda: contender.turn(chat, TEXT, "", streamed=True), 7)


async def tools_at_once(contender: Contender, kind: str) -> float:
    """Wall time of one turn whose first reply calls 32 tools."""

    async def one() -> None:
        await contender.turn(await contender.chat(0, "memory"), "go", kind, streamed=True)

    await one()
    return await wall_of(one, 7)


async def idle_chat_memory(contender: Contender) -> float:
    """KiB that a chat of five turns keeps while it is idle: the mean over 300 chats."""
    await contender.turn(await contender.chat(0, "memory"), TEXT, "", streamed=True)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = []
    for _ in range(300):
        chat = await contender.chat(4, "memory")
        await contender.turn(chat, TEXT, "", streamed=True)
        kept.append(chat)
    gc.collect()
    return (tracemalloc.get_traced_memory()[0] - before) / 300 / 1024


WORK: dict[str, Callable[[Contender], Awaitable[float]]] = {
    "turn with one tool, CPU": lambda c: tool_turn(c, streamed=False),
    "the same, streamed, CPU": lambda c: tool_turn(c, streamed=True),
    "200 chats at once": many_chats,
    "turn 10 of a chat, CPU": lambda c: late_turn(c, 10, "memory"),
    "turn 400 of a chat, CPU": lambda c: late_turn(c, 400, "memory"),
    "turn 400, SQLite, CPU": lambda c: late_turn(c, 400, "sqlite"),
    "32 async tools of 50 ms, wall": lambda c: tools_at_once(c, "async"),
    "32 blocking tools of 50 ms, wall": lambda c: tools_at_once(c, "blocking"),
    "memory of an idle chat": idle_chat_memory,
}
