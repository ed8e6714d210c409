"""Tasks that make their first step at once: what never waits costs no turn of the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from types import TracebackType

T = TypeVar("T")


def begun(work: Coroutine[Any, Any, T], name: str | None = None) -> asyncio.Future[T]:
    """A task for `work` that has made its first step, in a context of its own; done where that was the last one."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=loop, name=name, eager_start=True)
    return _begun_by_hand(loop, work, name)


def _begun_by_hand(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], name: str | None
) -> asyncio.Future[T]:
    """What Python 3.12 calls `eager_start`, with the functions that asyncio has for other kinds of tasks.

    The first step is made in the name of the task that makes the others, so that `asyncio.timeout` within holds.
    """
    rest, context = _Rest(work), contextvars.copy_context()
    task = loop.create_task(rest, name=name, context=context)
    caller = asyncio.current_task(loop)
    if caller is not None:
        asyncio._leave_task(loop, caller)  # noqa: SLF001  # documented, for implementations of tasks
    asyncio._enter_task(loop, task)  # noqa: SLF001  # documented, for implementations of tasks
    try:
        context.run(rest.begin)
    finally:
        asyncio._leave_task(loop, task)  # noqa: SLF001  # documented, for implementations of tasks
        if caller is not None:
            asyncio._enter_task(loop, caller)  # noqa: SLF001  # documented, for implementations of tasks
    return rest.ended(loop.create_future()) if rest.is_over else task


class _Rest(Coroutine[Any, Any, T]):
    """A coroutine whose first step is made before its task makes the others."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._waits_for: Any = None
        self._is_handed_on = False
        self._value: Any = None
        self._error: BaseException | None = None
        self.is_over = True

    def begin(self) -> None:
        try:
            self._waits_for = self._work.send(None)
        except StopIteration as end:
            self._value = end.value
        except (KeyboardInterrupt, SystemExit):
            raise  # out of the event loop, as from any other task
        except BaseException as error:  # noqa: BLE001  # how the work ended, whatever it is
            # without this frame, which would hold the error that holds it
            self._error = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
        else:
            self.is_over = False

    def ended(self, future: asyncio.Future[T]) -> asyncio.Future[T]:
        """What a task would be that ended as the work has."""
        error, self._error = self._error, None
        if error is None:
            future.set_result(self._value)
        elif isinstance(error, asyncio.CancelledError):
            future.cancel()
        else:
            future.set_exception(error)
        return future

    def send(self, value: Any, /) -> Any:
        if self.is_over:
            raise StopIteration
        if self._is_handed_on:
            return self._work.send(value)
        self._is_handed_on = True
        return self._waits_for

    def throw(  # type: ignore[override]  # as tasks call it
        self, error: BaseException, value: Any = None, trace: TracebackType | None = None, /
    ) -> Any:
        if self.is_over:
            raise StopIteration
        self._is_handed_on = True
        return self._work.throw(error)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Any:
        raise NotImplementedError("only a task makes the steps")
