"""`agent-run run FILE [MESSAGE]`: a chat in a terminal, one answer, or an answer a line."""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli import stdin
from runner.cli.door import Door, Loudness
from runner.cli.greeting import tell_warnings
from runner.cli.lines import describe
from runner.cli.output import Output
from runner.cli.screen import visible_line
from runner.cli.variables import with_variables
from runner.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.agent import Agent
    from runner.cli.door import View
    from runner.cli.exits import Exit
    from runner.cli.signals import Signals
    from runner.cli.spent import Spent
    from runner.project import Project

_SUFFIXES = {".yaml", ".yml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `run`, as given."""

    model: str | None
    variables: dict[str, str]
    attached: tuple[str, ...]
    save: str | None
    chat: str | None
    continues: bool
    as_json: bool
    lines: bool
    no_reload: bool
    max_cost: float | None
    max_tokens: int | None
    quiet: bool
    verbose: bool
    debug: bool

    def spent(self) -> Spent:
        """What this run has spent: nothing yet."""
        from runner.cli.spent import Spent

        return Spent(self.max_tokens, self.max_cost)

    @property
    def loudness(self) -> Loudness:
        """How much is said beside the answer."""
        return Loudness(quiet=self.quiet, verbose=self.verbose or self.debug, debug=self.debug)


@click.command("run")
@click.argument("file")
@click.argument("message", nargs=-1, metavar="[MESSAGE]")
@click.option("--model", metavar="NAME", help="Use this model instead of the manifest's; `offline` needs no key.")
@click.option("--file", "attached", multiple=True, metavar="PATH", help="Send this file too; may be repeated.")
@click.option("--save", metavar="FOLDER", help="Write pictures and other files of the answer to it.")
@with_variables
@click.option("--chat", metavar="ID", help="Continue the chat ID, or begin it.")
@click.option("-c", "--continue", "continues", is_flag=True, help="Continue the agent's last chat.")
@click.option("--json", "as_json", is_flag=True, help="Print one event a line (JSON Lines).")
@click.option("--lines", is_flag=True, help="Make each line of standard input a turn of one chat.")
@click.option("--no-reload", is_flag=True, help="Do not load the agent again when its files change during a chat.")
@click.option("--max-cost", type=click.FloatRange(min=0, min_open=True), metavar="USD", help="Stop at this cost.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Stop at so many tokens.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing beside the answer but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Say more: steps, tokens, retries.")
@click.option("--debug", is_flag=True, help="Log everything to stderr, and show where errors come from.")
def run(file: str, message: tuple[str, ...], **given: object) -> int:
    """Talk to the agent described in FILE.

    In a terminal this opens a chat. With MESSAGE, or with text piped in, it answers once: the answer alone goes to
    standard output. Text piped in beside MESSAGE is added to it. Files need no message.
    """
    options = Options(**given)  # type: ignore[arg-type]  # click made them as declared above
    if len(message) > 1:
        raise click.UsageError(f'put the message in quotes: "{" ".join(message)}"')
    words = _as_utf8(message[0]) if message else None
    _check(words, options)
    try:
        _check_exists(file)
        return _talk(file, words, options)
    except Exception as error:
        if options.as_json and not isinstance(error, click.ClickException):
            from runner.cli.jsonl import error_json, json_line

            Output(sys.stdout).write_now(json_line(error_json(error, describe(error))))
        raise


def _as_utf8(word: str) -> str:
    """An argument as it was typed: where the locale has no encoding for it, Python has kept its bytes."""
    try:
        return os.fsencode(word).decode()
    except UnicodeError as error:
        raise click.UsageError("the message is not UTF-8 text") from error


def _check(message: str | None, options: Options) -> None:
    if options.chat is not None and options.continues:
        raise click.UsageError("--chat and --continue exclude each other")
    if options.chat is not None and not options.chat.strip():
        raise click.UsageError("--chat needs an id that is not empty")
    if options.quiet and (options.verbose or options.debug):
        raise click.UsageError("--quiet excludes --verbose and --debug")
    if options.lines and message is not None:
        raise click.UsageError("--lines reads its messages from standard input: leave the message out")
    if options.save is not None and os.path.isfile(options.save):  # noqa: PTH113  # Path's raises where it may not look
        raise click.UsageError(f"--save needs a folder, and {visible_line(options.save)} is a file")
    if message is not None or options.attached or options.lines or not stdin.is_terminal():
        return
    if options.as_json:
        raise click.UsageError("--json needs a message, piped input or --lines")
    if not Output(sys.stdout).is_terminal:
        raise click.UsageError("a chat needs a terminal, and standard output is none: give a message")


def _check_exists(file: str) -> None:
    path = Path(file)
    if path.exists():
        return
    shown = visible_line(file)
    if path.suffix in _SUFFIXES or path.parent != Path():
        raise ManifestError(f"no such file{_meant(_neighbours(path), file)}", path=file)
    from runner.cli.main import COMMANDS

    if file in COMMANDS:
        raise click.UsageError(f"options come after the command: agent-run {shown} ...")
    raise click.UsageError(f"no such file or command: {shown}{_meant([*COMMANDS, *_neighbours(path)], file)}")


def _neighbours(path: Path) -> list[str]:
    try:
        return [str(other) for other in path.parent.iterdir() if other.suffix in _SUFFIXES]
    except OSError:
        return []


def _meant(known: list[str], given: str) -> str:
    nearest = difflib.get_close_matches(given, known, n=1)
    return f"; did you mean {visible_line(nearest[0])}?" if nearest else ""


def _talk(file: str, message: str | None, options: Options) -> Exit:
    from runner.agent import Agent
    from runner.cli.loop import run_to_end
    from runner.cli.reports import reports_on_stderr
    from runner.loading import load_manifest

    with reports_on_stderr(options.loudness):
        if message is None and stdin.is_terminal() and not options.lines and not options.attached:
            return run_to_end(_chat(_project(file, options), options))
        loaded = load_manifest(file, variables=options.variables)
        files = _attached(options.attached) if options.attached else []
        text = None if options.lines else _whole_message(message, is_optional=bool(files))
        agent = Agent(loaded, model=options.model, offline_without_key=True)  # not before there is a message for it
        return run_to_end(_answer(agent, text, files, options))


def _attached(names: tuple[str, ...]) -> list[str | Path]:
    from runner.cli.attached import named_files

    return named_files(names)


def _project(file: str, options: Options) -> Project:
    from runner.project import Project

    return Project(
        file,
        reload=not options.no_reload,
        variables=options.variables,
        model=options.model,
        offline_without_key=True,
    )


def _whole_message(message: str | None, *, is_optional: bool) -> str:
    """The message and what is piped in beside it."""

    def say() -> None:
        Output(sys.stderr).write_now("reading standard input; to leave it out: < /dev/null\n")

    piped = "" if stdin.is_terminal() else stdin.read_all(say)
    whole = "\n\n".join(text for text in (message, piped) if text and text.strip())
    if not whole and not is_optional:
        raise click.UsageError("no message: give one as an argument or on standard input")
    return whole


async def _chat(project: Project, options: Options) -> Exit:
    from runner.cli.signals import Signals
    from runner.cli.terminal import TerminalChat
    from runner.schemas.project import refresh_beside

    with Signals() as signals:
        door = _door(signals, options)

        async def talk() -> Exit:
            async with project:
                refresh_beside(project.agent.root)  # what editors complete this project's tools from
                chat = TerminalChat(project, door, _view(door, options, lambda: project.agent), options.spent())
                return await chat.talk(await _chat_id(project.agent, door, options))

        return await signals.obeyed(talk())


async def _answer(agent: Agent, message: str | None, files: Sequence[str | Path], options: Options) -> Exit:
    from runner.cli.once import Once
    from runner.cli.signals import Signals

    with Signals() as signals:
        door = _door(signals, options)
        view = _view(door, options, lambda: agent)

        async def talk() -> Exit:
            async with agent:
                await _tell_notices(agent, door, options)
                await tell_warnings(agent, door)
                chat_id = await _chat_id(agent, door, options)
                once = Once(agent, chat_id, door, view, options.spent())
                return await (once.answer_lines(files) if message is None else once.answer(message, files))

        code = await signals.obeyed(talk())
        if door.out.problem is not None:
            await door.aside(f"error: the answer could not be written: {door.out.problem.strerror}")
        return code


def _door(signals: Signals, options: Options) -> Door:
    return Door(out=Output(sys.stdout), err=Output(sys.stderr), signals=signals, loudness=options.loudness)


def _view(door: Door, options: Options, agent: Callable[[], Agent]) -> Callable[[Door], View]:
    """What shows the turns of the agent that there is when one begins."""
    from runner.cli.saving import SavingView

    if options.as_json:
        from runner.cli.jsonl import JsonView

        return JsonView if options.save is None else lambda door: SavingView(JsonView(door), door, options.save)
    return lambda door: SavingView(_text_view(door, agent(), options), door, options.save)


def _text_view(door: Door, agent: Agent, options: Options) -> View:
    from runner.cli.values import with_values

    view: View
    if door.out.can_draw:
        from runner.cli.drawn import DrawnView

        view = DrawnView(door, cites=bool(agent.toolbox.built_in) and not options.quiet)
    else:
        from runner.cli.plain import PlainView

        view = PlainView(door)
    return with_values(view, door, has_form=agent.output is not None)


async def _tell_notices(agent: Agent, door: Door, options: Options) -> None:
    """Say what stands in for what was asked for, even where quiet was asked for."""
    for notice in agent.notices:
        if options.as_json:
            from runner.cli.jsonl import json_line

            await door.out.write(json_line(notice.to_json()))
        await door.aside(visible_line(notice.message))


async def _chat_id(agent: Agent, door: Door, options: Options) -> str:
    from runner.chats import new_chat_id

    if options.chat is not None:
        return options.chat
    if not options.continues:
        return new_chat_id()
    latest = await agent.latest_chat()
    if latest is None:
        if not options.quiet:
            await door.aside("there is no chat to continue: this is a new one")
        return new_chat_id()
    return latest
