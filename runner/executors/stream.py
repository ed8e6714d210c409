"""An executor's events: told to any number of readers, never waiting for one."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Generic

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    E = TypeVar("E", default=Any)
else:
    from typing import TypeVar

    E = TypeVar("E")

BUFFER = 1024
"""Events kept for a reader that does not keep up; then the oldest is dropped and counted."""


class ResultStream(AsyncIterator[E]):
    """One reader's events, oldest first. `dropped` counts those that it was too slow for."""

    def __init__(self, source: EventBroadcast[E], backlog: deque[E], dropped: int, begun: bool) -> None:
        self.dropped = dropped
        self._source, self._events, self._begun = source, backlog, begun
        self._ended = False
        self._waiters: list[asyncio.Future[None]] = []

    async def __anext__(self) -> E:
        """The next event; waits while there is none and work goes on."""
        while not self._events:
            if self._ended or (self._begun and not self._source.active):
                await self.aclose()
                raise StopAsyncIteration
            await self._woken()
        return self._events.popleft()

    async def aclose(self) -> None:
        """Stop reading; events still buffered are forgotten."""
        self._source.unsubscribe(self)
        self._events.clear()
        self.end()

    def begin(self) -> None:
        """Work has begun that this reader will see the end of."""
        self._begun = True

    def put(self, event: E) -> bool:
        """Buffer an event; true where the reader lags behind."""
        if len(self._events) == self._events.maxlen:
            self.dropped += 1
        self._events.append(event)
        self.wake()
        return len(self._events) > BUFFER // 2

    def end(self) -> None:
        """No more events will come; those buffered can still be read."""
        self._ended = True
        self.wake()

    @property
    def begun(self) -> bool:
        """Whether any work began since the reader came."""
        return self._begun

    def wake(self) -> None:
        """Let waiting tasks look again, in whichever loop they wait."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            with contextlib.suppress(RuntimeError):  # that loop has been closed
                waiter.get_loop().call_soon_threadsafe(_release, waiter)

    async def _woken(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class EventBroadcast(Generic[E]):
    """Tells events to its readers, and what a stream's end is: of the turns, or of the executions used directly.

    Events told while nobody reads are kept, up to `BUFFER`, for the next reader; a new turn forgets those of the last.
    """

    def __init__(self) -> None:
        self._readers: weakref.WeakSet[ResultStream[E]] = weakref.WeakSet()
        self._backlog: deque[E] = deque(maxlen=BUFFER)
        self._backlog_dropped = 0
        self._unheard = False  # the last work was done with nobody reading
        self._turns = self._executions = 0

    @property
    def active(self) -> bool:
        """Whether a turn uses the executor, or an execution runs."""
        return bool(self._turns or self._executions)

    def subscribe(self) -> ResultStream[E]:
        """A new reader; the first one also gets what nobody has read."""
        begun = self.active or self._unheard
        stream = ResultStream(self, self._backlog, self._backlog_dropped, begun)
        self._forget_backlog()
        self._readers.add(stream)
        return stream

    def unsubscribe(self, stream: ResultStream[E]) -> None:
        """Tell `stream` nothing more."""
        self._readers.discard(stream)

    def emit(self, event: E) -> bool:
        """Tell all readers; true where one of them lags behind."""
        readers = list(self._readers)
        if not readers:
            self._unheard = True
            self._backlog_dropped += len(self._backlog) == self._backlog.maxlen
            self._backlog.append(event)
        lagging = [reader.put(event) for reader in readers]
        return any(lagging)

    def begin_turn(self) -> None:
        """A turn uses the executor from now on."""
        if not self.active:
            self._forget_backlog()
        self._begin()
        self._turns += 1

    def end_turn(self) -> None:
        """A turn has ended; with the last of those that ran at once, the streams end."""
        self._turns = max(0, self._turns - 1)
        if not self.active:
            self._end_streams(only_begun=True)

    def begin_execution(self) -> None:
        """An execution begins, in a turn or outside of one."""
        self._begin()
        self._executions += 1

    def end_execution(self) -> None:
        """An execution is done: readers that have read all may end."""
        self._executions -= 1
        if not self.active:
            for reader in list(self._readers):
                reader.wake()

    def shutdown(self) -> None:
        """End all streams."""
        self._end_streams(only_begun=False)

    def _begin(self) -> None:
        if self.active:
            return
        readers = list(self._readers)
        self._unheard = not readers
        for reader in readers:
            reader.begin()

    def _end_streams(self, *, only_begun: bool) -> None:
        for reader in list(self._readers):
            if reader.begun or not only_begun:
                self._readers.discard(reader)
                reader.end()

    def _forget_backlog(self) -> None:
        self._backlog, self._backlog_dropped, self._unheard = deque(maxlen=BUFFER), 0, False
