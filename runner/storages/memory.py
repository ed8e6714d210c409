"""`LocalChatStorage`: chats in memory, for as long as the process lives."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.messages import ChatMessage
from runner.storages.base import ChatInfo, ChatStorage, StoredLog, changed, is_leased, position_of, stored_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from runner.storages.lease import Lease


_incarnations = itertools.count(1)


@dataclass(slots=True)
class _Log:
    entries: list[ChatMessage] = field(default_factory=list)
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    changed: int = 0  # order of last writes
    incarnation: int = field(default_factory=_incarnations.__next__)


class LocalChatStorage(ChatStorage):
    """Keeps chats in memory. Entries are kept as their JSON, so they come back as any other storage returns them."""

    never_waits = True

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._chats: dict[str, _Log] = {}  # the chat written to last is the last key
        self._writes = itertools.count(1)

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        """All entries of a chat."""
        return await self.read_after(chat_id, 0)

    async def update_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        """Replace all entries of a chat."""
        copies = _copies(messages)
        with self._lock:
            self._chats.pop(chat_id, None)
            self._extend(chat_id, copies)

    async def append_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        """Add entries, whatever the chat's length."""
        copies = _copies(messages)
        with self._lock:
            self._extend(chat_id, copies)

    async def append(self, chat_id: str, entries: Sequence[ChatMessage], expected: int) -> None:
        """Add entries if the chat has exactly `expected` of them."""
        copies = _copies(entries)
        with self._lock:
            log = self._chats.get(chat_id)
            length = len(log.entries) if log else 0
            if length != expected:
                raise changed(chat_id, length, expected)
            self._extend(chat_id, copies)

    async def read_after(self, chat_id: str, n: int) -> list[ChatMessage]:
        """The entries from index `n` on."""
        with self._lock:
            log = self._chats.get(chat_id)
            return log.entries[n:] if log else []

    async def read_log(self, chat_id: str, n: int) -> StoredLog:
        """The entries from index `n` on, and the log's incarnation."""
        with self._lock:
            log = self._chats.get(chat_id)
            return StoredLog(log.incarnation, log.entries[n:]) if log else StoredLog(None, [])

    async def open_log(self, chat_id: str, n: int, *, timeout: float = 30.0) -> tuple[Lease, StoredLog]:  # noqa: ASYNC109 - as `acquire`
        """The lease, and what `read_log` returns: the lease then knows the incarnation."""
        lease, log = await super().open_log(chat_id, n, timeout=timeout)
        lease.incarnation = log.incarnation
        return lease, log

    async def list_chats(self, prefix: str = "", *, limit: int = 100, after: ChatInfo | None = None) -> list[ChatInfo]:
        """The chats whose id starts with `prefix`, the one written to last first; behind `after`, if that is given."""
        below = position_of(after)
        with self._lock:
            newest_first = reversed(self._chats.items())
            found = ((key, log) for key, log in newest_first if log.changed < below and key.startswith(prefix))
            return [_info(key, log) for key, log in itertools.islice(found, limit)]

    async def delete_older(self, prefix: str, before: datetime, *, keep: Collection[str] = ()) -> int:
        """Delete the chats last written to before then, but those in `keep` or in use."""
        with self._lock:
            old = [
                key
                for key, log in self._chats.items()
                if log.updated < before and key.startswith(prefix) and key not in keep and not is_leased(self, key)
            ]
            for key in old:
                del self._chats[key]
        return len(old)

    def _extend(self, chat_id: str, copies: list[ChatMessage]) -> None:
        if copies:
            log = self._chats.pop(chat_id, None) or _Log()
            log.entries.extend(copies)
            log.updated, log.changed = datetime.now(UTC), next(self._writes)
            self._chats[chat_id] = log


def _info(chat_id: str, log: _Log) -> ChatInfo:
    return ChatInfo(chat_id, len(log.entries), log.updated, str(log.changed))


def _copies(entries: Iterable[ChatMessage]) -> list[ChatMessage]:
    return [ChatMessage.from_stored(content, meta) for content, meta in stored_texts(entries)]
