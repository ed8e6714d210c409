"""One connection to an origin: it carries one exchange at a time."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from runner.models.gemini.http.exchange import Exchange

_JOINED = 64 * 1024
"""Bodies up to this many bytes leave in one packet with their head; larger ones are not copied for it."""


class Home(Protocol):
    """Where a connection lives: the connections of one event loop."""

    buffer: memoryview
    """What all of them receive into, one at a time; making room for each piece anew would cost more than reading it."""

    def ended(self, connection: Connection) -> None:
        """An exchange is over and another may follow; or the connection is gone."""


class Connection(asyncio.BufferedProtocol):
    """What comes is handed to the exchange under way."""

    transport: asyncio.Transport

    def __init__(self, host: str, home: Home) -> None:
        self.host = host
        self.is_open = False
        self.idle_since = 0.0
        self._home = home
        self._exchange: Exchange | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.gone: asyncio.Future[None] = self._loop.create_future()

    def request(self, head: bytes, body: bytes, idle_timeout: float) -> Exchange:
        """Write a request; its reply begins to arrive in the exchange."""
        exchange = self._exchange = Exchange(self, self._loop, idle_timeout)
        if self._timer is None:
            self._timer = self._loop.call_later(idle_timeout, self._check_silence)
        if len(body) <= _JOINED:
            self.transport.write(head + body)
        else:
            self.transport.write(head)
            self.transport.write(body)
        return exchange

    def drop(self) -> None:
        """Close at once, whatever is under way."""
        self.is_open = False
        self._stop_timer()
        self.transport.abort()

    def connection_made(self, transport: Any) -> None:  # a duplex transport: uvloop's is not asyncio's class
        """Part of asyncio's protocol."""
        self.transport, self.is_open = transport, True

    def get_buffer(self, sizehint: int) -> memoryview:
        """Part of asyncio's protocol."""
        return self._home.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Part of asyncio's protocol."""
        exchange = self._exchange
        if exchange is None:
            self.drop()  # nothing was asked
            return
        exchange.feed(self._home.buffer[:nbytes])
        if exchange.is_over and self.is_open:
            self._exchange = None
            exchange.released()
            if exchange.keeps_connection:
                self.idle_since = self._loop.time()
                self._home.ended(self)
            else:
                self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio's protocol."""
        self.is_open = False
        self._stop_timer()
        if not self.gone.done():
            self.gone.set_result(None)
        exchange, self._exchange = self._exchange, None
        if exchange is not None and not exchange.is_over:
            exchange.lost(exc)
        self._home.ended(self)

    def _check_silence(self) -> None:
        """One timer for all exchanges in a row: what is heard meanwhile, and the next exchange, only move it."""
        self._timer = None
        if self._exchange is not None and (left := self._exchange.check_silence()) > 0:
            self._timer = self._loop.call_later(left, self._check_silence)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
