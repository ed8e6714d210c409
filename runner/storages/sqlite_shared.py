"""What processes share beside chats, in the tables of a SQLite database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.storages.keys import chat_key, shared_key
from runner.storages.lease import wait_for_lease
from runner.storages.shared_state import NOUN, SharedValue, new_version, shared_text
from runner.storages.sqlite_leases import SqliteLeases

if TYPE_CHECKING:
    import sqlite3

    from runner.storages.lease import Lease
    from runner.storages.sqlite_file import DatabaseFile
    from runner.storages.sqlite_thread import ConnectionThread


class SqliteSharedState:
    """A value is a row. The last writes may be lost with the power, not with the process."""

    def __init__(self, file: DatabaseFile, thread: ConnectionThread, lease_time: float) -> None:
        self._file = file
        self._thread = thread
        self.leases = SqliteLeases(file, thread, lease_time, key_of=shared_key)

    async def get(self, key: str) -> SharedValue | None:
        """The value now."""
        stored = chat_key(key)

        def read(connection: sqlite3.Connection) -> SharedValue | None:
            row = connection.execute("SELECT text, version FROM shared WHERE key = ?", (stored,)).fetchone()
            return None if row is None else SharedValue(*row)

        return await self._thread.run(self._file.guarded(read))

    async def put_if(self, key: str, text: str | None, version: str | None) -> str | None:
        """Replace the value if its version is `version`."""
        stored, token = chat_key(key), new_version()
        statement, values = _statement(stored, None if text is None else shared_text(text), token, version)

        def write(connection: sqlite3.Connection) -> bool:
            with self._file.writing(connection, durable=False):
                if text is None and version is None:  # nothing to delete, if there is nothing
                    return connection.execute(statement, values).fetchone() is None
                return connection.execute(statement, values).rowcount == 1

        return token if await self._thread.run(self._file.guarded(write)) else None

    async def acquire(self, key: str, *, timeout: float = 30.0) -> Lease:  # noqa: ASYNC109 - the error names it
        """A lease on the key, against all processes that use the file."""
        return await wait_for_lease(self.leases, key, timeout, NOUN)


def _statement(key: bytes, text: str | None, token: str, version: str | None) -> tuple[str, tuple[object, ...]]:
    match text, version:
        case None, None:
            return "SELECT 1 FROM shared WHERE key = ?", (key,)
        case None, _:
            return "DELETE FROM shared WHERE key = ? AND version = ?", (key, version)
        case _, None:
            return "INSERT INTO shared (key, text, version) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (key, text, token)
        case _:
            return "UPDATE shared SET text = ?, version = ? WHERE key = ? AND version = ?", (text, token, key, version)
