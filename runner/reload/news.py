"""What a project tells about its reloads, and its readers."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from runner.events import Notice
    from runner.loading import Diagnostic

_UNREAD = 256  # news kept for a reader that does not read


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Turns that begin from now on use the generation of this number. `summary` is `tools +1, model a -> b`."""

    summary: str
    generation: int
    at: datetime
    notices: tuple[Notice, ...] = ()  # what the new agent says of itself and the one before did not
    warnings: tuple[Diagnostic, ...] = ()  # what is odd in its manifest and was not in the one before

    def __str__(self) -> str:
        return f"reloaded: {self.summary}"


@dataclass(frozen=True, slots=True)
class ReloadFailed:
    """The files do not make an agent; `message` says why, on one line or several. The generation before serves on."""

    message: str
    generation: int
    running_since: datetime

    def __str__(self) -> str:
        return f"{self.message}\nstill running the version of {self.running_since:%H:%M:%S}"


@dataclass(frozen=True, slots=True)
class ReloadNotice:
    """Something about the way of reloading, told once."""

    message: str

    def __str__(self) -> str:
        return self.message


Change: TypeAlias = Reloaded | ReloadFailed | ReloadNotice


class Changes(AsyncIterator[Change]):
    """One reader of the news, from the moment it was made; it ends when the project is closed."""

    def __init__(self, source: News) -> None:
        self._source = source
        self._unread: deque[Change] = deque(maxlen=_UNREAD)
        self._something = asyncio.Event()

    async def __anext__(self) -> Change:
        while not self._unread:
            if self._source.is_over:
                raise StopAsyncIteration
            self._something.clear()
            await self._something.wait()
        return self._unread.popleft()

    def put(self, change: Change | None) -> None:
        """Give the reader a change; None only wakes it."""
        if change is not None:
            self._unread.append(change)
        self._something.set()


class News:
    """Tells changes to all readers."""

    def __init__(self) -> None:
        self.is_over = False
        self._readers: weakref.WeakSet[Changes] = weakref.WeakSet()

    def read(self) -> Changes:
        """A new reader."""
        reader = Changes(self)
        self._readers.add(reader)
        return reader

    def tell(self, change: Change) -> None:
        """Tell a change."""
        for reader in list(self._readers):
            reader.put(change)

    def end(self) -> None:
        """Tell that nothing more comes."""
        self.is_over = True
        for reader in list(self._readers):
            reader.put(None)
