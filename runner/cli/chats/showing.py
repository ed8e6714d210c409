"""`agent-run chats show`: a chat as the terminal told it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from runner.cli.chats.place import with_place
from runner.cli.chats.running import run_on, with_json
from runner.cli.exits import Exit

if TYPE_CHECKING:
    from runner.cli.chats.place import Kept, Where
    from runner.cli.door import Door

_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


@click.command("show")
@click.argument("chat")
@with_place
@with_json
def show(chat: str, where: Where, as_json: bool) -> Exit:
    """Show what was said and done in CHAT, as the terminal told it.

    With --json every entry is a line, its `content` and `meta` as they are stored, but for the bytes of files.
    """
    return run_on(where, partial(_show, chat=chat, as_json=as_json), as_json=as_json)


async def _show(kept: Kept, door: Door, *, chat: str, as_json: bool) -> Exit:
    from runner.cli.chats.eliding import without_bytes
    from runner.cli.chats.form import entry_line
    from runner.cli.transcript import show_text, transcript

    log = await kept.log(kept.key(chat))
    if as_json:
        for entry in log:
            await door.out.write(entry_line(without_bytes(entry)))
        return Exit.DONE
    mark = door.out.glyph("\u22c5 ", "- ")
    for number, (kind, told) in enumerate(transcript(log)):
        if kind == "text":
            await show_text(door.out, told)
            continue
        gap = "\n" if kind == "asked" and number else ""
        line = mark + told if kind == "call" else told
        await door.out.write(f"{gap}{_DIM}{line}{_PLAIN}\n" if door.out.has_style else f"{gap}{line}\n")
    return Exit.DONE
