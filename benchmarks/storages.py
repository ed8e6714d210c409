"""`python -m benchmarks.storages`: what appending and a turn cost in a chat of 10 messages and in one of 10,000.

For every storage, on servers that it starts: appends of one entry, then whole turns of a scripted model, to both chats
in turns, so that a busy moment of the machine hits both. Printed are medians and the ratio of the two: the processor
time of this process, which is exact, and the time that passed, which holds the server's work too. What a process must
do once for a chat, reading it, is printed beside.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.soak.backends import BACKENDS, steady, steady_servers
from runner import ChatManager, ChatMessage, GeminiClient, LocalChatStorage, ScriptedModel
from runner.models.scripted import say
from tests.storages.child import opened

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner import ChatStorage

SHORT, LONG = 10, 10_000
SHORT_CHATS = 8
"""Short chats that take turns, so that none of them grows long."""
ENTRY = "x" * 600


class Costs:
    """Milliseconds of processor time, and that passed, for each time something was done."""

    def __init__(self) -> None:
        self._cpu: list[float] = []
        self._wall: list[float] = []

    async def measure(self, work: Awaitable[object]) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        await work
        self._cpu.append((time.process_time() - cpu) * 1000)
        self._wall.append((time.perf_counter() - wall) * 1000)

    @property
    def medians(self) -> tuple[float, float]:
        return statistics.median(self._cpu), statistics.median(self._wall)


def log(length: int, start: int = 0) -> list[ChatMessage]:
    """Turns as they are stored: two entries each."""
    made = []
    for turn in range(start // 2 + 1, (start + length) // 2 + 1):
        asked = ChatMessage.user(f"{turn} {ENTRY}").content
        answer = {"kind": "model", "turn": turn, "step": 1, "status": "answered"}
        made.append(ChatMessage(asked, {"kind": "user", "turn": turn, "step": 1}))
        made.append(ChatMessage({"role": "model", "parts": [{"text": f"{turn} {ENTRY}"}]}, answer))
    return made


async def compared(work: Callable[[str], Awaitable[object]], rounds: int) -> tuple[Costs, Costs]:
    """What the work costs in short chats and in the long one."""
    short, long = Costs(), Costs()
    for number in range(rounds):
        pair = [(short, f"short-{number % SHORT_CHATS}"), (long, "long")]
        for costs, chat_id in pair if number % 2 else pair[::-1]:
            await costs.measure(work(chat_id))
    return short, long


async def measured(storage: ChatStorage, rounds: int) -> dict[str, tuple[Costs, Costs]]:
    """Appends and turns; `reading` is the first turn, for which the history is read."""
    lengths = {"long": LONG, **{f"short-{number}": SHORT for number in range(SHORT_CHATS)}}
    for chat_id, length in lengths.items():
        await storage.update_history(chat_id, log(length))

    async def append(chat_id: str) -> None:
        lengths[chat_id] += 2
        await storage.append(chat_id, log(2, lengths[chat_id] - 2), lengths[chat_id] - 2)

    model = ScriptedModel.repeating(lambda _: say("fine"))
    async with storage, GeminiClient(chat_manager=ChatManager(storage), model=model) as client:

        async def turn(chat_id: str) -> None:
            async for _ in client.events(query=ENTRY, chat_id=chat_id):
                pass

        appended = await compared(append, rounds)
        reading = Costs(), Costs()
        for chat_id in lengths:
            await reading[chat_id == "long"].measure(turn(chat_id))
        return {"append": appended, "turn": await compared(turn, rounds), "first turn": reading}


def shown(backend: str, found: dict[str, tuple[Costs, Costs]]) -> str:
    """Lines of the table."""
    lines = []
    for what, (short, long) in found.items():
        (short_cpu, short_wall), (long_cpu, long_wall) = short.medians, long.medians
        figures = f"{short_cpu:.2f} | {long_cpu:.2f} | {long_cpu / short_cpu:.2f}"
        figures += f" | {short_wall:.2f} | {long_wall:.2f} | {long_wall / short_wall:.2f}"
        lines.append(f"| {backend} | {what} | {figures} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="appends, and turns, in each chat")
    parser.add_argument("--backends", nargs="+", choices=("memory", *BACKENDS), default=["memory", *BACKENDS])
    options = parser.parse_args()
    load = "/".join(f"{each:.1f}" for each in os.getloadavg())
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}; load {load}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {where}\n")
    print(f"| storage | work | CPU ms at {SHORT} | at {LONG:,} | ratio | ms passed at {SHORT} | at {LONG:,} | ratio |")
    print("| --- | --- |" + " ---: |" * 6, flush=True)
    with tempfile.TemporaryDirectory(prefix="storages-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        tempfile.tempdir = folder
        servers = tuple(each for each in options.backends if each != "memory")
        with steady_servers(servers) as env:
            os.environ.update(env)
            for backend in options.backends:
                storage: Any = LocalChatStorage() if backend == "memory" else opened(steady(backend), timeout=120)
                print(shown(backend, asyncio.run(measured(storage, options.rounds))), flush=True)


if __name__ == "__main__":
    main()
