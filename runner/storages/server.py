"""What storages on a database server have in common."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runner.messages import ChatMessage
from runner.storages.base import ChatStorage, StoredLog, deleted_unused, stored_texts
from runner.storages.keys import chat_key
from runner.storages.lease import lease_lost, wait_for_lease
from runner.storages.server_leases import ServerLeases
from runner.storages.server_shared import ServerSharedState
from runner.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from runner.storages.base import ChatInfo
    from runner.storages.lease import Holder, Lease
    from runner.storages.server_leases import LeaseRows
    from runner.storages.server_shared import SharedRows

_OLD_AT_ONCE = 100
_BATCHES = 2**63


@dataclass(frozen=True, slots=True)
class Write:
    """Entries to store: at the end of a chat, if it has `expected` of them (None: however many), or in place of all.

    `held` is the lease on which it depends, and gives free if `frees`; by the number `batch`, what it stored is found
    again.
    """

    chat_id: str
    key: bytes
    texts: list[tuple[str, str]]
    expected: int | None
    replaces: bool
    held: Holder | None
    frees: bool = False
    batch: int = field(default_factory=lambda: secrets.randbelow(_BATCHES))

    @property
    def size(self) -> int:
        """Characters of all entries."""
        return sum(len(content) + len(meta) for content, meta in self.texts)


@dataclass(frozen=True, slots=True)
class Texts:
    """Entries of a chat as they are stored, and its log's incarnation: None without entries, or if it is not known."""

    incarnation: int | None
    entries: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked of the list of chats: keys from `start` up to `end`, last written to before `before`."""

    start: bytes
    end: bytes
    limit: int
    after: ChatInfo | None
    before: datetime | None


class ServerDatabase(Protocol):
    """A database with chats; every method is over at its deadline, and raises ChatStorageError in plain words."""

    @property
    def shown(self) -> str:
        """Its URL without user and password."""

    @property
    def leases(self) -> LeaseRows:
        """The leases kept in it."""

    @property
    def values(self) -> SharedRows:
        """The shared values kept in it."""

    async def read(self, key: bytes, n: int) -> Texts:
        """The texts of a chat's entries from index `n` on, all of one log."""

    async def store(self, write: Write) -> None:
        """Do it wholly and once, or raise ChatChangedError when the length or the lease is another by now."""

    async def listed(self, page: Page) -> list[ChatInfo]:
        """The chats, the one written to last first."""

    async def tidy(self) -> None:
        """Give back room that nothing needs."""

    async def aclose(self) -> None:
        """Close all connections."""


class ServerChatStorage(ChatStorage):
    """Chats in a `ServerDatabase`. A write that is cancelled runs to its end, so that none is done late, unseen."""

    def __init__(self, database: ServerDatabase, lease_time: float) -> None:
        super().__init__()
        self._database = database
        self._leases = ServerLeases(database.leases, lease_time)
        self._shared_state = ServerSharedState(database.values, database.leases, lease_time)

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        """All entries of a chat."""
        return await self.read_after(chat_id, 0)

    async def update_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        """Replace all entries of a chat, in one step."""
        await self._write(chat_id, messages, replaces=True)

    async def append_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        """Add entries, whatever the chat's length."""
        if messages:
            await self._write(chat_id, messages)

    async def append(self, chat_id: str, entries: Sequence[ChatMessage], expected: int) -> None:
        """Add entries if the chat has exactly `expected` of them and no lease of ours on it was taken over."""
        await self._write(chat_id, entries, expected=expected)

    async def append_last(self, chat_id: str, entries: Sequence[ChatMessage], expected: int, lease: Lease) -> None:
        """The same, the lease freed in the same step."""
        await self._write(chat_id, entries, expected=expected, frees=lease.owner)
        self._leases.freed(lease)

    async def read_after(self, chat_id: str, n: int) -> list[ChatMessage]:
        """The entries from index `n` on, not decoded."""
        return (await self.read_log(chat_id, n)).entries

    async def read_log(self, chat_id: str, n: int) -> StoredLog:
        """The entries from index `n` on, not decoded, and the log's incarnation."""
        texts = await self._database.read(chat_key(chat_id), n)
        entries = [ChatMessage.from_stored(content, meta) for content, meta in texts.entries]
        return StoredLog(texts.incarnation, entries)

    async def acquire(self, chat_id: str, *, timeout: float = 30.0) -> Lease:  # noqa: ASYNC109 - the error names it
        """The right to write to a chat, against all processes that use the database.

        The lease of a process that ended is taken over at once on the same machine (Linux), that of one that stands
        still after the lease time.
        """
        return await wait_for_lease(self._leases, chat_id, timeout)

    async def list_chats(self, prefix: str = "", *, limit: int = 100, after: ChatInfo | None = None) -> list[ChatInfo]:
        """The chats whose id starts with `prefix`, the one written to last first; behind `after`, if that is given."""
        return await self._listed(prefix, limit, after, None)

    async def delete_older(self, prefix: str, before: datetime, *, keep: Collection[str] = ()) -> int:
        """Delete the chats last written to before then, but those in `keep` or in use."""
        count, last = 0, None
        while old := await self._listed(prefix, _OLD_AT_ONCE, last, before):
            last = old[-1]
            count += sum([await deleted_unused(self, info) for info in old if info.chat_id not in keep])
        return count

    async def vacuum(self) -> None:
        """Drop the leases of those that ended or stand still: up to the lease time where leases are held. Then tidy."""
        await self._leases.drop_lapsed()
        await self._database.tidy()

    @property
    def shared(self) -> ServerSharedState:
        """What the processes that use the database share beside chats."""
        return self._shared_state

    async def aclose(self) -> None:
        """Free the leases still held and close the connections; a later use opens new ones."""
        await self._leases.aclose()
        await self._shared_state.leases.aclose()
        await self._database.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._database.shown!r})"

    async def _listed(self, prefix: str, limit: int, after: ChatInfo | None, before: datetime | None) -> list[ChatInfo]:
        start = chat_key(prefix)
        page = Page(start, start + b"\xff", limit, after, before)  # UTF-8 never holds the byte FF
        return await self._database.listed(page)

    async def _write(
        self,
        chat_id: str,
        entries: Sequence[ChatMessage],
        *,
        expected: int | None = None,
        replaces: bool = False,
        frees: str = "",
    ) -> None:
        texts = stored_texts(entries)
        held = self._leases.held(chat_id)
        if frees and (held is None or held.owner != frees):
            raise lease_lost(chat_id)
        write = Write(chat_id, chat_key(chat_id), texts, expected, replaces, held, frees=bool(frees))
        await uninterrupted(self._database.store(write))
