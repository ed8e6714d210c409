"""One generation of an agent, and the turns that began on it."""

from __future__ import annotations

import asyncio
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from runner.agent import Agent
    from runner.digests import Digests
    from runner.events import Event
    from runner.turn_events import TurnEvents


class Generation:
    """An agent, its number, the files it was made from, and how many turns run on it.

    `on_free` is called when it was retired and its last turn has ended.
    """

    def __init__(
        self, number: int, agent: Agent, files: Digests, at: datetime, on_free: Callable[[Generation], None]
    ) -> None:
        self.number, self.agent, self.files, self.at = number, agent, files, at
        self._on_free = on_free
        self._turns = 0
        self._is_retired = False

    def begin_turn(self) -> None:
        """Keep the agent open for one more turn."""
        self._turns += 1

    def end_turn(self) -> None:
        """One of the turns has ended."""
        self._turns -= 1
        self._tell_if_free()

    def retire(self) -> None:
        """No further turn begins here."""
        self._is_retired = True
        self._tell_if_free()

    def _tell_if_free(self) -> None:
        if self._is_retired and not self._turns:
            self._on_free(self)


class PinnedTurn:
    """The events of a turn, like `TurnEvents`; its generation stays open until the turn has ended."""

    def __init__(self, events: TurnEvents, generation: Generation) -> None:
        self._events = events
        generation.begin_turn()
        loop = asyncio.get_running_loop()
        self._end = weakref.finalize(self, _end_turn, loop, generation)  # also for a turn that is made and never run
        self._end.atexit = False

    def interrupt(self) -> None:
        """End the turn from outside; the remaining events, `TurnEnded("interrupted")` last, can still be read."""
        self._events.interrupt()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            return await anext(self._events)
        except BaseException:  # with its end, or an error: the turn is over
            self._end()
            raise

    async def aclose(self) -> None:
        """Interrupt the turn, unless it is over, and close the chat."""
        try:
            await self._events.aclose()
        finally:
            self._end()


def _end_turn(loop: asyncio.AbstractEventLoop, generation: Generation) -> None:
    """From any thread: that in which a turn happens to be forgotten."""
    with suppress(RuntimeError):  # the loop is closed, and so are its generations
        loop.call_soon_threadsafe(generation.end_turn)
