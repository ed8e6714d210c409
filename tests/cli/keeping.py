"""Chats put into a database, and read out of it past the runner, for the tests of `agent-run chats`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from runner.messages import ChatMessage
from runner.storages.sqlite import SqliteChatStorage

if TYPE_CHECKING:
    from pathlib import Path

CALL = ChatMessage({"role": "model", "parts": [{"functionCall": {"name": "hold", "args": {}}}]}, {"kind": "model"})
"""A call that nobody answered."""


def stored(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Every chat of a database, each entry as its two texts."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT key, content, meta FROM message JOIN chat ON chat = id ORDER BY id, seq")
        found: dict[str, list[tuple[str, str]]] = {}
        for key, content, meta in rows:
            found.setdefault(key.decode("utf-8", "surrogatepass"), []).append((content, meta))
        return found


def keep(path: Path, *chats: tuple[str, list[ChatMessage]]) -> None:
    """Store chats, one after the other."""

    async def write() -> None:
        async with SqliteChatStorage(path) as storage:
            for key, log in chats:
                await storage.append(key, log, 0)

    asyncio.run(write())


def age(path: Path, key: str, days: int) -> None:
    """Make a chat one that was last written to so many days ago."""
    with closing(sqlite3.connect(path)) as database, database:
        change = "UPDATE chat SET updated = updated - ? WHERE key = ?"
        assert database.execute(change, (days * 86_400_000_000, key.encode())).rowcount == 1


def kinds(path: Path, key: str) -> list[str | None]:
    """The kinds of a chat's entries, where they tell."""
    return [json.loads(meta).get("kind") for _, meta in stored(path)[key]]
