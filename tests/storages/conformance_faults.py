"""What a storage on a server promises when the server or the way to it fails. Inherit `FaultsConformance`.

AGENT_RUN_SOAK makes the numbers as many times larger.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from runner.errors import ChatBusyError, ChatChangedError, ChatStorageError
from tests.servers import Fault, TcpProxy
from tests.storages.child import opened
from tests.storages.conformance_words import SOAK
from tests.storages.troubles import cancelled_acquires, cancelled_commands, cut_connections, killed_while_storing
from tests.storages.turns import say, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.storages.base import ChatStorage

CANARY = "canary-7f3a"


class Server(Protocol):
    """A server that tests may kill and stop."""

    port: int

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def go_on(self) -> None: ...


async def refusal(storage: ChatStorage) -> ChatStorageError:
    """What an append is answered with: one line, and no secret in it."""
    async with storage:
        with pytest.raises(ChatStorageError) as refused:
            await storage.append("c", say("a"), 0)
    assert "\n" not in str(refused.value)
    assert CANARY not in f"{refused.value!s}{refused.value!r}{storage!r}"
    return refused.value


async def until(is_so: Callable[[], Any]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)


class FaultsConformance:
    """Write fixtures `server`, a `Server`, and `url`, a storage's URL on it by its port, where nothing is stored."""

    patience_when_down = 60.0
    """A timeout in seconds for a server that is down: longer than it takes to tell, where that can be told at once."""
    cut_turns = 30
    """How many turns have their connections cut; fewer for a server that is slow."""
    quick = 2.0
    """A timeout in seconds that is enough for a command where nothing is wrong."""

    @pytest.fixture
    def proxy(self, server: Server) -> Iterator[TcpProxy]:
        with TcpProxy(f"127.0.0.1:{server.port}") as running:
            yield running

    @pytest.fixture
    def through(self, url: str, server: Server, proxy: TcpProxy) -> str:
        """The URL by way of the proxy."""
        return url.replace(f":{server.port}", f":{proxy.port}")

    async def test_a_server_that_is_down_is_said_at_once(self, through: str, proxy: TcpProxy) -> None:
        proxy.refuse()
        error = await refusal(opened(through, timeout=self.patience_when_down))
        assert f"127.0.0.1:{proxy.port}" in str(error)
        assert "nothing answers there; start the server" in str(error)

    async def test_a_server_that_is_silent_is_given_up_after_the_timeout(self, through: str, proxy: TcpProxy) -> None:
        proxy.fault = Fault(swallow="request")
        error = await refusal(opened(through, timeout=0.2))
        assert "the server did not answer" in str(error)
        assert error.retryable

    async def test_an_append_whose_reply_was_lost_is_stored_once(self, url: str, through: str, proxy: TcpProxy) -> None:
        async with opened(through) as storage, opened(url) as direct:
            for number in range(0, 8, 2):
                await storage.append("c", say(number), number)
                await self._lost(storage.append("c", say(number + 1), number + 1), direct, number + 1, proxy)
            await storage.append("c", say(8), 8)
            await self._lost(storage.append_history("c", say(9)), direct, 9, proxy)
            assert words(await storage.get_history("c")) == [str(number) for number in range(10)]

    async def test_a_lost_reply_is_told_from_another_writers_success(
        self, url: str, through: str, proxy: TcpProxy
    ) -> None:
        """Both expected the same length: one was stored and not told so, the other one came too late, and hears it."""
        async with opened(through) as storage, opened(url) as other:
            await storage.append("c", say("a"), 0)
            proxy.mute()
            appending = asyncio.create_task(storage.append("c", say("b"), 1))
            await self._grown(other, 2)
            with pytest.raises(ChatChangedError):
                await other.append("c", say("x"), 1)
            await other.append("c", say("x"), 2)
            proxy.drop()
            proxy.unmute()
            await appending
            assert words(await storage.get_history("c")) == ["a", "b", "x"]

            proxy.freeze()
            appending = asyncio.create_task(storage.append("c", say("late"), 3))
            await asyncio.sleep(0.02)
            await other.append("c", say("y"), 3)
            proxy.drop()
            proxy.thaw()
            with pytest.raises(ChatChangedError, match="4 entries, not 3"):
                await appending
            assert words(await storage.get_history("c")) == ["a", "b", "x", "y"]

    async def test_a_server_killed_and_started_again_loses_nothing(self, url: str, server: Server) -> None:
        async with opened(url, timeout=60) as storage:
            lease = await storage.acquire("c")
            for number in range(2):
                await storage.append("c", say(number), number)
                server.kill()
                starting = threading.Timer(0.2, server.start)
                starting.start()
                await lease.renew()
                starting.join()
            await lease.release()
            assert words(await storage.get_history("c")) == ["0", "1"]

    async def test_who_finds_a_server_away_after_others_found_it_waits_for_it_as_they_do(
        self, url: str, server: Server
    ) -> None:
        """The renewal of a lease has lost its connection; the entry that comes next must not fail at once."""
        async with opened(url, timeout=20) as storage, await storage.acquire("c") as lease:
            server.kill()
            renewing = asyncio.create_task(lease.renew())
            await asyncio.sleep(0.2)
            appending = asyncio.create_task(storage.append("c", say("a"), 0))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(server.start)
            await asyncio.gather(renewing, appending)
            assert words(await storage.get_history("c")) == ["a"]

    async def test_a_lease_that_could_not_be_freed_is_known_to_be_over_in_the_whole_process(
        self, url: str, server: Server
    ) -> None:
        """The server was away when its storage was closed; the next one need not wait until it lapses."""
        async with opened(url, timeout=self.quick, lease_time=600) as storage:
            lease = await storage.acquire("c")
            server.kill()
            await lease.release()
        server.start()
        async with opened(url, timeout=20, lease_time=600) as other:
            await (await other.acquire("c", timeout=0)).release()

    async def test_a_server_killed_while_it_stores_has_stored_whole_or_not_at_all(
        self, url: str, server: Server
    ) -> None:
        """And the writer, who waits for its return, stores the rest once."""
        await killed_while_storing(url, server, random.Random(3), 3 * SOAK)  # noqa: S311 - the same every time

    async def test_a_server_that_stays_away_is_given_up_once_and_then_at_once(self, url: str, server: Server) -> None:
        async with opened(url, timeout=self.quick) as storage:
            lease = await storage.acquire("c")
            server.kill()
            try:
                for _ in range(2):
                    with pytest.raises(
                        ChatStorageError, match=r"nothing answers there|connection broke|did not answer"
                    ):
                        await storage.append("c", say("a"), 0)
                await lease.release()
            finally:
                server.start()
        async with opened(url) as storage:
            assert await storage.get_history("c") == []

    async def test_a_paused_server_stops_the_write_and_nothing_is_doubled_when_it_goes_on(
        self, url: str, server: Server
    ) -> None:
        async with opened(url, timeout=self.quick) as storage, opened(url, timeout=60) as patient:
            await storage.append("c", say("a"), 0)
            server.pause()
            try:
                with pytest.raises(ChatStorageError, match="stored shows when the chat is opened again") as gave_up:
                    await storage.append("c", say("b"), 1)
            finally:
                server.go_on()
            assert not isinstance(gave_up.value, ChatBusyError)
            assert gave_up.value.retryable
            found = words(await patient.get_history("c"))
            with suppress(ChatChangedError):  # it may arrive only now
                await patient.append("c", say("c"), len(found))
            assert words(await patient.get_history("c")) in (["a", "b"], ["a", "c"], ["a", "b", "c"])

    async def test_a_cancelled_command_leaves_its_reply_to_nobody(
        self, url: str, through: str, proxy: TcpProxy
    ) -> None:
        chance = random.Random(5)  # noqa: S311 - the same every time
        assert await cancelled_commands(url, proxy, through, chance, 6 * SOAK) > 0

    async def test_a_cancelled_acquire_leaves_the_chat_free_behind_a_slow_link(
        self, through: str, proxy: TcpProxy
    ) -> None:
        chance = random.Random(6)  # noqa: S311 - the same every time
        assert await cancelled_acquires(proxy, through, chance, 15 * SOAK) > 0

    async def test_turns_go_on_while_connections_break(self, through: str, proxy: TcpProxy) -> None:
        """Connections are cut after some bytes of requests or replies; what was acknowledged is there once."""
        chance = random.Random(4)  # noqa: S311 - the same every time
        assert await cut_connections(proxy, through, chance, 30 * SOAK) > 30 * SOAK

    async def test_closing_frees_what_is_held_and_leaves_no_connection(
        self, url: str, through: str, proxy: TcpProxy
    ) -> None:
        storage = opened(through)
        lease = await storage.acquire("c")
        await storage.acquire("d")
        await storage.shared.acquire("k")
        await storage.aclose()
        await storage.aclose()
        await until(lambda: proxy.connections == 0)
        async with opened(url) as other:
            for acquiring in (other.acquire("c", timeout=0), other.shared.acquire("k", timeout=0)):
                await (await acquiring).release()
        with pytest.raises(ChatChangedError):
            await lease.renew()
        await storage.append("c", say("later"), 0)
        await storage.aclose()

    async def _lost(self, appending: Any, direct: ChatStorage, length: int, proxy: TcpProxy) -> None:
        """Cut the connection when the entry is stored and its reply is on the way."""
        proxy.mute()
        task = asyncio.ensure_future(appending)
        await self._grown(direct, length + 1)
        proxy.drop()
        proxy.unmute()
        await task

    @staticmethod
    async def _grown(storage: ChatStorage, length: int) -> None:
        deadline = time.monotonic() + 60
        while len(await storage.get_history("c")) < length:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.002)
