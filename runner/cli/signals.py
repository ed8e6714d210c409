"""Ctrl+C, SIGTERM and SIGHUP while the event loop runs."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from runner.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType

DRAIN_SECONDS = 10.0  # how long a turn may take to end after SIGTERM
TWICE_SECONDS = 1.0  # two Ctrl+C within this time leave

_EXITS = {
    name: code
    for name, code in (("SIGINT", Exit.INTERRUPTED), ("SIGTERM", Exit.TERMINATED), ("SIGHUP", Exit.HUNG_UP))
    if hasattr(signal, name)
}


class Signals:
    """Turns signals into an orderly end: the first stops what is under way, the second leaves at once.

    `asked_to_leave` is the exit code that SIGTERM or SIGHUP asked for; `interrupted_at` the loop's time of the last
    Ctrl+C. Leaving at once loses nothing: what was acknowledged is stored, and opening a chat closes an open turn.
    """

    def __init__(self) -> None:
        self.asked_to_leave: Exit | None = None
        self.interrupted_at = float("-inf")
        self.before_leaving: Callable[[], object] = lambda: None
        self._stop: Callable[[], object] | None = None
        self._is_stopping = False
        self._loop = asyncio.get_running_loop()
        self._replaced: dict[int, object] = {}

    def __enter__(self) -> Self:
        for name, code in _EXITS.items():
            self._install(signal.Signals[name], code)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._replaced.items():
            with suppress(NotImplementedError):
                self._loop.remove_signal_handler(number)
            if handler is not None:  # None: set by another language's code, which cannot be put back
                signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.getsignal gave

    @contextmanager
    def stopping(self, stop: Callable[[], object]) -> Iterator[None]:
        """Within the block the first signal calls `stop`; blocks nest, the innermost counts."""
        outer = self._stop
        self._stop, self._is_stopping = stop, False
        try:
            if self.asked_to_leave is not None:
                stop()
            yield
        finally:
            self._stop, self._is_stopping = outer, False

    async def obeyed(self, work: Coroutine[object, object, Exit]) -> Exit:
        """Run `work`; a signal that nothing within it answers cancels it."""
        task = asyncio.create_task(work)
        with self.stopping(task.cancel):
            await asyncio.wait({task})
        if task.cancelled():
            return self.asked_to_leave or Exit.INTERRUPTED
        return task.result()

    def interrupt(self) -> None:
        """A Ctrl+C that came as a key."""
        self._received(Exit.INTERRUPTED)

    def is_repeated(self) -> bool:
        """Note a Ctrl+C; whether it follows another one closely enough to mean leaving."""
        now, before = self._loop.time(), self.interrupted_at
        self.interrupted_at = now
        return now - before <= TWICE_SECONDS

    def _install(self, number: signal.Signals, code: Exit) -> None:
        if signal.getsignal(number) is signal.SIG_IGN:
            return  # nohup, a background job of a script: the caller wants this one ignored
        self._replaced[number] = signal.getsignal(number)
        try:
            self._loop.add_signal_handler(number, self._received, code)
        except NotImplementedError:  # an event loop on Windows

            def handler(_number: int, _frame: FrameType | None) -> None:
                self._loop.call_soon_threadsafe(self._received, code)

            signal.signal(number, handler)

    def _received(self, code: Exit) -> None:
        if code is Exit.INTERRUPTED:
            if self.is_repeated() or self._is_stopping:
                self._leave(code)
        elif self.asked_to_leave is not None:
            self._leave(code)
        else:
            self.asked_to_leave = code
            self._loop.call_later(DRAIN_SECONDS, self._leave, code)
        if self._stop is not None and not self._is_stopping:
            self._is_stopping = True
            self._stop()

    def _leave(self, code: Exit) -> None:
        self.before_leaving()
        leave_at_once(code)


def leave_at_once(code: int) -> None:
    """End the process without waiting for anything; `Output` has flushed what it wrote."""
    os._exit(code)
