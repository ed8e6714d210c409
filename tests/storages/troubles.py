"""Experiments with a storage behind a bad link: each raises AssertionError, or returns how much was done.

`chance` makes them different each time, or the same; both are wanted.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runner.errors import ChatBusyError, ChatChangedError, ChatStorageError
from tests.servers import Fault, TcpProxy
from tests.storages.child import opened
from tests.storages.turns import add_under_lease, assert_in_order, say, words

if TYPE_CHECKING:
    from random import Random

    from runner.storages.base import ChatStorage
    from tests.storages.conformance_faults import Server

CHATS = 20


async def cancelled_commands(url: str, proxy: TcpProxy, through: str, chance: Random, tries: int) -> int:
    """Twenty chats share a storage behind a slow link and cancel commands: no chat gets the reply of another."""
    cancelled = 0
    async with opened(through, timeout=60) as storage, opened(url, timeout=60) as direct:
        for chat in range(CHATS):
            await direct.append(f"chat {chat}", say(f"{chat}:0"), 0)
        proxy.fault = Fault(delay=0.005)

        async def trouble(chat: int) -> None:
            nonlocal cancelled
            for number in range(tries):
                try:
                    async with asyncio.timeout(
                        chance.uniform(0, 0.3) if number else None
                    ):  # each appends at least once
                        found = words(await storage.get_history(f"chat {chat}"))
                        assert {word.partition(":")[0] for word in found} == {str(chat)}
                        await storage.append(f"chat {chat}", say(f"{chat}:{len(found)}"), len(found))
                except TimeoutError:
                    cancelled += 1
                except ChatChangedError:  # what was cancelled before arrived late
                    assert cancelled

        await asyncio.gather(*(trouble(chat) for chat in range(CHATS)))
        lengths = []
        for chat in range(CHATS):
            found = words(await direct.get_history(f"chat {chat}"))
            assert found == [f"{chat}:{n}" for n in range(len(found))]
            lengths.append(len(found))
        assert sum(lengths) > CHATS
    return cancelled


async def cancelled_acquires(proxy: TcpProxy, through: str, chance: Random, tries: int) -> int:
    """An acquire that was cancelled leaves the chat free."""
    cancelled = 0
    proxy.fault = Fault(delay=0.01)
    async with opened(through) as storage:
        for _ in range(tries):
            try:
                async with asyncio.timeout(chance.uniform(0, 0.03)), await storage.acquire("c", timeout=60):
                    pass
            except TimeoutError:
                cancelled += 1
            await (await storage.acquire("c", timeout=60)).release()
    return cancelled


async def cut_connections(proxy: TcpProxy, through: str, chance: Random, count: int) -> int:
    """Connections are cut after some bytes of requests or replies; what was acknowledged is there once."""
    before = proxy.accepted
    async with opened(through, timeout=60) as storage:
        for number in range(count):
            proxy.drop()
            replies, requests = (chance.randrange(3000), None) if number % 2 else (None, chance.randrange(6000))
            cut: Any = chance.choice(["close", "reset"])
            proxy.plan(Fault(cut=cut, cut_after=replies, cut_request_after=requests))
            await _turn(storage, f"turn {number}")
        assert_in_order(await storage.get_history("c"), count)
    return proxy.accepted - before


async def _turn(storage: ChatStorage, word: str) -> None:
    """A turn that is tried again while it could not begin."""
    while True:
        try:
            await add_under_lease(storage, "c", word)
        except ChatBusyError:
            raise
        except ChatStorageError as error:
            if "stored shows" in str(error):
                raise
        else:
            return


async def killed_while_storing(url: str, server: Server, chance: Random, kills: int) -> int:
    """Stored whole or not at all; and the writer, who waits for the server's return, stores the rest once."""

    def die() -> None:
        server.kill()
        server.start()

    async with opened(url, timeout=60) as storage:
        for number in range(kills):
            await storage.append("c", say(f"{number} a"), 2 * number)
            dying = threading.Timer(chance.uniform(0, 0.004), die)
            dying.start()
            try:
                await storage.append("c", say(f"{number} b"), 2 * number + 1)
            finally:
                while dying.is_alive():
                    await asyncio.sleep(0.01)
        expected = [f"{number} {half}" for number in range(kills) for half in "ab"]
        assert words(await storage.get_history("c")) == expected
    return kills


async def paused_while_storing(url: str, server: Server, chance: Random, pauses: int) -> int:
    """A write given up on a paused server is found there later, once, or not at all."""
    async with opened(url, timeout=0.4) as storage, opened(url, timeout=60) as patient:
        for number in range(pauses):
            length = len(await patient.get_history("c"))
            stopping = threading.Timer(chance.uniform(0, 0.004), server.pause)
            stopping.start()
            with suppress(ChatStorageError):
                await storage.append("c", say(f"{number} a"), length)
            stopping.join()
            server.go_on()
            await patient.append_history("c", say(f"{number} b"))
        found = words(await patient.get_history("c"))
        assert len(found) == len(set(found))
        assert [word for word in found if word.endswith("b")] == [f"{number} b" for number in range(pauses)]
    return pauses
