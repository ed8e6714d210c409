"""`LocalChatStorage`: chats in memory, for as long as the process lives."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.messages import ChatMessage
from runner.storages.base import ChatInfo, ChatStorage, changed, stored_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(slots=True)
class _Log:
    entries: list[ChatMessage] = field(default_factory=list)
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))


class LocalChatStorage(ChatStorage):
    """Keeps chats in memory. Entries are kept as their JSON, so they come back as any other storage returns them."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._chats: dict[str, _Log] = {}  # the chat written to last is the last key

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

    async def list_chats(self, prefix: str = "", *, limit: int = 100) -> list[ChatInfo]:
        """The chats whose id starts with `prefix`, the one written to last first."""
        with self._lock:
            found = ((key, log) for key, log in reversed(self._chats.items()) if key.startswith(prefix))
            return [ChatInfo(key, len(log.entries), log.updated) for key, log in itertools.islice(found, limit)]

    def _extend(self, chat_id: str, copies: list[ChatMessage]) -> None:
        if copies:
            log = self._chats.pop(chat_id, None) or _Log()
            log.entries.extend(copies)
            log.updated = datetime.now(UTC)
            self._chats[chat_id] = log


def _copies(entries: Iterable[ChatMessage]) -> list[ChatMessage]:
    return [ChatMessage.from_stored(content, meta) for content, meta in stored_texts(entries)]
