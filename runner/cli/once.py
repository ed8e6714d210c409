"""Answering without a conversation: one message, or one per line of standard input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit, exit_for_turn
from runner.cli.played import played
from runner.cli.stdin import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner.agent import Agent
    from runner.cli.door import Door, View
    from runner.cli.spent import Spent


class Once:
    """A run without a conversation: what answers, in which chat, and what it may spend."""

    def __init__(self, agent: Agent, chat_id: str, door: Door, view: Callable[[Door], View], spent: Spent) -> None:
        self.agent, self.chat_id, self.door, self.view, self.spent = agent, chat_id, door, view, spent

    async def answer(self, message: str, files: Sequence[str | Path]) -> Exit:
        """Run one turn; the exit code says how it ended."""
        door = self.door
        if files and door.loudness.verbose:
            from runner.cli.attached import attached_lines

            for line in attached_lines(files):
                await door.aside(line)
        async with self.view(door) as shown:
            turn = self.agent.run(message, chat_id=self.chat_id, **self.spent.options(files))
            ended = await played(turn, shown, door)
        self.spent.add(ended)
        return door.exit(exit_for_turn(ended))

    async def answer_lines(self, files: Sequence[str | Path]) -> Exit:
        """Make each line of standard input a turn of one chat, the files going with the first; the first that fails is
        the last, and so is the one that answers a reader that has left. What may be spent is asked before each."""
        code: Exit | None = None
        lines = Lines()
        while (message := await lines.next()) is not None:
            if self.spent.used_up is not None:
                await self.door.aside(f"stopped: {self.spent.used_up}")
                return Exit.LIMIT
            code = await self.answer(message, files)
            files = ()
            if code is not Exit.DONE:
                return code
            if self.door.signals.asked_to_leave is not None:
                return self.door.signals.asked_to_leave
            if self.door.out.is_silent:
                return code  # nobody reads: a further turn would be for no one
        if code is None:
            raise click.UsageError("no message: standard input held no line")
        return code
