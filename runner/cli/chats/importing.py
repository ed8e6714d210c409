"""`agent-run chats import`: exported chats stored, once the whole file is known to be right."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from runner.cli import stdin
from runner.cli.chats.form import filed_chats
from runner.cli.chats.place import with_place
from runner.cli.chats.running import run_on, tell, with_json, with_wait
from runner.cli.exits import Exit
from runner.cli.screen import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.chats.form import FiledChat
    from runner.cli.chats.place import Kept, Where
    from runner.cli.door import Door
    from runner.messages import ChatMessage
    from runner.storages.base import ChatStorage

_IN_MEMORY = 50_000_000  # bytes of standard input, before they are put into a file


@click.command("import")
@click.argument("file", required=False)
@with_place
@click.option("--replace", is_flag=True, help="Replace chats that exist already.")
@click.option("--as", "new", metavar="CHAT", help="Store the one chat of the file under this id.")
@with_wait
@with_json
def import_(file: str | None, where: Where, replace: bool, new: str | None, wait: float, as_json: bool) -> Exit:
    """Store the chats of FILE, or of standard input, as `agent-run chats export` wrote them.

    They are kept under the names of their agents, or under that of --agent or --name. The whole file is checked first:
    of one that is torn, or holds a chat that exists already, nothing is stored.
    """
    if new == "":
        raise click.UsageError("--as needs an id that is not empty")
    with _opened(file) as lines:
        source = _Source(lines, "standard input" if file in {None, "-"} else visible_line(str(file)))
        work = partial(_import, source=source, replace=replace, new=new, wait=wait, as_json=as_json)
        return run_on(where, work, as_json=as_json)


@contextmanager
def _opened(file: str | None) -> Iterator[IO[bytes]]:
    """The file, or what is piped in, to be read more than once."""
    if file is None and stdin.is_terminal():
        raise click.UsageError("give a FILE, or pipe an export in")
    try:
        with sys.stdin.buffer if file in {None, "-"} else Path(str(file)).open("rb") as given:
            if given.seekable():
                yield given
                return
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
                shutil.copyfileobj(given, spool)
                yield spool
    except OSError as error:
        raise click.ClickException(f"{visible_line(str(file))} cannot be read: {error.strerror or error}") from error


class _Source:
    """The chats of a file, read once to check it and once more to store them."""

    def __init__(self, lines: IO[bytes], name: str) -> None:
        self._lines, self.name = lines, name

    def chats(self) -> Iterator[FiledChat]:
        self._lines.seek(0)
        return filed_chats(self._lines, self.name)


async def _import(
    kept: Kept, door: Door, *, source: _Source, replace: bool, new: str | None, wait: float, as_json: bool
) -> Exit:
    await _check(kept, source, replace=replace, new=new)
    for chat in source.chats():
        key = _key(kept, chat, new)
        async with await kept.storage.acquire(key, timeout=wait):
            if not replace and await kept.storage.read_after(key, 0):
                raise _in_the_way(kept, source, chat, key, "; what came before it was stored")
            await _store(kept.storage, key, chat.entries)
        await tell(door, kept.form(key, entries=len(chat.entries)) if as_json else None, f"imported {kept.shown(key)}")
    return Exit.DONE


async def _check(kept: Kept, source: _Source, *, replace: bool, new: str | None) -> None:
    """Read the whole file; refuse it where it is wrong, or where a chat is in the way."""
    places: dict[str, int] = {}
    for chat in source.chats():
        key, where = _key(kept, chat, new), f"{source.name}:{chat.line}"
        if new is not None and places:
            raise click.ClickException(f"{where}: --as is for a file of one chat, and here begins another")
        if key in places:
            raise click.ClickException(f"{where}: the chat of line {places[key]} comes once more; nothing was stored")
        if not replace and await kept.storage.read_after(key, 0):
            raise _in_the_way(kept, source, chat, key, "; nothing was stored")
        places[key] = chat.line


async def _store(storage: ChatStorage, key: str, entries: list[ChatMessage]) -> None:
    """In one step, whatever the chat's size: an append may be larger than a storage takes at once."""
    try:
        await storage.update_history(key, entries)
    except NotImplementedError:
        await storage.append(key, entries, 0)


def _in_the_way(kept: Kept, source: _Source, chat: FiledChat, key: str, so_far: str) -> click.ClickException:
    return click.ClickException(
        f'{source.name}:{chat.line}: there is a chat "{kept.shown(key)}" already: replace it with --replace, or give'
        f" this one another id with --as{so_far}"
    )


def _key(kept: Kept, chat: FiledChat, new: str | None) -> str:
    from runner.chats import prefix_of

    return (kept.prefix or prefix_of(chat.agent)) + (chat.chat if new is None else new)
