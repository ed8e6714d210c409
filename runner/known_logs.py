"""Logs a process has read already, so that a turn fetches only what is newer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.rendering import Rendering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.messages import ChatMessage

LIMIT = 32_000_000
"""Characters of JSON kept in all; then the chats used longest ago are forgotten."""


@dataclass(slots=True)
class KnownLog:
    """A chat's log as far as it is known: its first `count` entries, kept as JSON texts of `size` characters.

    `rendering` is what Gemini sees of it. `files` counts the entries with files.
    """

    incarnation: int | None
    log: list[ChatMessage] = field(default_factory=list)
    rendering: Rendering = field(default_factory=Rendering)
    count: int = 0
    size: int = 0
    files: int = 0

    def extend(self, entries: Sequence[ChatMessage]) -> None:
        """Take up what comes next in the log."""
        self.log.extend(entries)
        self.rendering.extend(entries)
        self.files += sum(entry.has_files for entry in entries)


class KnownLogs:
    """The logs of chats by key. Each belongs to one incarnation of its chat: a chat that was replaced is read anew."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._logs: OrderedDict[str, KnownLog] = OrderedDict()

    def length(self, key: str) -> int:
        """How many entries of a chat are known, if it is still the same."""
        known = self._logs.get(key)
        return 0 if known is None else known.count

    def take(self, key: str, incarnation: int | None) -> KnownLog:
        """What is known of this incarnation, and forgotten here until `keep`; nothing is an empty log."""
        known = self._logs.pop(key, None)
        if known is not None:
            self._size -= known.size
            if known.incarnation == incarnation:
                return known
        return KnownLog(incarnation)

    def keep(self, key: str, known: KnownLog) -> None:
        """Remember a log; one without an incarnation could not be told from its replacement."""
        if known.incarnation is None:
            return
        known.size += sum(entry.compacted() for entry in known.log[known.count :])
        known.count = len(known.log)
        if known.size > self._limit:
            return
        self._logs[key] = known
        self._size += known.size
        while self._size > self._limit:
            _, oldest = self._logs.popitem(last=False)
            self._size -= oldest.size
