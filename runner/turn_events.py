"""The events of one turn: its chat opened, the turn run in it, and the chat given free for the next."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Self, TypeAlias

from runner.errors import AgentRunError
from runner.events import TurnEnded
from runner.requests import Cost, Usage
from runner.turn import Turn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Sequence
    from pathlib import Path

    from runner.chats import ChatManager, OpenChat
    from runner.events import Event
    from runner.messages import Part, TurnReason
    from runner.plan import Plan

logger = logging.getLogger("agent_run")

Files: TypeAlias = "Sequence[str | Path | Part]"
"""Files sent with a message: paths, `gs://` and `https://` uris, or parts as the API has them."""

_UNDER_WAY: set[AsyncExitStack] = set()
"""What turns under way hold. A turn is closed from the outside in; were all its generators garbage at once, in a cycle,
they would be closed in any order."""


class TurnEvents:
    """The events of one turn: iterate it to run the turn. Leaving the loop and `aclose()` interrupt the turn."""

    def __init__(self, manager: ChatManager, chat_id: str, plan: Plan, query: str, files: Files) -> None:
        self._running = _RunningTurn()
        self._events = self._running.events(manager, chat_id, plan, query, files)

    def interrupt(self) -> None:
        """End the turn from outside; the remaining events, `TurnEnded("interrupted")` last, can still be read."""
        self._running.interrupt()

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[Event]:
        return self._events.__anext__()

    async def aclose(self) -> None:
        """Interrupt the turn, unless it is over, and close the chat."""
        await self._events.aclose()


class _RunningTurn:
    """Opens the chat and runs a turn in it. It knows no TurnEvents: one that nobody holds any more ends at once."""

    def __init__(self) -> None:
        self._turn: Turn | None = None
        self._opening: asyncio.Timeout | None = None
        self._interrupted = False

    def interrupt(self) -> None:
        self._interrupted = True
        if self._turn is not None:
            self._turn.interrupt()
        elif self._opening is not None and not self._opening.expired():
            self._opening.reschedule(asyncio.get_running_loop().time())

    async def events(
        self, manager: ChatManager, chat_id: str, plan: Plan, query: str, files: Files
    ) -> AsyncGenerator[Event, None]:
        ended: TurnEnded | None = None
        try:
            async with AsyncExitStack() as held:
                _UNDER_WAY.add(held)
                held.callback(_UNDER_WAY.discard, held)
                chat = await self._opened(held, manager, chat_id, plan.limits.busy_timeout)
                if chat is not None:
                    turn = self._turn = Turn(chat, chat_id, await plan.begun())
                    if self._interrupted:
                        turn.interrupt()
                    async for event in await held.enter_async_context(aclosing(turn.run(query, files))):
                        if isinstance(event, TurnEnded):
                            ended = event  # told when the chat is free for the next turn
                        else:
                            yield event
        except AgentRunError as error:  # the turn could not begin; what fails inside a turn is one of its events
            if ended is None:
                ended = _unbegun("failed", error.reason, str(error), error)
            else:
                logger.warning("chat %a could not be closed: %s", chat_id, error)
        yield ended or _unbegun("interrupted", "interrupted", "interrupted before the turn began")

    async def _opened(
        self, held: AsyncExitStack, manager: ChatManager, chat_id: str, patience: float
    ) -> OpenChat | None:
        """The chat, waited for at most `patience` seconds and held by `held`; None when `interrupt()` came first."""
        if self._interrupted:
            return None
        opening = self._opening = asyncio.timeout(None)
        try:
            async with opening:
                return await held.enter_async_context(manager.open(chat_id, timeout=patience))
        except TimeoutError:
            if not opening.expired():
                raise
            return None
        finally:
            self._opening = None


def _unbegun(reason: TurnReason, code: str, message: str, error: AgentRunError | None = None) -> TurnEnded:
    """The end of a turn that could not begin: nothing was spent."""
    retryable = None if error is None else error.retryable
    return TurnEnded(reason, "", Usage(), code, message, retryable, error, cost=Cost())
