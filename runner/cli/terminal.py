"""The chat in a terminal."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.chats import new_chat_id
from runner.cli.attached import mentioned_files
from runner.cli.commands import COMMANDS, is_command, run_command
from runner.cli.exits import Exit
from runner.cli.greeting import greet, tell_warnings
from runner.cli.lines import describe, error_line
from runner.cli.played import played
from runner.cli.prompt import EditingPrompt, PlainPrompt, PromptInterrupted, state_folder
from runner.cli.reloads import Reloads
from runner.cli.screen import visible, visible_line
from runner.cli.spent import Spent

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.agent import Agent
    from runner.cli.door import Door, View
    from runner.cli.prompt import Prompt
    from runner.project import Project

_WARM_UP_DELAY = 0.1  # seconds: the prompt comes first
HINT = "press Ctrl+C again or Ctrl+D to leave"


class TerminalChat:
    """Asks, answers and obeys commands until the user leaves. An error ends its turn, and the prompt returns."""

    def __init__(self, project: Project, door: Door, view: Callable[[Door], View], spent: Spent | None = None) -> None:
        self.project, self.door = project, door
        self.spent = Spent() if spent is None else spent
        self.chat_id = ""
        self._view = view
        self._prompt = _prompt(door)
        door.signals.before_leaving = self._prompt.release
        self._reloads = Reloads(project, door, self._prompt)
        self._was_hinted = False

    @property
    def agent(self) -> Agent:
        """The agent as it is now: what the next turn runs on."""
        return self.project.agent

    async def talk(self, chat_id: str) -> Exit:
        """Talk until the user leaves; the exit code says how."""
        self.chat_id = chat_id
        if not self.door.loudness.quiet:
            await self.door.aside(self._title())
        for notice in self.agent.notices:
            await self.door.aside(visible_line(notice.message))
        await tell_warnings(self.agent, self.door)
        await greet(self.agent, self.door)
        warming = asyncio.create_task(self._warm_up())
        try:
            async with self._reloads.told():
                with self._prompt.held():
                    while (code := await self._step()) is None:
                        pass
                    return code
        finally:
            warming.cancel()
            with suppress(asyncio.CancelledError):
                await warming

    def begin(self) -> None:
        """Begin another chat."""
        self.chat_id = new_chat_id()

    def _title(self) -> str:
        count = len(self.agent.toolbox) + len(self.agent.toolbox.built_in)
        dot = self.door.err.glyph(" · ", " - ")
        tools = f"{count} {'tool' if count == 1 else 'tools'}"
        return visible_line(dot.join([self.agent.name, self.agent.model.name, tools, f"chat {self.chat_id}", "/help"]))

    async def _warm_up(self) -> None:
        """Load what the first answer needs while the user types. What goes wrong here is told by the turn."""
        await asyncio.sleep(_WARM_UP_DELAY)
        warm_up = getattr(self.agent.model, "warm_up", None)
        if warm_up is not None:
            with suppress(Exception):
                await warm_up()

    # one message

    async def _step(self) -> Exit | None:
        """Ask for one message and answer it; an exit code means leaving."""
        try:
            text = await self._asked()
        except EOFError:
            return Exit.DONE
        except PromptInterrupted as interrupted:
            return await self._interrupted(interrupted)
        if self.door.signals.asked_to_leave is not None:
            return self.door.signals.asked_to_leave
        self._was_hinted = False
        if not text.strip():
            return None
        try:
            if is_command(text):
                return await run_command(self, text)
            await self._turn(text)
        except Exception as error:  # noqa: BLE001  # a bug ends its turn, not the chat
            await self._tell(error)
        if self.spent.used_up is not None:
            await self.door.aside(self.spent.used_up)
            return Exit.LIMIT
        return self.door.signals.asked_to_leave

    async def _asked(self) -> str:
        """What the user typed; empty when a signal asks to leave."""
        await self._reloads.tell()
        asking = asyncio.ensure_future(self._prompt.read())
        with self.door.signals.stopping(asking.cancel), self._reloads.asking():
            await asyncio.wait({asking})
        if not asking.cancelled():
            return asking.result()
        if self.door.signals.asked_to_leave is None:
            raise PromptInterrupted(was_key=False)  # sent by another program, or by a terminal that edits its own lines
        return ""

    async def _interrupted(self, interrupted: PromptInterrupted) -> Exit | None:
        if not interrupted.was_empty:
            return None
        if self._was_hinted or (interrupted.was_key and self.door.signals.is_repeated()):
            return Exit.INTERRUPTED
        self._was_hinted = True
        await self.door.aside(HINT)
        return None

    async def _turn(self, text: str) -> None:
        files = await mentioned_files(text, self.door)
        async with self._view(self.door) as shown:
            with self._prompt.watched(self.door.signals.interrupt):
                events = self.project.run(text, chat_id=self.chat_id, **self.spent.options(files))
                ended = await played(events, shown, self.door)
        self.spent.add(ended)
        await self.door.out.write("\n")

    async def _tell(self, error: Exception) -> None:
        if self.door.loudness.debug:
            await self.door.err.write(visible("".join(traceback.format_exception(error))))
        await self.door.aside(error_line(describe(error)))


def _prompt(door: Door) -> Prompt:
    if not door.out.can_draw:
        return PlainPrompt(door.out)
    folder = state_folder()
    return EditingPrompt(list(COMMANDS), folder / "history" if folder else None)
