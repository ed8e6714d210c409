"""Shows a run while it runs: results on standard output; on standard error a drawing that moves, or plain lines."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Self

from runner.cli.live import Live
from runner.cli.screen import visible, visible_line
from runner.cli.testing.board import Board
from runner.cli.testing.drawing import board_lines
from runner.cli.testing.results import result_line
from runner.conversations.progress import AttemptEnded, Noticed, RunStarted
from runner.conversations.reports.text import SUFFIX, attempt_line
from runner.loading.words import counted

if TYPE_CHECKING:
    from runner.cli.testing.styles import Style
    from runner.conversations.progress import CaseId, Progress

_TICK = 0.1  # seconds between two drawings


class Display:
    """Used as `async with`; `observe` takes the events of a run, a task of its own shows them.

    `out` is None where standard output is kept for a document at the end. What tools print is told on standard error.
    """

    def __init__(self, out: Style | None, err: Style) -> None:
        self._out, self._err = out, err
        self._loop = asyncio.get_running_loop()
        self._board = Board(self._loop.time)
        self._live = Live()
        self._events: deque[Progress | str] = deque()
        self._wake = asyncio.Event()
        self._is_over = False
        self._frame = 0
        self._showing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._showing = asyncio.create_task(self._show())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._is_over = True
        self._wake.set()
        if self._showing is not None:
            await self._showing

    def observe(self, event: Progress) -> None:
        """Take an event."""
        self._take(event)

    def printed(self, line: str) -> None:
        """Take a line that a tool printed, from whatever thread."""
        self._loop.call_soon_threadsafe(self._take, line)

    def _take(self, event: Progress | str) -> None:
        self._events.append(event)
        self._wake.set()

    async def _show(self) -> None:
        while not (self._is_over and not self._events):
            await self._shown()
            await self._next()
        await self._err.out.write(self._live.redrawn("", [], self._err.out.columns))

    async def _next(self) -> None:
        """Wait for an event, and where something moves no longer than a tick."""
        if self._events or self._is_over:
            return
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), _TICK if self._err.is_drawn else None)
        except TimeoutError:
            self._frame += 1

    async def _shown(self) -> None:
        """Show the events that have come, then the drawing."""
        lines, results = "", ""
        while self._events:
            event = self._events.popleft()
            if isinstance(event, str):
                lines += f"{visible(event)}\n"
                continue
            ended = self._board.see(event)
            if ended is not None and self._out is not None:
                results += result_line(ended, self._out)
            lines += self._line(event)
        if results and self._out is not None:
            await self._erase()
            await self._out.out.write(results)
        if self._err.is_drawn:
            drawn = [] if self._is_over else board_lines(self._board, self._err, self._frame)
            lines = self._live.redrawn(lines, drawn, self._err.out.columns)
        await self._err.out.write(lines)

    async def _erase(self) -> None:
        """Take the drawing away, so that what standard output gets stands above it."""
        await self._err.out.write(self._live.redrawn("", [], self._err.out.columns))

    def _line(self, event: Progress) -> str:
        """The line that an event deserves beside the results."""
        match event:
            case RunStarted(cases=cases, suites=suites, attempts=attempts) if not self._err.is_drawn:
                runs = f", up to {counted(attempts, 'run')}" if attempts > cases else ""
                return f"running {counted(cases, 'case')} of {counted(suites, 'file')}{runs}\n"
            case Noticed(case=case, turn=turn, message=message):
                return self._told(case, f"turn {turn}: {message}")
            case AttemptEnded(case=case, attempt=attempt) if attempt.outcome != "passed" and self._is_repeated(case):
                return self._told(case, attempt_line(attempt))
        return ""

    def _is_repeated(self, case: CaseId) -> bool:
        running = self._board.running.get(case)
        return running is not None and running.repeats > 1

    def _told(self, case: CaseId, text: str) -> str:
        line = visible_line(f"{case.suite.name.removesuffix(SUFFIX)}: {case.name}: {text}", 300)
        return f"{self._err.painted(line, 'dim')}\n"
