"""A chat held through the public door, watched: `async with talking(server, storage) as talk: await talk.turn()`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from runner import ChatManager, GeminiClient, ToolReturned, tool
from runner.models.gemini.model import GeminiModel
from runner.models.retry import Retry
from tests.invariants import (
    assert_recoverable,
    assert_sound,
    assert_told_as_stored,
    ending,
    nothing_left_behind,
)
from tests.servers import echo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner import ChatMessage, ChatStorage, Event, Model, TurnEnded
    from tests.servers import GeminiServer

CHAT = "chat"
ORDINARY = "and an ordinary one?"


@tool(effects="none")
async def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is known"


def impatient(retries: int = 3, *, wait: float = 0.05, **options: Any) -> Model:
    """Gemini with the usual retries, whose random waits are always the same small part of their bound."""
    return Retry(GeminiModel(**options), retries, chance=lambda: wait)


class Talk:
    """One chat: what was told in its last turn, and what is stored."""

    def __init__(self, client: GeminiClient, server: GeminiServer, chat_id: str, options: dict[str, Any]) -> None:
        self.client, self.server, self.chat_id = client, server, chat_id
        self._options = options
        self.told: list[Event] = []

    async def turn(self, query: str = "go", **options: Any) -> TurnEnded:
        """Run a turn to its end; whatever that is, it must be told as it is stored."""
        self.told = []
        async for event in self.client.events(query=query, chat_id=self.chat_id, **(self._options | options)):
            self.told.append(event)
        assert_told_as_stored(self.told, await self.log())
        return ending(self.told)

    def of(self, kind: type) -> list[Any]:
        """The events of a kind that the last turn told."""
        return [event for event in self.told if isinstance(event, kind)]

    @property
    def kinds(self) -> list[str]:
        """The result kinds of the last turn, in call order."""
        returned: list[ToolReturned] = self.of(ToolReturned)
        return [event.kind for event in sorted(returned, key=lambda event: event.index)]

    async def log(self) -> list[ChatMessage]:
        """The stored entries, as any other reader gets them."""
        return await self.client.chat_manager.storage.read_after(self.chat_id, 0)

    async def texts(self) -> list[str]:
        """The visible texts of the history."""
        return [entry.text for entry in await self.log() if entry.text]

    async def ordinary_turn(self) -> None:
        """The proof that nothing is broken: one more turn, which the strict server accepts and the log keeps."""
        assert self.server.unused == 0, "the script was not played to its end"
        self.server.answer = echo
        ended = await self.turn(ORDINARY)
        assert (ended.reason, ended.text) == ("answered", f"echo: {ORDINARY}"), ended
        assert not self.server.refused, self.server.refused[0].error
        log = await self.log()
        assert_sound(log)
        assert_recoverable(log)


@asynccontextmanager
async def talking(
    server: GeminiServer, storage: ChatStorage, *, chat_id: str = CHAT, model: Model | None = None, **options: Any
) -> AsyncIterator[Talk]:
    """A talk that ends with an ordinary turn and leaves nothing behind. `options` are those of every turn.

    `limits` hold but for the ordinary turn, which may take its time.
    """
    own = {name: options.pop(name) for name in ("limits",) if name in options}
    async with nothing_left_behind():
        made, manager = impatient() if model is None else model, ChatManager(storage)
        async with GeminiClient(chat_manager=manager, model=made, **own) as client:
            talk = Talk(client, server, chat_id, options)
            yield talk
            if own:
                talk.client = GeminiClient(chat_manager=manager, model=made)
            await talk.ordinary_turn()
        await made.aclose()
        await storage.aclose()
