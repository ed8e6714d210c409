"""A project whose agent answers from a document in a cache."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from runner.events import Notice, TurnEnded

if TYPE_CHECKING:
    from pathlib import Path

    from runner.agent import Agent
    from runner.project import Project

MANIFEST = """\
name: handbook
model: gemini-3.8-flash
instructions: Answer from the document.
tools: [tools.words]
storage: sqlite:///chats.db
cache: {ttl: 1h, auto_refresh_ttl: 1h, content: [../guide.md], min_tokens: 1}
"""
TOOL = '''\
from runner import tool

@tool(effects="none")
def look_up(word: str) -> str:
    """Look a word up."""
    return "two years"
'''


def write_project(root: Path) -> Path:
    """Write it; the path of its manifest."""
    for folder in ("agents", "tools"):
        (root / folder).mkdir(parents=True)
    (root / "pyproject.toml").touch()
    (root / "guide.md").write_text("The guarantee is two years. " * 50)
    (root / "tools" / "words.py").write_text(TOOL)
    manifest = root / "agents" / "handbook.yaml"
    manifest.write_text(MANIFEST)
    return manifest


class Turns:
    """Runs turns of an agent or a project, each in a chat of its own."""

    def __init__(self, of: Agent | Project) -> None:
        self._of, self._count = of, 0

    async def turn(self, query: str = "How long?") -> tuple[TurnEnded, list[str]]:
        """How a turn that was answered ended, and what notices about the cache it told."""
        self._count += 1
        async with aclosing(self._of.run(query, chat_id=f"{self._count}")) as running:
            events: list[Any] = [event async for event in running]
        ended = events[-1]
        assert isinstance(ended, TurnEnded)
        assert ended.reason == "answered", ended
        return ended, [event.message for event in events if isinstance(event, Notice) and event.code == "cache"]

    async def state(self, query: str = "How long?") -> str:
        """What became of the cache in a turn."""
        ended, _ = await self.turn(query)
        assert ended.cache is not None
        return ended.cache.state
