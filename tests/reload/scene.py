"""The project that the tests edit, and what they ask of it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from runner.project import Project
from runner.reload.news import Reloaded, ReloadFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runner.reload.news import Change, Changes

MANIFEST = """\
name: echo
model: models.echo:Echo
instructions: first
tools: [tools.stamp]
executor: {type: rate_limiting, batch_size: 100}
storage: 'memory:'
"""
ECHO = """\
from runner.models.base import Model
from runner.requests import Finish, Usage

class Echo(Model):
    name = family = "echo"

    async def generate(self, request):
        users = [message.text for message in request.messages if message.kind == "user"]
        results = request.messages[-1].responses
        if results:
            told = request.system_instruction["parts"][0]["text"]
            yield {"text": f"{told} {results[0]['response']['result']} after {len(users) - 1}"}
        else:
            yield {"functionCall": {"name": "stamp", "args": {}}}
        yield Usage()
        yield Finish()
"""
STAMP = '''\
from runner import ToolContext
from tools.words import word

async def stamp(context: ToolContext) -> str:
    """Tell the version of the tool."""
    if context.deps is not None:
        context.deps.started()
        await context.deps.opened.wait()
    return "tool-1 " + word()
'''
WORDS = "from tools.deep import DEEP\n\ndef word():\n    return 'words-1 ' + DEEP\n"
DEEP = "DEEP = 'deep-1'\n"
ANSWER = "first tool-1 words-1 deep-1"
"""What the project answers before it is edited, but for the number of messages before."""


class Gate:
    """Holds tools until the test opens it; told through the turn's context."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0

    def started(self) -> None:
        self.waiting += 1

    async def holds(self, count: int) -> None:
        while self.waiting < count:
            await asyncio.sleep(0.01)


class Scene:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = root / "agents" / "echo.yaml"
        self.stamp, self.words, self.deep = (root / "tools" / f"{name}.py" for name in ("stamp", "words", "deep"))
        self.changes: Changes
        self.project: Project
        (root / "agents").mkdir(parents=True)
        (root / "tools").mkdir()
        (root / "models").mkdir()
        (root / "pyproject.toml").touch()
        (root / "models" / "echo.py").write_text(ECHO)
        self.stamp.write_text(STAMP)
        self.words.write_text(WORDS)
        self.deep.write_text(DEEP)
        self.manifest.write_text(MANIFEST)

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[Project]:
        """The project, once it watches its files."""
        async with Project(self.manifest, **options) as project:
            self.project, self.changes = project, project.changes()
            while not project.is_watching:
                await asyncio.sleep(0.01)
            yield project

    async def told(self) -> Change:
        """The next change."""
        async with asyncio.timeout(60):
            return await anext(self.changes)

    async def reloaded(self) -> Reloaded:
        """The next change, which is one that succeeded."""
        change = await self.told()
        assert isinstance(change, Reloaded), str(change)
        return change

    async def failed(self) -> str:
        """What the next change, which is one that did not succeed, says."""
        change = await self.told()
        assert isinstance(change, ReloadFailed), str(change)
        return str(change)

    async def answer(self, chat_id: str = "c", gate: Gate | None = None) -> str:
        """The text of a turn that ended well."""
        async with aclosing(self.project.run("hello", chat_id=chat_id, context=gate)) as events:
            ended: Any = [event async for event in events][-1]
        assert ended.reason == "answered", ended
        return str(ended.text)


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that is there once."""
    content = path.read_text()
    assert content.count(old) == 1, content
    path.write_text(content.replace(old, new))
