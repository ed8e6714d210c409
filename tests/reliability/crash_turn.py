"""One turn in a process that may be killed at any moment, and one that comes after it and reports."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from runner import ToolExecutor

CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one experiment keeps its database, its ledger of effects, and what was acknowledged."""

    folder: Path
    executor: str  # "together": tools on the loop, all at once; "one by one": in a thread, one after the other
    url: str = ""  # of a storage for all experiments; without it each has a SQLite file of its own
    lease_time: float = 15.0  # seconds

    @property
    def database(self) -> str:
        return self.url or str(self.folder / "chats.db")

    @property
    def chat(self) -> str:
        return f"{CHAT}-{self.folder.parent.name}-{self.folder.name}" if self.url else CHAT

    @property
    def ledger(self) -> list[str]:
        """The lines the tools wrote: idempotency key, entry."""
        return _lines(self.folder / "ledger")

    @property
    def acknowledged(self) -> list[str]:
        """The answers that were told as answered."""
        return [json.loads(line) for line in _lines(self.folder / "acknowledged")]

    @property
    def report(self) -> dict[str, Any]:
        """What the process that came after found and did."""
        found: dict[str, Any] = json.loads((self.folder / "report").read_text())
        return found

    def append(self, name: str, line: str) -> None:
        """Append a line in one `write`; it outlives the process, whatever becomes of it."""
        file = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, f"{line}\n".encode())
        finally:
            os.close(file)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


async def one_turn(place: Place, *, reports: bool = False) -> None:
    """A turn of two steps with three `once` calls and an answer, against the server that the environment names."""
    from runner import (
        AsyncToolExecutor,
        ChatManager,
        GeminiClient,
        RateLimitingAsyncExecutor,
        TextDelta,
        ToolContext,
        TurnEnded,
        tool,
    )
    from tests.storages.child import opened

    @tool(effects="once")
    async def record(entry: str, context: ToolContext) -> str:
        """Record an entry."""
        place.append("ledger", f"{context.idempotency_key} {entry}")
        return f"{entry} is recorded"

    @tool(name="record", effects="once")
    def record_in_thread(entry: str, context: ToolContext) -> str:
        """Record an entry."""
        place.append("ledger", f"{context.idempotency_key} {entry}")
        return f"{entry} is recorded"

    together = place.executor == "together"
    executor: ToolExecutor[Any] = AsyncToolExecutor() if together else RateLimitingAsyncExecutor(1)
    tools = [record if together else record_in_thread]
    shown, ended = "", {}
    async with (
        opened(place.database, lease_time=place.lease_time) as storage,
        GeminiClient(chat_manager=ChatManager(storage)) as client,
    ):
        found = await storage.read_after(place.chat, 0) if reports else []
        async with aclosing(
            client.events(query="go", chat_id=place.chat, tools=tools, tool_executor=executor)
        ) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    shown += event.text
                elif isinstance(event, TurnEnded):
                    if event.reason == "answered":
                        place.append("acknowledged", json.dumps(event.text))
                    ended = event.to_json()
        if reports:
            left = await storage.read_after(place.chat, 0)
            texts = {"found": [each.to_json() for each in found], "left": [each.to_json() for each in left]}
            (place.folder / "report").write_text(json.dumps({"ended": ended, "shown": shown, **texts}))


def run(place: Place, *, reports: bool = False) -> None:
    """Run the turn to its end in this process."""
    asyncio.run(one_turn(place, reports=reports))
