"""Connections to a PostgreSQL server: kept while they work, closed at the first sign that they do not."""

from __future__ import annotations

import asyncio
import socket
import weakref
from contextlib import asynccontextmanager, suppress
from os import getpid
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import psycopg

from runner.storages.deadlines import Again, Away, Lost, storage_error
from runner.storages.postgresql_errors import (
    came_between,
    from_connecting,
    from_reading,
    from_server,
    last_line,
    nobody_answers,
)
from runner.storages.postgresql_schema import prepare
from runner.storages.urls import without_password

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from runner.errors import ChatStorageError

T = TypeVar("T")
Connection: TypeAlias = psycopg.AsyncConnection[Any]
Work: TypeAlias = "Callable[[Connection], Awaitable[T]]"

LIMIT = 10
"""Connections that one event loop opens at most; who needs another one waits."""
KEPT_FOR = 60.0
"""Seconds an unused connection is kept: a firewall on the way may forget it, and say nothing."""
_IDLE = psycopg.pq.TransactionStatus.IDLE


class Connections:
    """The connections of one event loop.

    psycopg's pool is not used: it tells why no connection can be made only in its log, after the whole wait, and gives
    a connection back whose command was cancelled. Here one is kept only after a command that ended well.
    """

    def __init__(self, url: str, connect_timeout: float) -> None:
        self._url = url
        self._shown = without_password(url)
        self._connect_timeout = connect_timeout
        self._options: Any = {} if "connect_timeout=" in url else {"connect_timeout": 2}  # for each of several hosts
        self._slots = asyncio.Semaphore(LIMIT)
        self._idle: list[tuple[Connection, float]] = []
        self._all: set[Connection] = set()
        self._is_prepared = False
        self._is_closed = False
        self._finish = weakref.finalize(self, _finish, self._all, getpid())  # for a loop that was closed all at once

    async def run(self, work: Work[T], deadline: float) -> T:
        """What `work` returns. At the deadline, by the loop's clock, or when cancelled, its connection is cut.

        Raises Lost when the connection ended, Again when the server undid the command because of others, Away when no
        server was found, and ChatStorageError when it refused the command or a connection.
        """
        async with self._slot(deadline):
            connection = self._kept() or await self._connected(deadline)
            task = asyncio.ensure_future(self._done(connection, work))
            is_well = False
            try:
                await asyncio.wait({task}, timeout=max(0, deadline - _now()))
                if not task.done():
                    raise Lost("the server did not answer in time")
                is_well = True
                return task.result()
            except psycopg.Error as error:
                if connection.closed:
                    self._drop_idle()  # most likely they ended together
                    raise Lost(last_line(error)) from error
                if came_between(error):
                    raise Again from error
                raise from_server(error, self._shown) from error
            finally:
                await self._settle(connection, task, is_well=is_well)

    async def _done(self, connection: Connection, work: Work[T]) -> T:
        if not self._is_prepared:
            await prepare(connection, self._shown)
            self._is_prepared = True
        return await work(connection)

    @asynccontextmanager
    async def _slot(self, deadline: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            text = f"no connection became free in time; this process has {LIMIT} in use"
            raise storage_error(self._shown, text, retryable=True) from None
        try:
            yield
        finally:
            self._slots.release()

    def _kept(self) -> Connection | None:
        while self._idle:
            connection, since = self._idle.pop()
            if _now() - since < KEPT_FOR and not connection.closed:
                return connection
            self._close(connection)
        return None

    async def _connected(self, deadline: float) -> Connection:
        """A new connection; while the server has none to give, it is asked again."""
        until = min(deadline, _now() + self._connect_timeout)
        pause = 0.01
        while True:
            try:
                if (connection := await self._opened(until)) is not None:
                    return connection
                failure = self._silent()
            except psycopg.ProgrammingError as error:
                failure = from_reading(error, self._shown)
            except psycopg.Error as error:
                failure = from_connecting(error, self._shown)
                if nobody_answers(error):
                    raise Away(failure) from error
            if not failure.retryable or _now() + pause > until:
                raise Away(failure) if failure.retryable else failure
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.2)

    async def _opened(self, until: float) -> Connection | None:
        """A new connection; None when there is none by then. What was begun is given up in a task of its own."""
        opening: asyncio.Future[Connection] = asyncio.ensure_future(
            psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                client_encoding="utf8",
                fallback_application_name="agent-run",
                **self._options,
            )
        )
        is_wanted = False
        try:
            await asyncio.wait({opening}, timeout=max(0, until - _now()))
            is_wanted = opening.done()
        finally:
            if not is_wanted:
                opening.cancel()
                opening.add_done_callback(_given_up)
        if not is_wanted:
            return None
        connection = opening.result()
        self._all.add(connection)
        return connection

    async def _settle(self, connection: Connection, task: asyncio.Future[Any], *, is_well: bool) -> None:
        """Keep the connection if its command ended well; else close it, and with it whatever still runs."""
        is_idle = is_well and not connection.closed and connection.pgconn.transaction_status == _IDLE
        if is_idle and not self._is_closed:
            self._idle.append((connection, _now()))
            return
        try:
            if not task.done():
                _cut(connection)
                await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # known already, or of no interest
        finally:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._all.discard(connection)
        connection.pgconn.finish()

    def _drop_idle(self) -> None:
        while self._idle:
            self._close(self._idle.pop()[0])

    def _silent(self) -> ChatStorageError:
        text = f"the server did not answer within {self._connect_timeout:g} s; see whether it runs and can be reached"
        return storage_error(self._shown, text, retryable=True)

    async def held(self) -> AsyncGenerator[None, None]:
        """Suspended as long as the connections are used; whoever finishes it closes them."""
        try:
            yield
        finally:
            self._is_closed = True
            self._drop_idle()


def _given_up(opening: asyncio.Future[Connection]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().pgconn.finish()


def _cut(connection: Connection) -> None:
    """End the conversation at once: what waits on the socket learns it, also where the server is silent."""
    with suppress(psycopg.Error, OSError):
        borrowed = socket.socket(fileno=connection.pgconn.socket)
        try:
            borrowed.shutdown(socket.SHUT_RDWR)
        finally:
            borrowed.detach()


def _finish(connections: set[Connection], process: int) -> None:
    if process == getpid():  # in a forked child, the connections are its parent's
        while connections:
            connections.pop().pgconn.finish()


def _now() -> float:
    return asyncio.get_running_loop().time()
