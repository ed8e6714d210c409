"""Runs one turn and shows it, letting signals end it in order."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from runner.events import TurnEnded, TurnStarted
from runner.requests import Usage

if TYPE_CHECKING:
    from runner.cli.door import Door, View
    from runner.reload.generation import PinnedTurn
    from runner.turn_events import TurnEvents

_GRACE = 2.0  # seconds an interrupted turn may take to tell its end


async def played(events: TurnEvents | PinnedTurn, view: View, door: Door) -> TurnEnded:
    """Show a turn's events to its end. A signal interrupts the turn, which still tells what became of its calls."""
    _hurry(door, hurried=False)
    is_started = asyncio.Event()
    showing = asyncio.create_task(_shown(events, view, is_started))
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def stop() -> None:
        events.interrupt()
        timers.append(loop.call_later(_GRACE if is_started.is_set() else 0, showing.cancel))

    try:
        with door.signals.stopping(stop):
            await asyncio.wait({showing})
    finally:
        for timer in timers:
            timer.cancel()
        if not showing.done():  # this task was cancelled
            showing.cancel()
            await asyncio.wait({showing})
    if not showing.cancelled():
        return showing.result()
    _hurry(door, hurried=True)  # it may be the reader who kept the turn from telling its end
    ended = TurnEnded("interrupted", "", Usage(), "interrupted", "the turn was interrupted", cost=None)
    await view.show(ended)
    return ended


def _hurry(door: Door, *, hurried: bool) -> None:
    door.out.is_hurried = door.err.is_hurried = hurried


async def _shown(events: TurnEvents | PinnedTurn, view: View, is_started: asyncio.Event) -> TurnEnded:
    ended: TurnEnded | None = None
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TurnStarted):
                is_started.set()
            elif isinstance(event, TurnEnded):
                ended = event
            await view.show(event)
    if ended is None:
        raise RuntimeError("a turn ended without saying so")
    return ended
