"""How every command of `agent-run chats` runs: its storage opened and closed, signals obeyed, results told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from runner.cli.chats.place import Kept, Where, opened
from runner.cli.door import Door, Loudness
from runner.cli.jsonl import error_json, json_line
from runner.cli.lines import describe
from runner.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.cli.exits import Exit
    from runner.messages import Json

    Work: TypeAlias = Callable[[Kept, Door], Awaitable[Exit]]

WAIT = 20.0
"""Seconds to wait for a chat in use: longer than a lease lasts whose owner has died."""


def with_wait(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the parameter `wait`, in seconds."""
    return click.option(
        "--wait",
        metavar="TIME",
        default=str(WAIT),
        callback=_seconds,
        help="How long to wait for a chat in use, such as 90s; 20s if left out.",
    )(command)


def with_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")(command)


def run_on(where: Where, work: Work, *, as_json: bool = False) -> Exit:
    """Run `work` on the chats that are meant; its exit code."""
    from runner.cli.loop import run_to_end
    from runner.cli.reports import reports_on_stderr

    with reports_on_stderr(Loudness()):
        try:
            return run_to_end(_obeyed(where, work))
        except NotImplementedError as error:
            raise click.ClickException(f"this storage cannot do that: {error}") from error
        except Exception as error:
            if as_json and not isinstance(error, click.ClickException):
                Output(sys.stdout).write_now(json_line(error_json(error, describe(error))))
            raise


async def tell(door: Door, form: Json | None, line: str) -> None:
    """Print a result: `form` as JSON if there is one, else the line, which is safe for a terminal."""
    await door.out.write(f"{line}\n" if form is None else json_line(form))


def counted(chats: int, entries: int) -> str:
    """`2 chats with 31 entries`."""
    nouns = "chat" if chats == 1 else "chats", "entry" if entries == 1 else "entries"
    return f"{chats:,} {nouns[0]} with {entries:,} {nouns[1]}"


async def _obeyed(where: Where, work: Work) -> Exit:
    from runner.cli.signals import Signals

    with Signals() as signals:
        door = Door(out=Output(sys.stdout), err=Output(sys.stderr), signals=signals, loudness=Loudness())

        async def in_place() -> Exit:
            async with opened(where) as kept:
                return await work(kept, door)

        code = await signals.obeyed(in_place())
    if door.out.problem is not None:
        await door.aside(f"error: standard output could not be written: {door.out.problem.strerror}")
    return door.exit(code)


def _seconds(_ctx: click.Context, _param: click.Parameter, text: str) -> float:
    from runner.durations import seconds

    try:
        return seconds(text)
    except ValueError as error:
        raise click.UsageError(f"--wait: {error}") from error
