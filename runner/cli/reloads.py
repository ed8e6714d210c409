"""What reloads tell, printed between turns: above the prompt while it asks, else before it asks again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from runner.cli.screen import visible_line
from runner.reload.news import Reloaded, ReloadFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from runner.cli.door import Door
    from runner.cli.prompt import Prompt
    from runner.project import Project
    from runner.reload.news import Change


class Reloads:
    """Reads a project's changes, and prints each once, never into an answer."""

    def __init__(self, project: Project, door: Door, prompt: Prompt) -> None:
        self._project, self._door, self._prompt = project, door, prompt
        self._untold: list[Change] = []
        self._is_asking = False

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """A context in which changes are read."""
        reading = asyncio.create_task(self._read())
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    @contextmanager
    def asking(self) -> Iterator[None]:
        """A context in which the prompt asks: what comes now is printed above it at once."""
        self._is_asking = True
        try:
            yield
        finally:
            self._is_asking = False

    async def tell(self) -> None:
        """Print what has not been printed yet."""
        while self._untold:
            await self._print(self._untold.pop(0))

    async def _read(self) -> None:
        async for change in self._project.changes():
            self._untold.append(change)
            if self._is_asking:
                async with self._prompt.above():
                    await self.tell()

    async def _print(self, change: Change) -> None:
        if isinstance(change, ReloadFailed):
            message, _, running = str(change).rpartition("\n")
            await self._door.tell(message)
            await self._door.aside(visible_line(running))
            return
        if not self._door.loudness.quiet:
            await self._door.aside(visible_line(str(change)))
        if isinstance(change, Reloaded):
            await self._print_remarks(change)

    async def _print_remarks(self, reloaded: Reloaded) -> None:
        for notice in reloaded.notices:
            await self._door.aside(visible_line(notice.message))
        if reloaded.warnings and not self._door.loudness.quiet:
            from runner.loading.formats import as_text

            await self._door.tell(as_text(reloaded.warnings))
