"""The commands of the terminal chat: what begins with a slash."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from runner.cli.exits import Exit
from runner.cli.lines import context_line, cost_line, usage_line
from runner.cli.screen import visible_line
from runner.cli.transcript import show_text, transcript

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.cli.terminal import TerminalChat

Action: TypeAlias = "Callable[[TerminalChat], Awaitable[Exit | None]]"
_COMMAND = re.compile(r"/[A-Za-z?][\w-]*\s*")
_KEYS = (
    ("Enter", "send"),
    ("Esc Enter", "begin a new line; pasted newlines stay"),
    ("@path", "send this file with the message; Tab completes it"),
    ("Up, Ctrl+R", "earlier messages, search in them"),
    ("Ctrl+C", "stop the answer; twice, leave"),
    ("Ctrl+D", "leave"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command and what `/help` says of it; `action` returns an exit code to leave."""

    summary: str
    action: Action


def is_command(text: str) -> bool:
    """Whether a message is a command: one word after a slash; `/etc/hosts` and `/ what?` are messages."""
    return _COMMAND.fullmatch(text) is not None


async def run_command(chat: TerminalChat, text: str) -> Exit | None:
    """Run the command `text`; an exit code means leaving."""
    name = text.strip().lower()
    command = COMMANDS.get(name)
    if command is not None:
        return await command.action(chat)
    nearest = difflib.get_close_matches(name, COMMANDS, n=1)
    meant = f" did you mean {nearest[0]}?" if nearest else ""
    await chat.door.aside(f"unknown command {visible_line(name)};{meant} /help lists them")
    return None


async def _help(chat: TerminalChat) -> None:
    rows = [(name, command.summary) for name, command in COMMANDS.items()]
    for left, right in (*rows, *_KEYS):
        await chat.door.aside(f"  {left:<12}{right}")


async def _tools(chat: TerminalChat) -> None:
    toolbox = chat.agent.toolbox
    if not len(toolbox) and not toolbox.built_in:
        await chat.door.aside("no tools")
    for tool in toolbox:
        about = str(tool.declaration().get("description") or "").strip().partition("\n")[0]
        await chat.door.aside(f"  {visible_line(tool.name)}  {visible_line(about, 100)}".rstrip())
    for built_in in toolbox.built_in:
        await chat.door.aside(f"  {built_in.name}  run by Google")


async def _history(chat: TerminalChat) -> None:
    messages = await chat.agent.get_history(chat.chat_id)
    if not messages:
        await chat.door.aside("nothing has been said in this chat")
    for kind, told in transcript(messages):
        if kind == "text":
            await show_text(chat.door.out, told)
        else:
            await chat.door.aside(chat.door.mark + told if kind == "call" else told)


async def _new(chat: TerminalChat) -> None:
    chat.begin()
    await chat.door.aside(f"chat {chat.chat_id}")


async def _usage(chat: TerminalChat) -> None:
    spent = chat.spent
    turns = f"{spent.turns} {'turn' if spent.turns == 1 else 'turns'}"
    await chat.door.aside(f"since the start: {turns}, {usage_line(spent.usage)}")
    await chat.door.aside(f"  {cost_line(spent.cost)}")
    if spent.last is not None:
        await chat.door.aside(f"last turn: {usage_line(spent.last.usage, spent.last.cache)}")
        await chat.door.aside(f"  {cost_line(spent.last.cost)}")
        if spent.last.context is not None:
            await chat.door.aside(f"this chat: {context_line(spent.last.context)}")
    if spent.cache is not None and spent.cache.saved:
        await chat.door.aside(f"from the context cache: {spent.cache.saved:,} tokens")


async def _exit(_chat: TerminalChat) -> Exit:
    return Exit.DONE


COMMANDS: dict[str, Command] = {
    "/help": Command("this list", _help),
    "/tools": Command("what the agent can do", _tools),
    "/history": Command("what has been said in this chat", _history),
    "/new": Command("begin a new chat", _new),
    "/usage": Command("tokens used, and what they cost", _usage),
    "/exit": Command("leave", _exit),
}
