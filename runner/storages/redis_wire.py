"""Connections to a Redis server, made by redis-py: one conversation each at a time, and closed when it breaks off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from redis.asyncio import Connection, SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, NoScriptError, RedisError, ResponseError

from runner.storages.redis_errors import is_passing
from runner.storages.redis_scripts import ScriptCall

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from runner.storages.redis_place import RedisPlace
    from runner.storages.redis_scripts import Command

__all__ = ["CONNECTIONS", "Broken", "RedisError", "Wire", "closing"]

CONNECTIONS = 16
"""How many commands of one event loop may be under way at once; the others wait."""
_READ_SIZE = 262_144


class Broken(Exception):  # noqa: N818 - an event on the way, told to users as a ChatStorageError
    """A conversation broke off, its connection is closed. `sent`: the server may have done what was asked."""

    def __init__(self, cause: Exception, *, sent: bool) -> None:
        super().__init__(str(cause))
        self.cause, self.sent = cause, sent


class Wire:
    """The connections of one event loop.

    redis-py's own pool is not used: it may keep a connection as in use for ever when whoever gives it back is
    cancelled.
    """

    def __init__(self, place: RedisPlace, connect_timeout: float) -> None:
        self._place = place
        self._connect_timeout = connect_timeout
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[Connection] = []
        self._is_closed = False

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to the commands, sent at once. Raises Broken, or redis-py's error for what the server refused.

        Whatever else ends this (a cancellation, a deadline), the connection is closed: no reply can come late.
        """
        async with self._slots:
            connection = await self._taken()
            sent = False
            try:
                await self._connect(connection)
                sent = True
                replies = await _conversed(connection, commands)
            except (RedisConnectionError, InvalidResponse) as error:
                _abort(connection)
                self._drop_idle()
                if sent or is_passing(error):
                    raise Broken(error, sent=sent) from error
                raise
            except BaseException:
                _abort(connection)
                raise
            if self._is_closed:
                _abort(connection)
            else:
                self._idle.append(connection)
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        return replies

    async def _taken(self) -> Connection:
        """A connection that rests, if there is one that the server has not closed meanwhile; else a new one."""
        while self._idle:
            connection = self._idle.pop()
            if not await connection.can_read():  # at its end, or saying what nobody asked
                return connection
            _abort(connection)
        kind = SSLConnection if self._place.is_tls else Connection
        return kind(
            **self._place.connecting,
            protocol=2,
            driver_info=None,
            client_name="agent-run",
            socket_timeout=None,  # the deadline is around the whole exchange
            socket_connect_timeout=None,
            socket_read_size=_READ_SIZE,
        )

    async def _connect(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(self._connect_timeout):
                await connection.connect()  # type: ignore[no-untyped-call]  # redis-py has no hints here
        except TimeoutError as error:
            _abort(connection)
            raise Broken(error, sent=False) from error

    def _drop_idle(self) -> None:
        while self._idle:
            _abort(self._idle.pop())

    async def aclose(self) -> None:
        """Close what rests now, and what is in use when it comes back."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect()


async def closing(wire: Wire) -> AsyncGenerator[None, None]:
    """Closes the wire when it is closed or finished itself."""
    try:
        yield
    finally:
        await wire.aclose()


async def _conversed(connection: Connection, commands: Sequence[Command]) -> list[Any]:
    """The reply to each command; a refusal is its error, as a value. A script that the server lacks is sent whole."""
    await _send(connection, [command.short if isinstance(command, ScriptCall) else command for command in commands])
    replies = [await _reply(connection) for _ in commands]
    for index, (command, reply) in enumerate(zip(commands, replies, strict=True)):
        if isinstance(command, ScriptCall) and isinstance(reply, NoScriptError):
            await _send(connection, [command.whole])
            replies[index] = await _reply(connection)
    return replies


async def _send(connection: Connection, commands: list[tuple[bytes, ...]]) -> None:
    writer = connection._writer  # noqa: SLF001 - redis-py does not look
    if writer is not None and writer.transport.is_closing():  # on which Python 3.12 and 3.13.0 fail with AttributeError
        raise RedisConnectionError("the connection was closed")
    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)


async def _reply(connection: Connection) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


def _abort(connection: Connection) -> None:
    """Close at once, whatever was not sent yet."""
    writer = connection._writer  # noqa: SLF001 - redis-py would send the rest first, for ever if nobody reads it
    if writer is not None:
        writer.transport.abort()
        connection._close()  # type: ignore[no-untyped-call]  # noqa: SLF001 - `disconnect` where nobody can wait
