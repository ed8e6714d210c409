"""One thread that owns one SQLite connection."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    Connect: TypeAlias = Callable[[], sqlite3.Connection]

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    """Work to do on the connection; without work, the end of the thread. Nobody may be waiting for the result."""

    work: Callable[[sqlite3.Connection], T] | None = None
    loop: asyncio.AbstractEventLoop | None = None
    future: asyncio.Future[T] | None = None

    def settle(self, result: Any = None, error: BaseException | None = None) -> None:
        if self.loop is None or self.future is None:
            return
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self.loop.call_soon_threadsafe(_settle, self.future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # whoever waited was cancelled
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class ConnectionThread:
    """Runs jobs one after the other, each to its end, whatever becomes of those who wait for it.

    The thread starts, and connects, with the first job. It ends at `aclose`, when this object is forgotten, or with the
    process; a later job starts a new one. Jobs may come from any thread and event loop. A forked child gets its own.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._running: _Running | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns or raises. Cancelling this await leaves the work to run to its end."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Job(work, loop, future))
        return await future

    def post(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do `work` after the jobs already waiting, if the thread runs at all; nobody hears how it went."""
        with self._lock:
            if self._running is not None and self._running.pid == os.getpid():
                self._running.jobs.put(_Job(work))

    async def aclose(self) -> None:
        """Do the jobs that wait, close the connection and end the thread."""
        loop = asyncio.get_running_loop()
        last: _Job[None] = _Job(None, loop, loop.create_future())
        with self._lock:
            running, self._running = self._running, None
        if running is None or running.pid != os.getpid():
            return
        running.forget.detach()
        running.jobs.put(last)
        if last.future is not None:
            await last.future
        running.thread.join(1.0)  # it has nothing left to do

    def _put(self, job: _Job[Any]) -> None:
        with self._lock:
            if self._running is None or self._running.pid != os.getpid():
                self._running = self._start()
            self._running.jobs.put(job)

    def _start(self) -> _Running:
        jobs: SimpleQueue[_Job[Any]] = SimpleQueue()
        # a daemon: at exit it is asked to stop, and not waited for if the disk keeps it
        thread = threading.Thread(target=_serve, args=(self._connect, jobs), name="agent-run-sqlite", daemon=True)
        thread.start()
        return _Running(jobs, thread, os.getpid(), weakref.finalize(self, _stop, jobs, thread))


@dataclass(slots=True)
class _Running:
    jobs: SimpleQueue[_Job[Any]]
    thread: threading.Thread
    pid: int
    forget: weakref.finalize[..., ConnectionThread]


def _stop(jobs: SimpleQueue[_Job[Any]], thread: threading.Thread) -> None:
    jobs.put(_Job())
    if thread is not threading.current_thread():
        thread.join(1.0)


def _serve(connect: Connect, jobs: SimpleQueue[_Job[Any]]) -> None:
    connection: sqlite3.Connection | None = None
    while (job := jobs.get()).work is not None:
        try:
            if connection is None:
                connection = connect()
            result = job.work(connection)
        except BaseException as error:  # noqa: BLE001 - it is raised where the job was given
            job.settle(error=error)
        else:
            job.settle(result)
            del result
        del job  # while waiting, hold on to nothing of the last job
    try:
        if connection is not None:
            connection.close()
    finally:
        job.settle()
