"""Leases kept in the table of a SQLite database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import ChatChangedError
from runner.storages.claims import Claims
from runner.storages.keys import chat_key
from runner.storages.lease import Holder, shown, utc_now
from runner.storages.processes import is_gone, own_mark

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from runner.storages.lease import Lease
    from runner.storages.sqlite_file import DatabaseFile
    from runner.storages.sqlite_thread import ConnectionThread

_CLAIMS = Claims()


class SqliteLeases:
    """A lease is a row. Before a row, a chat is claimed inside the process, so that only one task watches the file.

    `key_of` makes the row's key of a chat id, or of the name of something else that is leased.
    """

    def __init__(
        self,
        file: DatabaseFile,
        thread: ConnectionThread,
        lease_time: float,
        key_of: Callable[[str], bytes] = chat_key,
    ) -> None:
        self.lease_time = lease_time
        self._key_of = key_of
        self._file = file
        self._thread = thread
        self._held: dict[str, Holder] = {}
        self._waited_for: set[str] = set()  # chats whose lease another process was seen to hold

    async def take(
        self, chat_id: str, owner: str, silent: Holder | None, then: Callable[[sqlite3.Connection], None] | None = None
    ) -> Holder:
        """The holder now: `owner`, if the lease was free, its process has ended, or it is still as `silent` says.

        `then` is done in the same job once the lease is ours.
        """
        nearest = _CLAIMS.take(self, chat_id, owner)
        if nearest.owner != owner:
            return nearest
        former = self._held.get(chat_id)
        ended = former.owner if former is not None else None  # its event loop was closed: the claim is ours now
        key = self._key_of(chat_id)

        is_waited_for = chat_id in self._waited_for

        def take(connection: sqlite3.Connection) -> Holder:
            if is_waited_for and (holder := _holder(connection, key, ended, silent)) is not None:
                return holder  # a look is cheap and locks nobody out
            with self._file.writing(connection, durable=False):
                holder = _holder(connection, key, ended, silent) or _taken(connection, key, owner)
                if then is not None and holder.owner == owner:
                    then(connection)
            return holder

        holder = await self._thread.run(self._file.guarded(take))
        if holder.owner == owner:
            self._held[chat_id] = holder
            self._waited_for.discard(chat_id)
        else:
            self._waited_for.add(chat_id)
        return holder

    async def renew(self, chat_id: str, owner: str, epoch: int) -> bool:
        """Move the counter; False when another has the lease."""
        held = self._held.get(chat_id)
        if held is None or held.owner != owner:
            return False

        def renew(connection: sqlite3.Connection) -> bool:
            with self._file.writing(connection, durable=False):
                moved = "UPDATE lease SET counter = counter + 1 WHERE epoch = ? AND owner = ?"
                return connection.execute(moved, (epoch, owner)).rowcount == 1

        return await self._thread.run(self._file.guarded(renew))

    def freeing(self, lease: Lease) -> Callable[[sqlite3.Connection], None]:
        """What frees a lease inside the transaction of a write; `freed` is to be called after it."""
        key, owner = self._key_of(lease.chat_id), lease.owner
        return lambda connection: _delete(connection, key, owner)

    def freed(self, lease: Lease) -> None:
        """Forget a lease that a write has freed."""
        lease.given_up()
        if self._no_longer_held(lease.chat_id, lease.owner):
            _CLAIMS.drop(self, lease.chat_id, lease.owner)

    async def drop(self, chat_id: str, owner: str) -> None:
        """Free the lease if `owner` has it."""
        if self._no_longer_held(chat_id, owner):
            try:
                await self._thread.run(self._file.guarded(self._dropping(chat_id, owner)))
            finally:
                _CLAIMS.drop(self, chat_id, owner)

    def forget(self, chat_id: str, owner: str) -> None:
        """Free the lease once the jobs that may still take it are done."""
        self._no_longer_held(chat_id, owner)
        self._waited_for.discard(chat_id)
        if _CLAIMS.holds(self, chat_id, owner):
            self._thread.post(self._dropping(chat_id, owner))
            _CLAIMS.drop(self, chat_id, owner)

    def forget_all(self) -> None:
        """Free whatever is still held."""
        for chat_id, holder in list(self._held.items()):
            self.forget(chat_id, holder.owner)

    def fence(self, chat_id: str) -> Callable[[sqlite3.Connection], None]:
        """A check, to be made inside the writing transaction, that a lease held here was not taken over meanwhile."""
        held = self._held.get(chat_id)

        def check(connection: sqlite3.Connection) -> None:
            if held is None:
                return
            query = "SELECT 1 FROM lease WHERE epoch = ? AND owner = ?"
            if connection.execute(query, (held.epoch, held.owner)).fetchone() is None:
                raise ChatChangedError(
                    f"the lease of chat {shown(chat_id)} went to another owner while this one stood still;"
                    " nothing was stored"
                )

        return check

    def _no_longer_held(self, chat_id: str, owner: str) -> bool:
        held = self._held.get(chat_id)
        if held is None or held.owner != owner:
            return False
        del self._held[chat_id]
        return True

    def _dropping(self, chat_id: str, owner: str) -> Callable[[sqlite3.Connection], None]:
        key = self._key_of(chat_id)

        def drop(connection: sqlite3.Connection) -> None:
            with self._file.writing(connection, durable=False):
                _delete(connection, key, owner)

        return drop


def _delete(connection: sqlite3.Connection, key: bytes, owner: str) -> None:
    connection.execute("DELETE FROM lease WHERE chat = ? AND owner = ?", (key, owner))


def _holder(connection: sqlite3.Connection, key: bytes, ended: str | None, silent: Holder | None) -> Holder | None:
    """Who has the lease and may be alive; None where it can be taken."""
    query = "SELECT owner, epoch, counter, since, process FROM lease WHERE chat = ?"
    row = connection.execute(query, (key,)).fetchone()
    if row is None:
        return None
    *columns, process = row
    holder = Holder(*columns)
    free = holder == silent or holder.owner == ended or is_gone(process)
    return None if free else holder


def _taken(connection: sqlite3.Connection, key: bytes, owner: str) -> Holder:
    since = utc_now()
    chat = connection.execute("SELECT id FROM chat WHERE key = ?", (key,)).fetchone()
    connection.execute("DELETE FROM lease WHERE chat = ?", (key,))
    added = connection.execute(
        "INSERT INTO lease (chat, owner, counter, process, since) VALUES (?, ?, 0, ?, ?)",
        (key, owner, own_mark(), since),
    )
    return Holder(owner, added.lastrowid or 0, 0, since, chat[0] if chat else None)
