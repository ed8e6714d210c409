"""Keeping a chat database small: old chats deleted, lapsed leases dropped, unused pages given back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runner.storages.lease import Holder, Watch
from runner.storages.processes import is_gone

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from runner.storages.sqlite_file import DatabaseFile
    from runner.storages.sqlite_thread import ConnectionThread

_CHATS_AT_ONCE = 50
_PAGES_AT_ONCE = 1000
_LOOKS = 6  # at the leases, while the lease time passes
_INCREMENTAL = 2


class SqliteUpkeep:
    """Works in small steps, so that turns of this and other processes get their chance in between."""

    def __init__(self, file: DatabaseFile, thread: ConnectionThread) -> None:
        self._file = file
        self._thread = thread

    async def delete_older(self, start: bytes, end: bytes, before: int, keep: Collection[bytes]) -> int:
        """Delete the chats from key `start` up to `end` last written to before then; how many. Those in use stay."""
        deleted, last = 0, 0

        def step(connection: sqlite3.Connection) -> tuple[int, int | None]:
            with self._file.writing(connection):
                rows = connection.execute(
                    "SELECT id, key FROM chat WHERE key >= ? AND key < ? AND updated < ? AND id > ?"
                    " ORDER BY id LIMIT ?",
                    (start, end, before, last, _CHATS_AT_ONCE),
                ).fetchall()
                unused = [chat for chat, key in rows if key not in keep and not _is_leased(connection, key)]
                for chat in unused:
                    forget_chat(connection, chat)
            return len(unused), rows[-1][0] if rows else None

        while True:
            count, reached = await self._thread.run(self._file.guarded(step))
            deleted += count
            if reached is None:
                return deleted
            last = reached

    async def give_back(self) -> None:
        """Give unused pages back to the file system. A file that cannot do so in steps is rebuilt once."""
        await self._thread.run(self._file.guarded(self._prepared))
        left = None
        while True:
            now = await self._thread.run(self._file.guarded(self._shrunk))
            if not now or now == left:
                return
            left = now

    async def drop_lapsed(self, lease_time: float) -> None:
        """Drop the leases whose process has ended, and those that stand still while the lease time passes."""
        watches: dict[int, Watch] = {}
        for _ in range(_LOOKS):
            lapsed = []
            waiting = False
            for holder, process in await self._thread.run(self._file.guarded(_holders)):
                watch = watches.setdefault(holder.epoch, Watch(lease_time))
                watch.saw(holder)
                if is_gone(process) or watch.silent:
                    lapsed.append(holder)
                else:
                    waiting = waiting or not watch.moved
            await self._drop(lapsed)
            if not waiting:
                return
            await asyncio.sleep(lease_time / (_LOOKS - 2))

    async def _drop(self, lapsed: list[Holder]) -> None:
        def drop(connection: sqlite3.Connection) -> None:
            with self._file.writing(connection, durable=False):
                connection.executemany(
                    "DELETE FROM lease WHERE epoch = ? AND counter = ?",
                    [(holder.epoch, holder.counter) for holder in lapsed],
                )

        if lapsed:
            await self._thread.run(self._file.guarded(drop))

    def _prepared(self, connection: sqlite3.Connection) -> None:
        self._file.check_identity()
        if connection.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("VACUUM")

    def _shrunk(self, connection: sqlite3.Connection) -> int:
        """How many unused pages are left after one more step."""
        self._file.check_identity()
        connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")  # `execute` would do one page of it
        left = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
        if not left:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return left


def forget_chat(connection: sqlite3.Connection, chat: int | None) -> None:
    """Delete a chat and its entries by the chat's row."""
    connection.execute("DELETE FROM message WHERE chat = ?", (chat,))
    connection.execute("DELETE FROM chat WHERE id = ?", (chat,))


def _is_leased(connection: sqlite3.Connection, key: bytes) -> bool:
    row = connection.execute("SELECT process FROM lease WHERE chat = ?", (key,)).fetchone()
    return row is not None and not is_gone(row[0])


def _holders(connection: sqlite3.Connection) -> list[tuple[Holder, str]]:
    rows = connection.execute("SELECT owner, epoch, counter, since, process FROM lease")
    return [(Holder(*columns), process) for *columns, process in rows]
