"""Synchronous tools in daemon threads: waited for without blocking the loop, given up without waiting for them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import threading
from collections import deque
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from runner.errors import AgentRunError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("agent_run")

MAX_THREADS = 256
"""Threads at once, those that were given up not counted; more calls wait for a free one."""
IDLE_SECONDS = 5.0
"""How long a thread waits for another call before it ends."""


class ToolExitError(AgentRunError):
    """A tool raised what would end the process (SystemExit, KeyboardInterrupt, ...); it ends only the call."""

    reason = "TOOL_EXIT"


async def run_in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result, computed in a daemon thread with the caller's context variables.

    Cancelling the waiter abandons a thread that has begun: it runs on, its result is dropped, and the exit of the
    interpreter does not wait for it. A call that has not begun never does.
    """
    loop = asyncio.get_running_loop()
    job = _Job(loop, copy_context(), function, args, kwargs)
    pool = _current_pool()
    pool.submit(job)
    try:
        return await job.future  # type: ignore[no-any-return]  # the future is made for this function
    except asyncio.CancelledError:
        pool.abandon(job)
        raise


def abandoned() -> list[str]:
    """The names of the functions that still run although nobody waits for them any more."""
    return _current_pool().abandoned_names()


class _Job:
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: Context,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        task = asyncio.current_task()
        label = task.get_name() if task is not None else ""
        own = getattr(function, "__qualname__", type(function).__name__)
        self.name = label.removeprefix("tool:") if label.startswith("tool:") else str(own)
        self.loop, self.context = loop, context
        self.future: asyncio.Future[Any] = loop.create_future()
        self.function, self.args, self.kwargs = function, args, kwargs

    def run(self) -> tuple[Any, Exception | None]:
        result: Any = None
        error: Exception | None = None
        try:
            result = self.context.run(self.function, *self.args, **self.kwargs)
        except StopIteration as raised:  # a future refuses it
            error = RuntimeError(f"the function raised StopIteration: {raised}")
        except Exception as raised:  # noqa: BLE001  # whatever a tool raises is its waiter's
            error = raised
        except BaseException as raised:  # noqa: BLE001  # it must not end the thread, nor the waiter's loop
            error = ToolExitError(f"the tool tried to end the process: {raised!r}")
        return result, error

    def deliver(self, result: Any, error: Exception | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits
            self.loop.call_soon_threadsafe(self._deliver, result, error)

    def _deliver(self, result: Any, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class _Pool:
    """Daemon threads, made when a job finds none idle, ended after a while without one."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._running: set[_Job] = set()
        self._abandoned: set[_Job] = set()
        self._threads = self._idle = 0
        self._numbers = itertools.count(1)

    def submit(self, job: _Job) -> None:
        with self._changed:
            self._waiting.append(job)
            if self._idle >= len(self._waiting) or self._threads >= MAX_THREADS:
                self._changed.notify()
                return
            self._start()

    def abandon(self, job: _Job) -> None:
        with self._changed:
            if job in self._running:
                self._running.remove(job)
                self._abandoned.add(job)
                self._threads -= 1
                if len(self._waiting) > self._idle:
                    self._start()
            else:
                if job in self._waiting:
                    self._waiting.remove(job)
                return
        _log.warning("tool %s was given up and still runs in its thread, left behind", job.name)

    def abandoned_names(self) -> list[str]:
        with self._changed:
            return sorted(job.name for job in self._abandoned)

    def _start(self) -> None:
        self._threads += 1
        self._idle += 1
        thread = threading.Thread(target=self._work, name=f"agent-run-tool-{next(self._numbers)}", daemon=True)
        try:
            thread.start()
        except BaseException:
            self._threads -= 1
            self._idle -= 1
            raise

    def _work(self) -> None:
        while (job := self._next()) is not None:
            outcome = job.run()
            stays = self._finished(job)  # before the waiter is told: its next call finds this thread idle
            job.deliver(*outcome)
            if not stays:
                return
            del job, outcome

    def _next(self) -> _Job | None:
        with self._changed:
            ready = self._changed.wait_for(lambda: bool(self._waiting), IDLE_SECONDS)
            self._idle -= 1
            if not ready:
                self._threads -= 1
                return None
            job = self._waiting.popleft()
            self._running.add(job)
            return job

    def _finished(self, job: _Job) -> bool:
        """Whether the thread still belongs to the pool: one that was given up was replaced."""
        with self._changed:
            if job in self._abandoned:
                self._abandoned.remove(job)
                return False
            self._running.discard(job)
            self._idle += 1
            return True


_pool: list[_Pool] = []
_pool_lock = threading.Lock()


def _current_pool() -> _Pool:
    with _pool_lock:
        if not _pool or _pool[0].process != os.getpid():  # the threads did not follow into a forked process
            _pool[:] = [_Pool()]
        return _pool[0]
