"""`agent-run chats fork`: a chat, or its first turns, once more."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from runner.cli.chats.place import with_place
from runner.cli.chats.running import run_on, tell, with_json, with_wait
from runner.cli.exits import Exit

if TYPE_CHECKING:
    from runner.cli.chats.place import Kept, Where
    from runner.cli.door import Door
    from runner.messages import ChatMessage


@click.command("fork")
@click.argument("chat")
@with_place
@click.option("--turn", type=click.IntRange(min=1), metavar="N", help="Copy the first N turns; all if left out.")
@click.option("--as", "new", metavar="CHAT", help="The id of the copy; a fresh one if left out.")
@with_wait
@with_json
def fork(chat: str, where: Where, turn: int | None, new: str | None, wait: float, as_json: bool) -> Exit:
    """Copy CHAT under a new id, which is printed. CHAT itself stays as it is.

    What is open in the copy is closed, as the next turn would: no tool runs.
    """
    if new == "":
        raise click.UsageError("--as needs an id that is not empty")
    return run_on(where, partial(_fork, chat=chat, turn=turn, new=new, wait=wait, as_json=as_json), as_json=as_json)


async def _fork(
    kept: Kept, door: Door, *, chat: str, turn: int | None, new: str | None, wait: float, as_json: bool
) -> Exit:
    from runner.chats import named, new_chat_id, prefix_of, utc_now
    from runner.recovery import closing

    source = kept.key(chat)
    log = await kept.log(source)
    copied = log if turn is None else _first_turns(log, turn)
    copied = [*copied, *closing(copied, utc_now().isoformat(timespec="milliseconds"))]
    key = prefix_of(named(source)[0]) + (new or new_chat_id())
    if await kept.storage.read_after(key, 0):
        raise click.ClickException(f'there is a chat "{kept.shown(key)}" already: give another id with --as')
    async with await kept.storage.acquire(key, timeout=wait):
        await kept.storage.append(key, copied, 0)
    await tell(door, kept.form(key, entries=len(copied)) if as_json else None, kept.shown(key))
    return Exit.DONE


def _first_turns(log: list[ChatMessage], count: int) -> list[ChatMessage]:
    begins = [index for index, entry in enumerate(log) if entry.kind == "user"]
    if count > len(begins):
        turns = "1 turn" if len(begins) == 1 else f"{len(begins)} turns"
        raise click.ClickException(f"--turn {count}: the chat has {turns}")
    return log if count == len(begins) else log[: begins[count]]
