"""`SqliteChatStorage`: chats in one SQLite file, shared by the processes of one machine."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar

from runner.errors import ManifestError
from runner.messages import ChatMessage
from runner.storages.base import ChatInfo, ChatStorage, StoredLog, changed, position_of, stored_texts
from runner.storages.keys import chat_key, chat_of_key
from runner.storages.lease import LEASE_TIME, wait_for_lease
from runner.storages.sqlite_file import DatabaseFile
from runner.storages.sqlite_leases import SqliteLeases
from runner.storages.sqlite_shared import SqliteSharedState
from runner.storages.sqlite_thread import ConnectionThread
from runner.storages.sqlite_upkeep import SqliteUpkeep, forget_chat

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Sequence

    from runner.storages.lease import Holder, Lease

T = TypeVar("T")
_Row: TypeAlias = tuple[int, str, str]  # chat, content, meta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SqliteChatStorage(ChatStorage):
    """Keeps chats in a SQLite file (WAL, synchronous FULL): what was appended survives the process and the system.

    The file is opened, or made, at first use, on a thread of its own that ends at `aclose`. A relative path is relative
    to `root`, by default the working folder, and its missing folders are made; those of an absolute path must exist.
    Every failure is a ChatStorageError; an append that raised was not stored (should the disk itself fail during the
    last sync, it may be found stored after a restart). An append that was cancelled runs to its end: whether it was
    stored shows when the chat is read again.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        root: Path | None = None,
        lease_time: float = LEASE_TIME,
        busy_timeout: float = 5.0,
    ) -> None:
        super().__init__()
        given = Path(path)
        self.path = (root or Path()).absolute() / given
        self._file = DatabaseFile(self.path, busy_timeout=busy_timeout, make_folder=not given.is_absolute())
        self._thread = ConnectionThread(self._file.connect)
        self._leases = SqliteLeases(self._file, self._thread, lease_time)
        self._shared_state = SqliteSharedState(self._file, self._thread, lease_time)
        self._upkeep = SqliteUpkeep(self._file, self._thread)

    @classmethod
    def from_url(cls, url: str, *, root: Path) -> Self:
        """From `sqlite:///relative.db`, relative to `root` and inside it, or `sqlite:////absolute.db`."""
        scheme, _, name = url.partition(":///")
        if scheme != "sqlite" or not name.strip("/") or "?" in name:
            raise ManifestError(f'storage "{_shown(url)}" is not sqlite:///relative.db or sqlite:////absolute.db')
        if name == ":memory:":
            raise ManifestError(f'storage "{url}": for chats in memory write "memory:"')
        if name.startswith("/"):
            return cls(name)
        if os.path.normpath(name).startswith(".."):
            raise ManifestError(f'storage "{url}" leads out of the project {root}; write an absolute path instead')
        return cls(name, root=root)

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        """All entries of a chat."""
        return await self.read_after(chat_id, 0)

    async def update_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        """Replace all entries of a chat, in one transaction."""
        await self._write(chat_id, messages, replace=True)

    async def append_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        """Add entries, whatever the chat's length."""
        await self._write(chat_id, messages)

    async def append(self, chat_id: str, entries: Sequence[ChatMessage], expected: int) -> None:
        """Add entries if the chat has exactly `expected` of them and no lease of ours on it was taken over."""
        await self._write(chat_id, entries, expected=expected)

    async def append_last(self, chat_id: str, entries: Sequence[ChatMessage], expected: int, lease: Lease) -> None:
        """The same, the lease freed in the same transaction."""
        await self._write(chat_id, entries, expected=expected, then=self._leases.freeing(lease))
        self._leases.freed(lease)

    async def read_after(self, chat_id: str, n: int) -> list[ChatMessage]:
        """The entries from index `n` on, not decoded."""
        return (await self.read_log(chat_id, n)).entries

    async def read_log(self, chat_id: str, n: int) -> StoredLog:
        """The entries from index `n` on, not decoded, and the log's incarnation."""
        key = chat_key(chat_id)
        return _log(await self._run(lambda connection: _rows(connection, key, n)))

    async def open_log(self, chat_id: str, n: int, *, timeout: float = 30.0) -> tuple[Lease, StoredLog]:  # noqa: ASYNC109 - as `acquire`
        """The lease, and the log read by the same job."""
        key = chat_key(chat_id)
        rows: list[_Row] = []

        async def take(chat_id: str, owner: str, silent: Holder | None) -> Holder:
            return await self._leases.take(
                chat_id, owner, silent, lambda connection: rows.extend(_rows(connection, key, n))
            )

        lease = await wait_for_lease(self._leases, chat_id, timeout, take=take)
        return lease, _log(rows)

    async def acquire(self, chat_id: str, *, timeout: float = 30.0) -> Lease:  # noqa: ASYNC109 - the error names it
        """The right to write to a chat, against all processes that use the file.

        The lease of a process that ended is taken over at once on the same machine (Linux), that of one that stands
        still after the lease time.
        """
        return await wait_for_lease(self._leases, chat_id, timeout)

    async def list_chats(self, prefix: str = "", *, limit: int = 100, after: ChatInfo | None = None) -> list[ChatInfo]:
        """The chats whose id starts with `prefix`, the one written to last first; behind `after`, if that is given."""
        start, end = _range(prefix)
        position = position_of(after)

        def read(connection: sqlite3.Connection) -> list[tuple[bytes, int, int, int]]:
            return connection.execute(
                "SELECT key, length, updated, changed FROM chat WHERE key >= ? AND key < ? AND changed < ?"
                " ORDER BY changed DESC LIMIT ?",
                (start, end, position, limit),
            ).fetchall()

        return [
            ChatInfo(chat_of_key(key), length, _EPOCH + timedelta(microseconds=updated), str(changed))
            for key, length, updated, changed in await self._run(read)
        ]

    async def delete_older(self, prefix: str, before: datetime, *, keep: Collection[str] = ()) -> int:
        """Delete the chats last written to before then, but those in `keep` or in use; a few in each transaction."""
        return await self._upkeep.delete_older(*_range(prefix), _microseconds(before), set(map(chat_key, keep)))

    async def vacuum(self) -> None:
        """Make the file as small as its content, and drop the leases of those that ended or stand still.

        Takes up to the lease time where leases are held. The first time, a file made by an older agent-run is rebuilt:
        that needs as much free space again, and others wait meanwhile.
        """
        await self._upkeep.drop_lapsed(self._leases.lease_time)
        await self._upkeep.give_back()

    @property
    def shared(self) -> SqliteSharedState:
        """What the processes that use the file share beside chats."""
        return self._shared_state

    async def aclose(self) -> None:
        """Free the leases still held, close the file and end the thread; a later use opens it again."""
        self._leases.forget_all()
        self._shared_state.leases.forget_all()
        await self._thread.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    async def _write(
        self,
        chat_id: str,
        entries: Sequence[ChatMessage],
        *,
        expected: int | None = None,
        replace: bool = False,
        then: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        texts = stored_texts(entries)
        key = chat_key(chat_id)
        fence = self._leases.fence(chat_id)

        def write(connection: sqlite3.Connection) -> None:
            with self._file.writing(connection):
                fence(connection)
                row, length = _found(connection, key)
                if expected is not None and length != expected:
                    raise changed(chat_id, length, expected)
                if replace:
                    forget_chat(connection, row)
                    row, length = None, 0
                if texts:
                    _add(connection, key, row, length, texts)
                if then is not None:
                    then(connection)

        await self._run(write)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._thread.run(self._file.guarded(work))


def _shown(url: str) -> str:
    """The URL without user and password, which belong to some other storage's URL."""
    return re.sub(r"//[^/@]*@", "//", url)


def _rows(connection: sqlite3.Connection, key: bytes, n: int) -> list[_Row]:
    return connection.execute(
        "SELECT chat, content, meta FROM message WHERE chat = (SELECT id FROM chat WHERE key = ?) AND seq >= ?"
        " ORDER BY seq",
        (key, n),
    ).fetchall()


def _log(rows: list[_Row]) -> StoredLog:
    entries = [ChatMessage.from_stored(content, meta) for _, content, meta in rows]
    return StoredLog(rows[0][0] if rows else None, entries)


def _range(prefix: str) -> tuple[bytes, bytes]:
    """The keys of the ids with a prefix: from the first up to, not with, the second."""
    start = chat_key(prefix)
    return start, start + b"\xff"  # a byte that UTF-8 never holds


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _found(connection: sqlite3.Connection, key: bytes) -> tuple[int | None, int]:
    row: tuple[int, int] | None = connection.execute("SELECT id, length FROM chat WHERE key = ?", (key,)).fetchone()
    return (None, 0) if row is None else row


def _add(
    connection: sqlite3.Connection, key: bytes, chat: int | None, length: int, texts: list[tuple[str, str]]
) -> None:
    total = length + len(texts)
    updated = _microseconds(datetime.now(UTC))
    connection.execute(
        "INSERT INTO chat (key, length, updated, changed)"
        " VALUES (?, ?, ?, (SELECT coalesce(max(changed), 0) + 1 FROM chat))"
        " ON CONFLICT (key) DO UPDATE"
        " SET length = excluded.length, updated = excluded.updated, changed = excluded.changed",
        (key, total, updated),
    )
    if chat is None:
        chat, _ = _found(connection, key)
    connection.executemany(
        "INSERT INTO message (chat, seq, content, meta) VALUES (?, ?, ?, ?)",
        ((chat, seq, content, meta) for seq, (content, meta) in enumerate(texts, length)),
    )
