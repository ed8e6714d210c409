"""One turn of a client in a test, and all that it told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner import GeminiClient, TurnEnded

if TYPE_CHECKING:
    from runner.events import Event


@dataclass
class Told:
    """The events of one turn."""

    events: list[Event] = field(default_factory=list)

    @property
    def ended(self) -> TurnEnded:
        last = self.events[-1]
        assert isinstance(last, TurnEnded)
        return last

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]


async def turn(client: GeminiClient, query: str = "hello", **options: Any) -> Told:
    told = Told()
    async for event in client.events(query=query, **options):
        told.events.append(event)
    return told
