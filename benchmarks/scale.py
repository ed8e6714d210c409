"""`python -m benchmarks.scale`: many chats in one process, and how much one of them holds up the others.

Chats by the thousand that are idle, a thousand that talk at once, and the event loop's stalls (how late a timer of one
millisecond fires) while something heavy goes on beside ordinary turns. One local server in a process of its own; each
part runs in a fresh process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.work import QUESTION, TEXT, slow_blocking, weather
from runner import ChatManager, ChatMessage, GeminiClient, GeminiModel, LocalChatStorage, SqliteChatStorage, tool
from tests.servers import GeminiProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

WEATHER = tool(weather, name="get_weather", effects="none")


def main() -> None:
    """Print one line a part."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--idle", type=int, default=10_000, help="chats that have had a turn and are idle")
    parser.add_argument("--at-once", type=int, default=1_000, help="chats that talk at once")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(asyncio.run(PARTS[options.part](options))), flush=True)
        os._exit(0)
    calling = GeminiProcess("--behaviour", "parallel:32", "--no-check")
    with GeminiProcess("--behaviour", "weather", "--no-check") as server, calling:
        for part in PARTS:
            command = [sys.executable, "-m", "benchmarks.scale", "--part", part]
            command += ["--idle", str(options.idle), "--at-once", str(options.at_once)]
            env = {**os.environ, **server.env, "CALLING_URL": calling.url}
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            told = ", ".join(f"{name} {value:g}" for name, value in json.loads(done.stdout).items())
            print(f"{part:46} {told}", flush=True)


# Memory and throughput


def resident() -> float:
    """MiB of this process that are in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def talk(client: GeminiClient, chat_id: str, text: str = QUESTION, tools: tuple[Any, ...] = (WEATHER,)) -> float:
    """One turn; the seconds it took."""
    began = time.perf_counter()
    async for _ in client.chat(query=text, chat_id=chat_id, tools=tools):
        pass
    return time.perf_counter() - began


async def idle_chats(options: Any, manager: ChatManager) -> dict[str, float]:
    async with GeminiClient(chat_manager=manager) as client:
        await talk(client, "first")
        gc.collect()
        before = resident()
        for start in range(0, options.idle, 50):
            await asyncio.gather(*(talk(client, f"chat-{start + each}") for each in range(50)))
        gc.collect()
        return {"chats": options.idle, "KiB a chat": round((resident() - before) * 1024 / options.idle, 2)}


async def idle_in_memory(options: Any) -> dict[str, float]:
    return await idle_chats(options, ChatManager(LocalChatStorage()))


async def idle_in_sqlite(options: Any) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with SqliteChatStorage(Path(folder) / "chats.db") as storage:
            return await idle_chats(options, ChatManager(storage))


async def at_once(options: Any) -> dict[str, float]:
    async with GeminiClient() as client:
        await talk(client, "first")
        before, began = resident(), time.perf_counter()
        times = await asyncio.gather(*(talk(client, f"chat-{each}") for each in range(options.at_once)))
        wall = time.perf_counter() - began
        return {
            "chats": options.at_once,
            "turns/s": round(options.at_once / wall, 1),
            "p50 s": round(statistics.median(times), 3),
            "slowest s": round(max(times), 3),
            "MiB more": round(resident() - before, 1),
        }


# Stalls


@asynccontextmanager
async def stalls() -> AsyncIterator[dict[str, float]]:
    """How many milliseconds late a timer fired while the block ran: p50, p99 and the worst."""
    late: list[float] = []
    found: dict[str, float] = {}

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            late.append((time.perf_counter() - began - 0.001) * 1000)

    task = asyncio.create_task(watch())
    try:
        yield found
    finally:
        task.cancel()
    late.sort()
    share = {"p50 ms": 0.5, "p99 ms": 0.99, "worst ms": 1.0}
    found.update({name: round(late[min(len(late) - 1, int(len(late) * part))], 2) for name, part in share.items()})


async def beside(heavy: Callable[[GeminiClient], Awaitable[object]], seconds: float = 3.0) -> dict[str, float]:
    """The loop's stalls while ten chats talk one turn after another and, beside them, `heavy` runs again and again."""
    async with GeminiClient() as client:
        over = time.monotonic() + seconds

        async def again(work: Callable[[], Awaitable[object]]) -> None:
            while time.monotonic() < over:
                await work()

        async def chat(name: str) -> None:
            await again(lambda: talk(client, name))

        await talk(client, "first")
        await heavy(client)
        async with stalls() as found:
            await asyncio.gather(*(chat(f"chat-{each}") for each in range(10)), again(lambda: heavy(client)))
        return found


async def turns_alone(_options: Any) -> dict[str, float]:
    async def nothing(_client: GeminiClient) -> None:
        await asyncio.sleep(0.01)

    return await beside(nothing)


async def beside_tools(work: Any) -> dict[str, float]:
    """Beside a chat whose every turn calls a tool 32 times at once."""
    async with GeminiModel("gemini-3.8-flash", base_url=os.environ["CALLING_URL"]) as model:

        async def calls(_client: GeminiClient) -> None:
            async with GeminiClient(model=model) as other:
                await talk(other, "calls", "go", (work,))

        return await beside(calls)


async def with_quick_tools(_options: Any) -> dict[str, float]:
    return await beside_tools(tool(quick, name="work", effects="none"))


async def with_blocking_tools(_options: Any) -> dict[str, float]:
    return await beside_tools(tool(slow_blocking, name="work", effects="none"))


async def quick(index: int) -> dict[str, Any]:
    """Return at once."""
    return {"index": index}


async def with_a_huge_history(_options: Any) -> dict[str, float]:
    """Beside a chat of 4,000 messages, 5 MB, read anew from the storage for each of its turns."""
    storage = LocalChatStorage()
    past = []
    for number in range(1, 2_001):
        past.append(ChatMessage.user(TEXT * 5, meta={"kind": "user", "turn": number}))
        past.append(ChatMessage.model(TEXT * 5, meta={"kind": "model", "turn": number, "status": "answered"}))
    await storage.append("huge", past, 0)

    async def turn(_client: GeminiClient) -> None:
        async with GeminiClient(chat_manager=ChatManager(storage)) as other:
            await talk(other, "huge")

    return await beside(turn)


PARTS = {
    "idle chats, in memory": idle_in_memory,
    "idle chats, in SQLite": idle_in_sqlite,
    "chats at once, a turn with a tool each": at_once,
    "stalls: ten chats": turns_alone,
    "stalls: ten chats, 32 quick tools": with_quick_tools,
    "stalls: ten chats, 32 blocking tools of 50 ms": with_blocking_tools,
    "stalls: ten chats, one of 4,000 messages": with_a_huge_history,
}
if __name__ == "__main__":
    main()
