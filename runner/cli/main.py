"""The command `agent-run`: finds the subcommand, and turns every error into one line and an exit code."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit, exit_for_error
from runner.cli.output import Output, prepare_streams
from runner.cli.screen import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_HELP = ["-h", "--help"]
_OBJECTS_OF_A_START = 100_000  # nearly all of them stay: the garbage collector would look through them for nothing


@dataclass(frozen=True, slots=True)
class Entry:
    """A subcommand: where it is (`module:command`, imported only when chosen) and its line in `--help`."""

    target: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "run": Entry("runner.cli.run:run", "Talk to an agent; `agent-run FILE` is the same."),
    "new": Entry("runner.cli.new:new", "Write a new agent that runs at once."),
    "test": Entry("runner.cli.test:conversations", "Hold scripted conversations with agents, and check every turn."),
    "validate": Entry(
        "runner.cli.validate:validate", "Check manifests and conversations; every problem with its place."
    ),
    "explain": Entry("runner.cli.explain:explain", "Tell what a diagnostic's code means, such as E102."),
    "graph": Entry("runner.cli.graph:graph", "Show what a manifest builds, and which key each part came from."),
    "chats": Entry("runner.cli.chats.group:chats", "List, show, move, repair and delete the chats that are kept."),
    "usage": Entry("runner.cli.usage:usage", "Sum up what stored chats have cost, by day, chat and model."),
    "cache": Entry("runner.cli.cache:cache", "List, make, refresh and delete an agent's context caches at Gemini."),
    "schema": Entry(
        "runner.cli.schema:schema", "Print the JSON schema of manifests or conversations, or write the project's own."
    ),
    "editor": Entry("runner.cli.editor:editor", "Make VS Code or a JetBrains IDE complete and check manifests."),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is chosen. With a `default`, what is no subcommand is its argument."""

    def __init__(self, *, table: Mapping[str, Entry], name: str, help: str, default: str | None = None) -> None:  # noqa: A002  # click's name
        super().__init__(name=name, help=help, context_settings={"help_option_names": _HELP})
        self.table, self.default = table, default

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand."""
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of subcommands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.table.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`FILE ...` and `--option ... FILE` mean the default subcommand."""
        if self.default and args and args[0] not in self.table and args[0] not in {*_HELP, "--version"}:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from runner import __version__

        click.echo(f"agent-run {__version__}")
        ctx.exit()


cli = LazyGroup(
    table=COMMANDS,
    default="run",
    name="agent-run",
    help="Run Gemini agents described in YAML.\n\n`agent-run FILE` opens a chat, `agent-run FILE MESSAGE` answers "
    "once. See `agent-run run --help` for the options of both.",
)
cli.params.append(
    click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_version,
        help="Show the version and exit.",
    )
)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code, and never raises. Without `args` the process is the command's own."""
    if args is not None:
        return _run(list(args))
    gc.set_threshold(_OBJECTS_OF_A_START)
    try:
        return _run(sys.argv[1:])
    finally:
        gc.freeze()  # what is left goes with the process


def _run(words: list[str]) -> int:
    prepare_streams()
    stdout = sys.stdout
    try:
        return int(cli.main(words, prog_name="agent-run", standalone_mode=False) or 0)
    except BaseException as error:  # noqa: BLE001  # the door: nothing goes past it
        if isinstance(error, BrokenPipeError) or sys.stdout is not stdout:  # click's way: `agent-run --help | head -1`
            sys.stdout = stdout
            Output(stdout).discard()
            return Exit.DONE
        return int(_told(error, debug="--debug" in words))


def _told(error: BaseException, *, debug: bool) -> int:
    """Write one line about `error` to stderr; the exit code it means."""
    from runner.cli.fitting import fitted, painted
    from runner.cli.lines import error_line, error_text

    err = Output(sys.stderr)
    match error:
        case SystemExit() if "_AGENT_RUN_COMPLETE" in os.environ:  # click's shell completion leaves this way
            return int(error.code or 0)
        case click.exceptions.NoArgsIsHelpError():
            err.write_now(f"{error.format_message()}\n")
            return Exit.USAGE
        case click.ClickException():
            err.write_now(f"{fitted(error_line(error.format_message() + _hint(error)), err)}\n")
            return Exit.USAGE
        case KeyboardInterrupt() | click.Abort():
            err.write_now("interrupted\n")
            return Exit.INTERRUPTED
    if debug:
        import traceback

        err.write_now(visible("".join(traceback.format_exception(error))))
    err.write_now(f"{painted(fitted(error_text(error), err), err)}\n")
    return exit_for_error(error)


def _hint(error: click.ClickException) -> str:
    """Where to read how the command is used."""
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f" (see {ctx.command_path} --help)" if ctx is not None else ""
