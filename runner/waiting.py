"""Waiting for a model or an executor no longer than a turn may take, and until somebody interrupts it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.messages import TurnReason

Item = TypeVar("Item")


class TurnOver(Exception):  # noqa: N818  # not an error: a way for a turn to end
    """Why a turn ends that nothing failed in: a limit, or an interruption."""

    def __init__(self, status: TurnReason, code: str, message: str) -> None:
        self.status, self.code = status, code
        super().__init__(message)

    @classmethod
    def interrupted(cls) -> TurnOver:
        """Of a turn that somebody stopped."""
        return cls("interrupted", "interrupted", "the turn was interrupted")

    @classmethod
    def failed(cls, error: BaseException) -> TurnOver:
        """Of a turn that something nobody foresaw went through."""
        return cls("failed", "failed", f"the turn failed: {type(error).__name__}")


class BoundedWait:
    """The waits of one turn, of which one is under way at a time: they end in TurnOver when time is up.

    Time runs from `begin` to `end`; one timer for the turn, instead of one for each wait.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Task[Any] | None = None
        self._is_woken = False  # the wait was cancelled by us
        self._is_interrupted = self._is_late = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Let the time run."""
        self._timer = self._loop.call_later(self._seconds, self._run_out)

    def end(self) -> None:
        """Nothing is waited for any more."""
        if self._timer is not None:
            self._timer.cancel()

    def interrupt(self) -> None:
        """End the wait under way, and every later one at once."""
        self._is_interrupted = True
        if self._waiting is not None:
            self._loop.call_soon(self._wake)

    async def next(self, items: AsyncGenerator[Item, None]) -> Item | None:
        """The next item, or None at the end. Raises TurnOver."""
        if self._is_interrupted or self._is_late:
            self._check()
        task = self._waiting = asyncio.current_task(self._loop)
        cancellations = 0 if task is None else task.cancelling()
        try:
            return await items.__anext__()
        except StopAsyncIteration:
            return None
        except asyncio.CancelledError:
            if not self._is_woken or task is None or task.cancelling() > cancellations + 1:
                raise  # somebody else's
            self._check()
            raise
        finally:
            self._waiting = None
            if self._is_woken:
                self._unwake(task)

    def _unwake(self, task: asyncio.Task[Any] | None) -> None:
        if task is not None:
            self._is_woken = False
            task.uncancel()

    def _check(self) -> None:
        if self._is_interrupted:
            raise TurnOver.interrupted()
        if self._is_late:
            raise TurnOver("limit", "turn_timeout", f"the turn took longer than {self._seconds:g} s")

    def _run_out(self) -> None:
        self._is_late = True
        self._wake()

    def _wake(self) -> None:
        """Cancel the wait under way, as `asyncio.timeout` would."""
        if self._waiting is not None and not self._is_woken:
            self._is_woken = True
            self._waiting.cancel()
