"""`agent-run chats delete`: chats deleted, after a question."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from runner.cli import stdin
from runner.cli.chats.place import with_place
from runner.cli.chats.running import run_on, tell, with_json, with_wait
from runner.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.cli.chats.place import Kept, Where
    from runner.cli.door import Door

_NAMED = 5  # chats that the question names


@click.command("delete")
@click.argument("chats", nargs=-1, required=True, metavar="CHAT...")
@with_place
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@with_wait
@with_json
def delete(chats: tuple[str, ...], where: Where, yes: bool, wait: float, as_json: bool) -> Exit:
    """Delete each CHAT for good; asks first in a terminal, elsewhere --yes is needed."""
    if not yes and not stdin.is_terminal():
        raise click.UsageError("deleting needs --yes where nobody can be asked")
    work = partial(_delete, chats=tuple(dict.fromkeys(chats)), yes=yes, wait=wait, as_json=as_json)
    return run_on(where, work, as_json=as_json)


async def _delete(kept: Kept, door: Door, *, chats: Sequence[str], yes: bool, wait: float, as_json: bool) -> Exit:
    keys = [kept.key(chat) for chat in chats]
    for key in keys:
        await kept.log(key)
    if not yes and not await _agreed(kept, door, keys):
        await door.aside("nothing was deleted")
        return Exit.DONE
    for key in keys:
        async with await kept.storage.acquire(key, timeout=wait):
            await kept.storage.delete(key)
        await tell(door, kept.form(key) if as_json else None, f"deleted {kept.shown(key)}")
    return Exit.DONE


async def _agreed(kept: Kept, door: Door, keys: Sequence[str]) -> bool:
    names = ", ".join(map(kept.shown, keys[:_NAMED])) + (", ..." if len(keys) > _NAMED else "")
    noun = "chat" if len(keys) == 1 else "chats"
    await door.err.write(f"delete {len(keys)} {noun} for good: {names}? [y/N] ")
    answer = await asyncio.to_thread(sys.stdin.readline)
    return answer.strip().lower() in {"y", "yes"}
