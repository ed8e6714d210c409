"""Turns of the engine, with a tool that must not run twice, on a server that dies and stands still, or a full disk."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.soak.backends import victim
from runner import ChatManager, GeminiClient, ScriptedModel, ToolContext, tool
from runner.models.scripted import call, calls, say
from runner.storages.sqlite import SqliteChatStorage
from tests.invariants import assert_at_most_once, assert_results_match, assert_sound, ending
from tests.servers.small_disk import small_disk
from tests.storages.child import opened

if TYPE_CHECKING:
    from random import Random

    from benchmarks.soak.job import Job
    from runner import ChatStorage, TurnEnded
    from runner.models.scripted import Reply
    from runner.requests import GenerateContentRequest
    from tests.servers.small_disk import SmallDisk
    from tests.storages.conformance_faults import Server

CHATS, BATCH, MOST = 6, 10.0, 60  # chats at once, for so many seconds, with no more turns each
FEW_PAGES, MANY_PAGES = (12, 60), 100_000


class Chat:
    """One chat: what it was told, what its tools did, and what became of its turns."""

    def __init__(self, name: str, size: int = 0) -> None:
        self.name = name
        self.answers: list[str] = []
        self.ledger: list[str] = []
        self.ends: Counter[str] = Counter()
        self.last: TurnEnded | None = None
        self._size = size
        self._number = itertools.count()

        @tool(effects="once")
        async def record(entry: str, context: ToolContext) -> str:
            """Record an entry."""
            self.ledger.append(f"{context.idempotency_key} {entry}")
            return f"{entry} is recorded"

        self._tools = [record]

    async def turn(self, storage: ChatStorage) -> str:
        """Two calls at once, then an answer; how the turn ended."""
        number = next(self._number)
        answer = f"{self.name} answers {number}"

        def reply(request: GenerateContentRequest) -> Reply:
            if any("functionResponse" in part for part in request.contents[-1]["parts"]):
                return say(answer)
            return calls(*(call("record", {"entry": f"{number}{half}"}) for half in "ab"))

        async with GeminiClient(chat_manager=ChatManager(storage), model=ScriptedModel.repeating(reply)) as client:
            query = f"{number} " + "x" * self._size
            events = client.events(query=query, chat_id=self.name, tools=self._tools)
            ended = ending([event async for event in events])
        if ended.reason == "answered":
            self.answers.append(answer)
        elif ended.code != "STORAGE":
            raise AssertionError(f"a turn ended with {ended}")
        self.ends[ended.reason] += 1
        self.last = ended
        return ended.reason

    async def judge(self, storage: ChatStorage) -> None:
        """Raise unless the next turn goes well, and what is stored is sound, with all that was told, once."""
        assert await self.turn(storage) == "answered", f"the turn after it: {self.last}"
        log = await storage.read_after(self.name, 0)
        assert_sound(log)
        assert_at_most_once(self.ledger)
        assert_results_match(log, self.name, self.ledger)
        stored = [entry.text for entry in log if entry.meta.get("status") == "answered"]
        left = iter(stored)
        assert all(answer in left for answer in self.answers), "an answer that was told is not stored"
        assert len(stored) == len(set(stored)), "an answer is stored twice"


# servers


class Monkey:
    """Kills and pauses a server, in a thread, until it is told to stop."""

    def __init__(self, server: Server, chance: Random) -> None:
        self._server, self._chance = server, chance
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._play)
        self.kills = self.pauses = 0

    def __enter__(self) -> Monkey:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        self._thread.join()

    def _play(self) -> None:
        while not self._over.wait(self._chance.uniform(0.3, 4)):
            if self._chance.random() < 0.7:
                self._server.kill()
                self._over.wait(self._chance.uniform(0, 2))
                self._server.start()
                self.kills += 1
            else:
                self._server.pause()
                self._over.wait(self._chance.uniform(0, 3))
                self._server.go_on()
                self.pauses += 1


def restarts(job: Job) -> None:
    """Turns of several chats while their server is killed and started again, or paused, every few seconds."""
    with victim(job.backend) as (server, fresh):
        while not job.is_over:
            chats: list[Chat] = []
            url = fresh()
            with Monkey(server, job.chance) as monkey:
                is_well = job.check(_all_turns(job, url, chats))
            is_well = is_well and job.check(_judged(url, chats))
            ends = sum((chat.ends for chat in chats), Counter[str]())
            turns, calls_made = ends.total(), sum(len(chat.ledger) for chat in chats)
            job.did(turns=turns, unanswered=turns - ends["answered"], calls=calls_made)
            job.did(kills=monkey.kills, pauses=monkey.pauses)
            if not is_well:
                return


async def _all_turns(job: Job, url: str, chats: list[Chat]) -> None:
    size = 5000 if job.backend == "hybrid" else 20
    chats += [Chat(f"chat-{number}", size) for number in range(CHATS)]

    async def talk(chat: Chat) -> None:
        until = time.monotonic() + BATCH
        while time.monotonic() < until and chat.ends.total() < MOST:
            await asyncio.sleep(BATCH / MOST)
            patience = job.chance.choice([1.5, 20.0, 20.0])
            async with opened(url, timeout=patience) as storage:
                await chat.turn(storage)
                await chat.turn(storage)

    await asyncio.gather(*(talk(chat) for chat in chats))


async def _judged(url: str, chats: list[Chat]) -> None:
    """When the server is left alone: a storage that is opened while it is down says so at once, as it should."""
    async with opened(url, timeout=60) as storage:
        for chat in chats:
            await chat.judge(storage)


# full disks


def disks(job: Job) -> None:
    """A SQLite database that may not grow, and one on a small file system that another file fills."""
    while not job.is_over:
        with tempfile.TemporaryDirectory() as folder:
            if job.check(_full_database(Path(folder) / "chats.db", job)):
                job.did(full=1)
        with small_disk() as disk:
            if disk is not None and job.check(_full_disk(disk, job)):
                job.did(full_disks=1)


async def _full_database(path: Path, job: Job) -> None:
    chat = Chat("chat", 3000)
    async with SqliteChatStorage(path) as storage:
        await chat.turn(storage)
        await _may_grow_to(storage, job.chance.randrange(*FEW_PAGES))
        await _until_full(chat, storage)
        await _may_grow_to(storage, MANY_PAGES)
        await chat.judge(storage)


async def _full_disk(disk: SmallDisk, job: Job) -> None:
    chat = Chat("chat", 3000)
    async with SqliteChatStorage(disk.folder / "chats.db") as storage:
        await chat.turn(storage)
        disk.fill(job.chance.randrange(4, 200) * 1024)
        await _until_full(chat, storage)
        disk.empty()
        await chat.judge(storage)


async def _may_grow_to(storage: Any, pages: int) -> None:
    await storage._thread.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())  # noqa: SLF001 - there is no other way


async def _until_full(chat: Chat, storage: ChatStorage) -> None:
    for _ in range(500):
        if await chat.turn(storage) == "failed":
            return
    raise AssertionError("it never became full")
