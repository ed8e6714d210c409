"""Work that a cancellation does not cut in two."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator


async def uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end, however often the caller is cancelled meanwhile; that is raised only then.

    It runs in a task of its own, and at once up to its first wait: what never waits costs no turn of the loop.
    """
    task = _begun(work)
    if task is None:
        return
    ended = asyncio.Event()
    task.add_done_callback(lambda _: ended.set())
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await ended.wait()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from task.exception()
    task.result()


def _begun(work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """A task for `work` that has made its first step; None where that was the last one."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        task = asyncio.Task(work, loop=loop, eager_start=True)
        if not task.done():
            return task
        task.result()
        return None
    return _begun_by_hand(loop, work)


def _begun_by_hand(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """What Python 3.12 calls `eager_start`, with the functions that asyncio has for other kinds of tasks.

    The first step is made in the name of the task that makes the others, so that `asyncio.timeout` within holds.
    """
    begun, context = _Begun(work), contextvars.copy_context()
    task = loop.create_task(_rest(begun), context=context)
    caller = asyncio.current_task(loop)
    if caller is not None:
        asyncio._leave_task(loop, caller)  # noqa: SLF001  # documented, for implementations of tasks
    asyncio._enter_task(loop, task)  # noqa: SLF001  # documented, for implementations of tasks
    try:
        context.run(begun.begin)
    finally:
        asyncio._leave_task(loop, task)  # noqa: SLF001  # documented, for implementations of tasks
        if caller is not None:
            asyncio._enter_task(loop, caller)  # noqa: SLF001  # documented, for implementations of tasks
    return None if begun.is_over else task


class _Begun:
    """A coroutine whose first step has been made; awaiting it makes the others."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work
        self._waits_for: Any = None
        self.is_over = True

    def begin(self) -> None:
        try:
            self._waits_for = self._work.send(None)
        except StopIteration:
            return
        self.is_over = False

    def __await__(self) -> Generator[Any, Any, None]:
        if self.is_over:
            return
        try:
            while True:
                try:
                    value = yield self._waits_for
                except BaseException as error:  # noqa: BLE001  # handed to the work, whatever it is
                    self._waits_for = self._work.throw(error)
                else:
                    self._waits_for = self._work.send(value)
        except StopIteration:
            return


async def _rest(begun: _Begun) -> None:
    await begun
