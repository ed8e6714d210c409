"""Notices a tool that blocks the event loop, and names it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Report: TypeAlias = "Callable[[str, float], None]"
"""Gets a tool's name and the seconds it has blocked the loop so far; called in the watchdog's thread."""

BLOCKED_SECONDS = 1.0
"""A loop that has not answered for so long counts as blocked."""
_TICK = 0.25
_log = logging.getLogger("agent_run")


@dataclass(eq=False)
class _Watch:
    loop: asyncio.AbstractEventLoop
    reports: list[Report] = field(default_factory=list)
    asked: float | None = None
    told: bool = False

    def answer(self) -> None:
        self.asked, self.told = None, False


class _Watchdog:
    """One thread for all loops; it ends when no loop is watched."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._watches: dict[asyncio.AbstractEventLoop, _Watch] = {}
        self._thread: threading.Thread | None = None

    def add(self, loop: asyncio.AbstractEventLoop, report: Report) -> None:
        with self._lock:
            self._watches.setdefault(loop, _Watch(loop)).reports.append(report)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="agent-run-watchdog", daemon=True)
                self._thread.start()

    def remove(self, loop: asyncio.AbstractEventLoop, report: Report) -> None:
        with self._lock:
            watch = self._watches[loop]
            watch.reports.remove(report)
            if not watch.reports:
                del self._watches[loop]

    def _run(self) -> None:
        last = time.monotonic()
        while True:
            time.sleep(_TICK)
            now = time.monotonic()
            stalled, last = now - last > 2 * _TICK, now
            with self._lock:
                if not self._watches:
                    self._thread = None
                    return
                watches = list(self._watches.values())
            for watch in watches:
                self._look(watch, now, stalled)

    def _look(self, watch: _Watch, now: float, stalled: bool) -> None:
        asked = watch.asked  # the loop may answer at any moment
        if asked is None or stalled:  # or the whole process stood still, not the loop alone
            watch.asked = now
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                watch.loop.call_soon_threadsafe(watch.answer)
        elif now - asked >= BLOCKED_SECONDS and not watch.told:
            watch.told = True
            self._tell(watch, now - asked)

    def _tell(self, watch: _Watch, seconds: float) -> None:
        task = asyncio.current_task(watch.loop)
        if task is None or not task.get_name().startswith("tool:"):
            return
        name = task.get_name().removeprefix("tool:")
        with self._lock:
            reports = list(dict.fromkeys(watch.reports))
        for report in reports:
            with contextlib.suppress(RuntimeError):  # the reader's loop has been closed
                report(name, seconds)


_watchdog = _Watchdog()


class watching:  # noqa: N801  # a block: `with watching(...)`
    """Within the block, report a task named `tool:<name>` that keeps `loop` from running for more than a second.

    Without `report` it is a warning on the logger `agent_run`. Blocks may overlap; each episode is told once to each
    different `report`.
    """

    __slots__ = ("_loop", "_report")

    def __init__(self, loop: asyncio.AbstractEventLoop, report: Report | None = None) -> None:
        self._loop, self._report = loop, report or _warn

    def __enter__(self) -> None:
        _watchdog.add(self._loop, self._report)

    def __exit__(self, *_: object) -> None:
        _watchdog.remove(self._loop, self._report)


def _warn(name: str, seconds: float) -> None:
    _log.warning(
        "tool %s has blocked the event loop for %.1f s: nothing else runs meanwhile; "
        "make it a plain `def` (it then runs in a thread) or await something that does not block",
        name,
        seconds,
    )
