"""Processes that use a chat database, started by the tests: `python -m tests.storages.child NAME ARGUMENTS`."""

from __future__ import annotations

import asyncio
import importlib
import os
import resource
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import AgentRunError
from tests.storages.turns import add_under_lease, say

if TYPE_CHECKING:
    from runner.storages.base import ChatStorage

ROOT = Path(__file__).parents[2]
KINDS = {
    "sqlite": "runner.storages.sqlite:SqliteChatStorage",
    "mongodb": "runner.storages.mongodb:MongoChatStorage",
    "postgresql": "runner.storages.postgresql:PostgresChatStorage",
    "redis": "runner.storages.redis:RedisChatStorage",
}
"""The class for each scheme of a URL; a path is that of a SQLite file."""


def opened(where: str, **options: float) -> ChatStorage:
    """The storage that a URL or a path names."""
    if where.startswith("hybrid+"):
        from runner.storages.hybrid import HybridChatStorage
        from runner.storages.hybrid_url import split_url

        cache, database = split_url(where)
        patience = {"cache_timeout": options.pop("cache_timeout")} if "cache_timeout" in options else {}
        return HybridChatStorage(cache, opened(database, **options), **patience)
    kind = where.partition("://")[0] if "://" in where else "sqlite"
    if kind == "sqlite" and "timeout" in options:
        options["busy_timeout"] = options.pop("timeout")
    module, _, name = KINDS[kind].partition(":")
    storage: ChatStorage = getattr(importlib.import_module(module), name)(where, **options)
    return storage


def patient(where: str) -> dict[str, float]:
    """Options with which a storage waits for a server that a busy machine makes slow."""
    return {"timeout": 150, "cache_timeout": 150} if where.startswith("hybrid+") else {"timeout": 150}


def tell(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def outcome(work: object) -> str:
    try:
        await work  # type: ignore[misc]
    except AgentRunError as error:
        return f"{error.reason} {error}"
    return "done"


async def hold(path: str, lease_time: str) -> None:
    """Hold chat c; when a line comes in, append and check."""
    storage = opened(path, lease_time=float(lease_time), **patient(path))
    async with storage, await storage.acquire("c") as lease:
        await storage.append("c", say("first"), 0)
        tell("held")
        await asyncio.to_thread(sys.stdin.readline)
        tell(await outcome(storage.append("c", say("late"), 1)))
        tell(await outcome(lease.check()))


async def wait(path: str, lease_time: str, timeout: str) -> None:
    """Wait so long for chat c."""
    async with opened(path, lease_time=float(lease_time), **patient(path)) as storage:
        tell("waiting")
        tell(await outcome(storage.acquire("c", timeout=float(timeout))))


async def add(path: str, chat_id: str) -> None:
    """Add to a chat."""
    async with opened(path, **patient(path)) as storage:
        tell(await outcome(storage.append_history(chat_id, say("a"))))


async def vacuum(path: str) -> None:
    """Give room back."""
    async with opened(path, lease_time=0.5, **patient(path)) as storage:
        tell(await outcome(storage.vacuum()))


async def retain(path: str, days: str) -> None:
    """With each line that comes in, delete what is older; tell which chats there are then."""
    from runner import retention

    retention.EVERY = 0
    async with opened(path, **patient(path)) as storage:
        keeping = retention.Retention(storage, "", float(days) * 86_400)
        while await asyncio.to_thread(sys.stdin.readline):
            keeping.begin()
            await keeping.aclose()
            tell(sorted(info.chat_id for info in await storage.list_chats()))


async def write(path: str, name: str, count: str) -> None:
    """Add to chat c so many times, under a lease each time."""
    async with opened(path, **patient(path)) as storage:
        tell("ready")
        await asyncio.to_thread(sys.stdin.readline)
        for number in range(int(count)):
            await add_under_lease(storage, "c", f"{name}.{number}", patience=150)


async def first_open(path: str, threads: str) -> None:
    """Open a new database from many threads at the same moment as other processes do."""
    gate = threading.Barrier(int(threads) + 1)
    outcomes: list[str] = []

    async def use(number: int) -> str:
        async with opened(path, **patient(path)) as storage:
            return await outcome(storage.append(f"{os.getpid()} {number}", say("a"), 0))

    def run(number: int) -> None:
        gate.wait()
        outcomes.append(asyncio.run(use(number)))

    started = [threading.Thread(target=run, args=(number,)) for number in range(int(threads))]
    for thread in started:
        thread.start()
    tell("ready")
    sys.stdin.readline()
    gate.wait()
    for thread in started:
        thread.join()
    tell(sorted(set(outcomes)))


async def limited(path: str, limit: str) -> None:
    """Append until the system refuses to let files grow, as a failing disk would; then append a little."""
    async with opened(path) as storage:
        await storage.append("c", say("first"), 0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
        tell(await outcome(storage.append("c", say("x" * int(limit)), 1)))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        tell(await outcome(storage.append("c", say("small"), 1)))
        tell(await outcome(storage.get_history("c")))


async def unprivileged(path: str) -> None:
    """Append as a user who may not write there."""
    import sqlite3  # noqa: F401 - that user may not be able to read Python's own files, nor ours
    import urllib.parse  # noqa: F401 - the same: from 3.13 on `Path.as_uri` imports it late

    storage = opened(path)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    async with storage:
        tell(await outcome(storage.append("c", say("a"), 0)))


async def forgetful(path: str) -> None:
    """Hold a lease, and close nothing."""
    storage = opened(path, **patient(path))
    await storage.acquire("c")
    await storage.append("c", say("a"), 0)
    globals()["kept"] = storage
    tell("done")


def forked(path: str) -> None:
    """Use one storage object before a fork, in the child, and after it."""
    warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of any fork of a process with threads
    storage = opened(path, **patient(path))
    asyncio.run(storage.append("c", say("parent"), 0))
    pid = os.fork()
    if pid == 0:
        asyncio.run(storage.append("c", say("child"), 1))
        asyncio.run(storage.aclose())
        os._exit(0)
    os.waitpid(pid, 0)
    asyncio.run(storage.append("c", say("parent"), 2))
    asyncio.run(storage.aclose())
    tell("done")


async def killed(path: str, count: str) -> None:
    """Append pairs, telling each when it is stored."""
    async with opened(path, **patient(path)) as storage:
        for number in range(int(count)):
            await storage.append("c", say(f"{number} a", f"{number} b"), 2 * number)
            tell(number)


if __name__ == "__main__":
    found = globals()[sys.argv[1]](*sys.argv[2:])
    if found is not None:
        asyncio.run(found)
