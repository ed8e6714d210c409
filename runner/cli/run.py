"""`agent-run run FILE [MESSAGE]`: a chat in a terminal, one answer, or an answer a line."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli import stdin
from runner.cli.door import Door, Loudness
from runner.cli.exits import Exit
from runner.cli.lines import describe
from runner.cli.output import Output
from runner.cli.screen import visible_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.agent import Agent
    from runner.cli.door import View


@click.command("run", short_help="Talk to an agent.")
@click.argument("file")
@click.argument("message", required=False)
@click.option("--model", metavar="NAME", help="Use this model instead of the manifest's; `offline` needs no key.")
@click.option("--chat", metavar="ID", help="Continue the chat ID, or begin it.")
@click.option("-c", "--continue", "continues", is_flag=True, help="Continue the agent's last chat.")
@click.option("--json", "as_json", is_flag=True, help="Print one event a line (JSON Lines).")
@click.option("--lines", is_flag=True, help="Make each line of standard input a turn of one chat.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing beside the answer but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Say more: steps, tokens, retries.")
@click.option("--debug", is_flag=True, help="Log everything to stderr, and show where errors come from.")
def run(file: str, message: str | None, **options: Any) -> int:
    """Talk to the agent described in FILE.

    In a terminal this opens a chat. With MESSAGE, or with text piped in, it answers once: the answer alone goes to
    standard output. Text piped in beside MESSAGE is added to it.
    """
    _check(message, options)
    _check_exists(file)
    loudness = Loudness(**{name: options[name] for name in ("quiet", "verbose", "debug")})
    _prepare_reports(loudness)
    try:
        return _talk(file, message, loudness, options)
    except Exception as error:
        if options["as_json"] and not isinstance(error, click.ClickException):
            from runner.cli.jsonl import error_json, json_line

            Output(sys.stdout).write_now(json_line(error_json(error, describe(error))))
        raise


def _talk(file: str, message: str | None, loudness: Loudness, options: dict[str, Any]) -> Exit:
    from runner.agent import Agent
    from runner.cli.loop import run_to_end

    agent = Agent.from_file(file, model=options["model"], offline_without_key=True)
    if message is None and stdin.is_terminal() and not options["lines"]:
        return run_to_end(_chat(agent, loudness, options))
    if not options["lines"]:
        message = _whole_message(message)
    return run_to_end(_answer(agent, message, loudness, options))


async def _chat(agent: Agent, loudness: Loudness, options: dict[str, Any]) -> Exit:
    from runner.cli.terminal import TerminalChat, restore_keyboard

    with _signals(restore_keyboard) as signals:
        door = _door(signals, loudness)
        async with agent:
            return await TerminalChat(agent, door, _view(door, options)).talk(
                await _chat_id(agent, door, options), is_new=not (options["chat"] or options["continues"])
            )


async def _answer(agent: Agent, message: str | None, loudness: Loudness, options: dict[str, Any]) -> Exit:
    from runner.cli.once import answer, answer_lines
