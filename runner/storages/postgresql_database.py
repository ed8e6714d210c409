"""A PostgreSQL database as the storage uses it: each command has a deadline, and no write is done twice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from runner.errors import ChatStorageError
from runner.loops import PerLoop
from runner.storages import postgresql_statements as sql
from runner.storages.base import ChatInfo, changed, position_of
from runner.storages.deadlines import CONNECTING, Again, Patience
from runner.storages.keys import chat_of_key
from runner.storages.lease import lease_lost
from runner.storages.postgresql_leases import PostgresLeases, PostgresValues
from runner.storages.server import Texts
from runner.storages.urls import without_password

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from runner.storages.postgresql_connections import Connection, Connections
    from runner.storages.server import Page, Write


class PostgresDatabase:
    """A `ServerDatabase`, opened at first use, with connections for each event loop; `aclose` is not its end."""

    def __init__(self, url: str, timeout: float) -> None:
        self.shown = without_password(url)
        self.leases = PostgresLeases(self)
        self.values = PostgresValues(self)
        self._patience = Patience(self.shown, timeout)
        self._make = partial(_opened, url, timeout * CONNECTING)
        self._loops: PerLoop[Connections] = PerLoop(self._make, ChatStorageError)

    async def rows(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a statement that may be done twice."""

        async def step(deadline: float, _: bool) -> list[tuple[Any, ...]]:
            return await self._rows(statement, values, deadline)

        return await self._patience.until_known(step)

    async def count(self, statement: str, values: Mapping[str, Any]) -> int:
        """How many rows a statement found or changed; it may be done twice."""
        return (await self.changed(statement, values))[0]

    async def changed(self, statement: str, values: Mapping[str, Any]) -> tuple[int, bool]:
        """How many rows a statement changed, and whether it may have been done before, by a try that was lost."""

        async def step(deadline: float, in_doubt: bool) -> tuple[int, bool]:
            return await self._count(statement, values, deadline), in_doubt

        return await self._patience.until_known(step)

    async def read(self, key: bytes, n: int) -> Texts:
        """The texts of a chat's entries from index `n` on."""
        rows = await self.rows(sql.READ, {**sql.of_key(key), "n": n})
        return Texts(rows[0][0] if rows else None, [(content, meta) for _, content, meta in rows])

    async def listed(self, page: Page) -> list[ChatInfo]:
        """The chats, the one written to last first."""
        values = {"start": page.start, "end": page.end, "limit": page.limit, "position": position_of(page.after)}
        rows = await self.rows(sql.LIST, values | {"before": page.before or "infinity"})
        return [ChatInfo(chat_of_key(key), length, updated, str(changed)) for key, length, updated, changed in rows]

    async def store(self, write: Write) -> None:
        """Store entries; raises ChatChangedError when the length or the lease is another by now.

        When the connection ends meanwhile, the server is asked until the deadline what became of them. A try that
        arrives late finds another length, and does nothing.
        """

        async def step(deadline: float, in_doubt: bool) -> None:
            if in_doubt and await self._is_stored(write, deadline):
                return
            if not await self._stored(write, deadline, in_doubt=in_doubt):
                await self._explain(write, deadline)

        await self._patience.until_known(step, writes=True, size=write.size)

    async def tidy(self) -> None:
        """Nothing: the server's autovacuum does it."""

    async def aclose(self) -> None:
        """Close all connections."""
        closing, self._loops = self._loops, PerLoop(self._make, ChatStorageError)
        await closing.aclose()

    async def _stored(self, write: Write, deadline: float, *, in_doubt: bool) -> bool:
        """Whether the entries are stored, by this try or by one before that was lost."""
        if not write.texts and not write.replaces:
            return False
        if in_doubt and write.expected is None and not write.replaces:
            length, _ = await self._found(write, deadline)
            write = replace(write, expected=length)  # so that of both tries only one can be done
        if await self._count(*sql.of_write(write), deadline):
            return True
        return in_doubt and await self._is_stored(write, deadline)

    async def _explain(self, write: Write, deadline: float) -> None:
        """Raise ChatChangedError if the lease or the length is not as the write needs it."""
        length, is_held = await self._found(write, deadline)
        if write.held is not None and not is_held:
            raise lease_lost(write.chat_id)
        if write.expected is not None and write.expected != length:
            raise changed(write.chat_id, length, write.expected)
        if write.texts or write.replaces:
            raise Again

    async def _is_stored(self, write: Write, deadline: float) -> bool:
        values = {**sql.of_key(write.key), "batch": write.batch, "least": write.expected or 0}
        return bool((await self._rows(sql.IS_STORED, values, deadline))[0][0])

    async def _found(self, write: Write, deadline: float) -> tuple[int, bool]:
        """The chat's length, and whether the lease is still held."""
        length, is_held = (await self._rows(sql.FOUND, sql.of_lease(write), deadline))[0]
        return length, is_held

    async def _rows(self, statement: str, values: Mapping[str, Any], deadline: float) -> list[tuple[Any, ...]]:
        async def fetch(connection: Connection) -> list[tuple[Any, ...]]:
            return await (await connection.execute(statement, values)).fetchall()

        return await (await self._connections()).run(fetch, deadline)

    async def _count(self, statement: str, values: Mapping[str, Any], deadline: float) -> int:
        async def execute(connection: Connection) -> int:
            return (await connection.execute(statement, values)).rowcount

        return await (await self._connections()).run(execute, deadline)

    async def _connections(self) -> Connections:
        return self._loops.known() or await self._loops.made()


def _opened(url: str, connect_timeout: float) -> tuple[Connections, AsyncGenerator[None, None]]:
    from runner.storages.postgresql_connections import Connections

    connections = Connections(url, connect_timeout)
    return connections, connections.held()
