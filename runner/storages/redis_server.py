"""A Redis server as the storage uses it: commands with a deadline, tried again while a connection cannot be had."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import ChatStorageError
from runner.loops import PerLoop
from runner.storages.deadlines import CONNECTING, Away, Lost, Patience, storage_error
from runner.storages.redis_scripts import FORMAT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from runner.storages.redis_place import RedisPlace
    from runner.storages.redis_scripts import Command, Script
    from runner.storages.redis_wire import Wire

_log = logging.getLogger("agent_run")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server replied. `resent`: it was asked more than once, and may have done it the first time already."""

    replies: list[Any]
    resent: bool


class RedisServer:
    """Opened at first use, in each event loop; a later use opens it again after `aclose`, and so does a forked child.

    Every command is over within `timeout` seconds. What a lost connection left open is asked again in that time, so it
    must be such that asking twice does no harm; so is what finds a server gone that was there before.
    """

    def __init__(self, place: RedisPlace, timeout: float, *, is_cache: bool = False) -> None:
        self.place = place
        self._patience = Patience(place.shown, timeout)
        self._make = _maker(place, timeout * CONNECTING)
        self._wires: PerLoop[Wire] = PerLoop(self._make, ChatStorageError)
        self._before_forks: list[PerLoop[Wire]] = []  # kept: the sockets in them are the parent's
        self._process = os.getpid()
        self._is_looked_at = is_cache  # nothing in it need last

    async def script(self, script: Script, keys: list[bytes], *arguments: bytes, writes: bool = False) -> list[Any]:
        """The reply of a script, on stored data of our format."""
        answer = await self.run(script.call(keys, *arguments), writes=writes)
        return self.understood(answer.replies[0])

    async def checked(self, *commands: Command) -> list[Any]:
        """The replies to commands that are sent together, on stored data of our format."""
        answer = await self.run((b"HGET", self.place.key("store"), b"format"), *commands)
        found, *replies = answer.replies
        if found is not None:
            self.understood([b"format" if found != FORMAT else b"ok", found])
        return replies

    def understood(self, reply: list[Any]) -> list[Any]:
        """A script's reply; raises ChatStorageError when it says that a newer agent-run wrote what is stored."""
        if reply[0] != b"format":
            return reply
        raise storage_error(
            self.place.shown,
            f"was written by a newer agent-run (its format is {reply[1].decode('ascii', 'replace')}, this one knows"
            f" {FORMAT.decode()}); it was left as it is. Upgrade agent-run, or choose another ?prefix= in the URL",
        )

    async def run(self, *commands: Command, writes: bool = False) -> Answer:
        """The replies to commands that are sent together; `writes` to a chat."""

        async def step(deadline: float, in_doubt: bool) -> Answer:
            return Answer(await self._tried(commands, deadline), in_doubt)

        return await self._patience.until_known(step, writes=writes)

    async def _tried(self, commands: tuple[Command, ...], deadline: float) -> list[Any]:
        """The replies. Raises Lost or Away when another try may help."""
        from runner.storages import redis_errors
        from runner.storages.redis_wire import Broken, RedisError

        try:
            async with asyncio.timeout_at(deadline):
                wire = self._known_wire() or await self._wires.made()
                if not self._is_looked_at:
                    await self._look(wire)
                replies = await wire.exchange(commands)
        except TimeoutError as error:
            raise Lost(redis_errors.SILENT) from error
        except Broken as broken:
            if broken.sent or redis_errors.is_loading(broken.cause):
                raise Lost(redis_errors.meaning(broken.cause, self.place)[0]) from broken
            raise Away(redis_errors.told(broken.cause, self.place)) from broken
        except RedisError as error:
            raise redis_errors.told(error, self.place) from error
        return replies

    def _known_wire(self) -> Wire | None:
        if os.getpid() != self._process:
            self._before_forks.append(self._wires)
            self._wires, self._process = PerLoop(self._make, ChatStorageError), os.getpid()
        return self._wires.known()

    async def _look(self, wire: Wire) -> None:
        """Say once, in the log, what the server may lose of what it acknowledges."""
        from runner.storages.redis_wire import Broken, RedisError

        self._is_looked_at = True
        try:
            told = b"".join(await wire.exchange([(b"INFO", b"persistence"), (b"INFO", b"memory")]))
        except Broken:
            self._is_looked_at = False
            raise
        except RedisError as error:
            _log.debug("storage %s: the server does not tell how it keeps data: %s", self.place.shown, error)
            return
        facts = dict(line.split(":", 1) for line in told.decode("utf-8", "replace").split("\r\n") if ":" in line)
        for warning in _warnings(facts):
            _log.warning("storage %s: %s", self.place.shown, warning)

    async def aclose(self) -> None:
        """Close all connections."""
        closing, self._wires = self._wires, PerLoop(self._make, ChatStorageError)
        if os.getpid() == self._process:
            await closing.aclose()


def _warnings(facts: dict[str, str]) -> list[str]:
    found = []
    if facts.get("aof_enabled") == "0":
        found.append(
            "the server keeps no append-only file (appendonly no): when it stops, what it was told since its last"
            " snapshot is lost; turn it on: appendonly yes"
        )
    if facts.get("maxmemory", "0") != "0" and facts.get("maxmemory_policy", "").startswith("allkeys"):
        found.append(
            f"the server deletes keys when its memory is full (maxmemory-policy {facts['maxmemory_policy']}): chats may"
            " be lost; choose noeviction"
        )
    return found


def _maker(place: RedisPlace, connect_timeout: float) -> Callable[[], tuple[Wire, AsyncGenerator[None, None]]]:
    def make() -> tuple[Wire, AsyncGenerator[None, None]]:
        from runner.storages.redis_wire import Wire, closing

        wire = Wire(place, connect_timeout)
        return wire, closing(wire)

    return make
