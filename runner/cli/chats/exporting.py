"""`agent-run chats export`: chats as JSON Lines, or one as a request's body, or as a test."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from runner.cli.chats.as_test import TestWriter
from runner.cli.chats.eliding import SeenChats
from runner.cli.chats.form import end_line, entry_line, head_line
from runner.cli.chats.place import with_place
from runner.cli.chats.running import counted, run_on
from runner.cli.exits import Exit
from runner.cli.screen import visible_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.cli.chats.as_test import Sink
    from runner.cli.chats.place import Kept, Where
    from runner.cli.door import Door


@click.command("export")
@click.argument("chats", nargs=-1, metavar="[CHAT]...")
@with_place
@click.option("--all", "is_all", is_flag=True, help="Every chat.")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, which only its owner may read.")
@click.option("--as-gemini", is_flag=True, help='Write one chat as Gemini\'s own JSON, {"contents": [...]}.')
@click.option("--as-test", is_flag=True, help="Write one chat as a conversations file for `agent-run test`.")
@click.option("--case", "is_case", is_flag=True, help="With --as-test: the case alone, to paste into a file.")
@click.option("--scripted", "is_scripted", is_flag=True, help="With --as-test: its replies as the scripted model's.")
@click.option("--stubs", "has_stubs", is_flag=True, help="With --as-test: its tools' results as stubs.")
def export(
    chats: tuple[str, ...],
    where: Where,
    is_all: bool,
    output: str | None,
    as_gemini: bool,
    as_test: bool,
    **of_test: bool,
) -> Exit:
    """Write chats as JSON Lines, exactly as they are stored, for `agent-run chats import`.

    With --as-gemini it is the history that Gemini would be sent, ready to be posted once a message is added. With
    --as-test it is a test of its turns and tool calls; what was answered stands in it as comments. A terminal is not
    shown the bytes of files.
    """
    if is_all == bool(chats):
        raise click.UsageError("name the chats to export, or all of them with --all")
    if as_gemini and as_test:
        raise click.UsageError("--as-gemini and --as-test exclude each other")
    if (as_gemini or as_test) and len(chats) != 1:
        raise click.UsageError(f"--as-{'gemini' if as_gemini else 'test'} writes one chat")
    if any(of_test.values()) and not as_test:
        raise click.UsageError("--case, --scripted and --stubs belong to --as-test")
    test = TestWriter(agent=where.agent, output=output, **of_test) if as_test else None
    write = test or (_write_gemini if as_gemini else _write_chats)
    work = partial(_export, chats=chats, output=None if output == "-" else output, write=write)
    return run_on(where, work)


async def _export(kept: Kept, door: Door, *, chats: Sequence[str], output: str | None, write: _Writer) -> Exit:
    if output is None:
        seen = SeenChats(kept)
        await write(seen if door.out.is_terminal else kept, chats, door.out)
        if seen.has_left_out:
            await door.aside("the bytes of files are left out here: -o FILE writes them too")
        return Exit.DONE
    path = Path(output)
    try:
        with _File(path) as file:
            told = await write(kept, chats, file)
    except OSError as error:
        raise click.ClickException(f"{visible_line(output)} cannot be written: {error.strerror or error}") from error
    await door.aside(f"{told} written to {visible_line(output)}")
    if isinstance(write, TestWriter):
        await write.tell_problems(door)
    return Exit.DONE


class _Writer(Protocol):
    async def __call__(self, kept: Kept, chats: Sequence[str], out: Sink) -> str: ...


async def _write_chats(kept: Kept, chats: Sequence[str], out: Sink) -> str:
    """Write whole chats; what was written, in words."""
    from runner.chats import named

    count = entries = 0
    async for key, log in kept.logs(chats):
        await out.write(head_line(*named(key), len(log)))
        for entry in log:
            await out.write(entry_line(entry))
        count, entries = count + 1, entries + len(log)
    await out.write(end_line(count))
    return counted(count, entries)


async def _write_gemini(kept: Kept, chats: Sequence[str], out: Sink) -> str:
    """Write the history of one chat as Gemini accepts it: what is open in it is closed, as the next turn would."""
    from datetime import UTC, datetime

    from runner.recovery import closing
    from runner.rendering import history

    log = await kept.log(kept.key(chats[0]))
    contents = ",\n".join(entry.content_json for entry in history([*log, *closing(log, datetime.now(UTC).isoformat())]))
    await out.write(f'{{"contents":[\n{contents}\n]}}\n')
    return "1 chat"


class _File:
    """A file that takes its place when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> _File:
        descriptor, self._name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="\n")
        return self

    async def write(self, text: str) -> None:
        """Write `text`."""
        self._file.write(text)

    def __exit__(self, kind: object, *exc_info: object) -> None:
        temporary = Path(self._name)
        try:
            with self._file:
                self._file.flush()
            if kind is None:
                temporary.replace(self._path)
        finally:
            temporary.unlink(missing_ok=True)
