"""The connections to one origin: a pool for each event loop, so that a model may be used from several."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runner.errors import GeminiClientError
from runner.loops import PerLoop
from runner.models.gemini.http.connecting import Origin, connected
from runner.models.gemini.http.failures import connection_lost

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.models.gemini.http.connection import Connection
    from runner.models.gemini.http.exchange import Exchange

_BUFFER = 64 * 1024
_MAX_IDLE = 100
_KEPT_FOR = 60.0
"""Seconds an unused connection is kept; Google's own front ends close theirs after four minutes."""


class _Open:
    """The connections of one event loop. It knows no pool, so that a pool that nobody holds can be garbage."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(_BUFFER))
        self.all: set[Connection] = set()
        self.idle: list[Connection] = []

    def taken(self, now: float) -> Connection | None:
        """The connection used last, if it is still good."""
        while self.idle:
            connection = self.idle.pop()
            if connection.is_open and now - connection.idle_since < _KEPT_FOR:
                return connection
            connection.drop()
        return None

    def ended(self, connection: Connection) -> None:
        """Keep it for the next request, or forget it."""
        if not connection.is_open:
            self.all.discard(connection)
            if connection in self.idle:
                self.idle.remove(connection)
            return
        self.idle.append(connection)
        oldest = self.idle[0]
        if len(self.idle) > _MAX_IDLE or connection.idle_since - oldest.idle_since > _KEPT_FOR:
            del self.idle[0]
            oldest.drop()

    async def held(self) -> AsyncGenerator[None, None]:
        """Suspended as long as the pool is used; whoever finishes it, the event loop at its end included, closes all.

        A loop finishes a generator too that has become garbage.
        """
        try:
            yield
        finally:
            gone = [connection.gone for connection in self.all]
            for connection in list(self.all):
                connection.drop()
            if gone:
                await asyncio.wait(gone, timeout=5)


class Connections:
    """Sends requests to one origin over kept connections. Redirects are the caller's to see; there are no cookies."""

    def __init__(self, origin: Origin, *, connect_timeout: float, idle_timeout: float) -> None:
        self.origin = origin
        self._connect_timeout, self._idle_timeout = connect_timeout, idle_timeout
        self._loops = PerLoop(_opened, GeminiClientError)

    async def send(self, head: bytes, body: bytes) -> Exchange:
        """Send a request and wait for its reply's headers; the exchange must be closed."""
        opened = self._loops.known() or await self._loops.made()
        connection = opened.taken(asyncio.get_running_loop().time())
        if connection is None:
            connection = await connected(self.origin, opened, self._connect_timeout)
            if not connection.is_open:
                raise connection_lost(self.origin.host, None)
            opened.all.add(connection)
        exchange = connection.request(head, body, self._idle_timeout)
        try:
            await exchange.begun()
        except BaseException:
            await exchange.aclose()
            raise
        return exchange

    async def aclose(self) -> None:
        """Close the connections of every loop that still runs; those of closed loops are gone."""
        await self._loops.aclose()


def _opened() -> tuple[_Open, AsyncGenerator[None, None]]:
    opened = _Open()
    return opened, opened.held()
