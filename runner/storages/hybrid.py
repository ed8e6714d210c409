"""`HybridChatStorage`: a database that holds the truth, and Redis in front of it for reading long histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.storages.base import ChatStorage, StoredLog
from runner.storages.hybrid_cache import HybridCache
from runner.storages.keys import chat_key
from runner.storages.shared_state import new_version

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from runner.messages import ChatMessage
    from runner.storages.base import ChatInfo
    from runner.storages.hybrid_cache import Copy
    from runner.storages.lease import Lease
    from runner.storages.shared_state import SharedState

_FEW_ENTRIES, _FEW_CHARACTERS = 32, 64_000
_NAME = "hybrid cache"


class HybridChatStorage(ChatStorage):
    """Keeps chats in `database`, and copies of long ones on the Redis server `cache`.

    All that is written, leases and shared state included, goes to the database alone; a history is read from Redis,
    and what it lacks from the database, which in the same step says of which log that is. A copy that is not the
    beginning of that log (it is old, of a log that was replaced, of another database) is not used; without one, or
    without Redis, the history comes from the database. Closing this closes the database.
    """

    def __init__(self, cache: str, database: ChatStorage, *, cache_timeout: float = 1.0) -> None:
        super().__init__()
        self.database = database
        self._cache = HybridCache(cache, timeout=cache_timeout)
        self._name: bytes | None = None

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        """All entries of a chat."""
        return await self.read_after(chat_id, 0)

    async def read_after(self, chat_id: str, n: int) -> list[ChatMessage]:
        """The entries from index `n` on."""
        return (await self.read_log(chat_id, n)).entries

    async def read_log(self, chat_id: str, n: int) -> StoredLog:
        """The entries from index `n` on, and the log's incarnation. Only what is read from the beginning is cached."""
        if n:
            return await self.database.read_log(chat_id, n)
        name = await self._copy_name(chat_id)
        copy = await self._cache.get(name)
        if copy is not None:
            log = await self.database.read_log(chat_id, len(copy.entries) - 1)
            if _continues(copy, log):
                return await self._continued(name, copy, log)
        log = await self.database.read_log(chat_id, 0)
        if log.incarnation is not None and not _are_few(log.entries):
            await self._cache.put(name, log.incarnation, log.entries)
        elif copy is not None:
            await self._cache.forget(name)
        return log

    async def update_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        """Replace all entries of a chat, in the database."""
        await self.database.update_history(chat_id, messages)
        await self._cache.forget(await self._copy_name(chat_id))

    async def append_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        """Add entries, whatever the chat's length, in the database."""
        await self.database.append_history(chat_id, messages)

    async def append(self, chat_id: str, entries: Sequence[ChatMessage], expected: int) -> None:
        """Add entries if the chat has exactly `expected` of them, in the database."""
        await self.database.append(chat_id, entries, expected)

    async def acquire(self, chat_id: str, *, timeout: float = 30.0) -> Lease:  # noqa: ASYNC109 - the error names it
        """The right to write to a chat, as the database gives it."""
        return await self.database.acquire(chat_id, timeout=timeout)

    async def open_log(self, chat_id: str, n: int, *, timeout: float = 30.0) -> tuple[Lease, StoredLog]:  # noqa: ASYNC109 - the error names it
        """`acquire`, then `read_log`; in one step where the database can do so and nothing is cached."""
        if n:
            return await self.database.open_log(chat_id, n, timeout=timeout)
        return await super().open_log(chat_id, n, timeout=timeout)

    async def append_last(self, chat_id: str, entries: Sequence[ChatMessage], expected: int, lease: Lease) -> None:
        """`append`, then the lease's `release`, as the database does it."""
        await self.database.append_last(chat_id, entries, expected, lease)

    async def delete(self, chat_id: str) -> None:
        """Forget a chat and its entries, in the database and then in the cache."""
        await self.database.delete(chat_id)
        await self._cache.forget(await self._copy_name(chat_id))

    async def list_chats(self, prefix: str = "", *, limit: int = 100, after: ChatInfo | None = None) -> list[ChatInfo]:
        """The chats that the database lists."""
        return await self.database.list_chats(prefix, limit=limit, after=after)

    async def delete_older(self, prefix: str, before: datetime, *, keep: Collection[str] = ()) -> int:
        """Delete old chats from the database; copies of them that are left are never used, and gone within a day."""
        return await self.database.delete_older(prefix, before, keep=keep)

    async def vacuum(self) -> None:
        """Give back room in the database, and drop leases that have lapsed there."""
        await self.database.vacuum()

    @property
    def shared(self) -> SharedState:
        """What processes share beside chats, in the database."""
        return self.database.shared

    async def aclose(self) -> None:
        """Close the connections to the cache, and the database; a later use opens them again."""
        try:
            await self._cache.aclose()
        finally:
            await self.database.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._cache.place.shown!r}, {self.database!r})"

    async def _continued(self, name: bytes, copy: Copy, log: StoredLog) -> StoredLog:
        """The copy and what the log has behind it; when that has become much, it is copied too."""
        newer = log.entries[1:]
        if not _are_few(newer):
            await self._cache.extend(name, copy, newer)
        return StoredLog(copy.incarnation, copy.entries + newer)

    async def _copy_name(self, chat_id: str) -> bytes:
        """The name of a chat's copy: the database's own random name, which is kept there, and the chat's key."""
        if self._name is None:
            self._name = (await self._database_name()).encode("ascii")
        return self._name + b":" + chat_key(chat_id)

    async def _database_name(self) -> str:
        shared = self.database.shared
        while (known := await shared.get(_NAME)) is None:
            await shared.put_if(_NAME, new_version(), None)
        return known.text


def _continues(copy: Copy, log: StoredLog) -> bool:
    """Whether the log, read from the copy's last entry on, is the one that was copied.

    A log that is not replaced only grows. The last entry is compared all the same: a database that was restored from a
    backup may have forgotten entries, and have others in their places.
    """
    if log.incarnation != copy.incarnation:
        return False
    mine, theirs = copy.entries[-1], log.entries[0]
    return mine.content_json == theirs.content_json and mine.meta_json == theirs.meta_json


def _are_few(entries: Sequence[ChatMessage]) -> bool:
    """Whether reading these from the database is as cheap as asking Redis for them."""
    if len(entries) > _FEW_ENTRIES:
        return False
    return sum(len(entry.content_json) + len(entry.meta_json) for entry in entries) <= _FEW_CHARACTERS
