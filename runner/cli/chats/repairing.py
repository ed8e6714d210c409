"""`agent-run chats repair`: what a crash left open is closed, as the next turn would."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from runner.cli.chats.place import with_place
from runner.cli.chats.running import run_on, tell, with_json, with_wait
from runner.cli.exits import Exit
from runner.cli.lines import call_line, result_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.cli.chats.place import Kept, Where
    from runner.cli.door import Door
    from runner.messages import ChatMessage

_NOTHING: Sequence[ChatMessage] = ()


@click.command("repair")
@click.argument("chats", nargs=-1, metavar="[CHAT]...")
@with_place
@click.option("--all", "is_all", is_flag=True, help="Every chat.")
@with_wait
@with_json
def repair(chats: tuple[str, ...], where: Where, is_all: bool, wait: float, as_json: bool) -> Exit:
    """Close what is open in each CHAT, and say what it was. No tool runs and nothing stored is changed.

    The next turn of a chat does the same by itself.
    """
    if is_all == bool(chats):
        raise click.UsageError("name the chats to repair, or all of them with --all")
    return run_on(where, partial(_repair, chats=chats, wait=wait, as_json=as_json), as_json=as_json)


async def _repair(kept: Kept, door: Door, *, chats: Sequence[str], wait: float, as_json: bool) -> Exit:
    from runner.chats import ChatManager
    from runner.recovery import closing

    manager = ChatManager(kept.storage)
    repaired = 0
    async for key, found in kept.logs(chats):
        log, closed = found, _NOTHING
        if closing(found, ""):
            async with manager.open(key, timeout=wait) as chat:
                log, closed = chat.log, chat.closed
        if closed or chats:
            repaired += bool(closed)
            results = [kind for entry in closed for kind in entry.meta.get("results", ())]
            form = kept.form(key, closed=len(closed), results=results)
            await tell(door, form if as_json else None, f"{kept.shown(key)}: {_told(log, closed)}")
    if not chats and not repaired:
        await door.aside("nothing was open")
    return Exit.DONE


def _told(log: Sequence[ChatMessage], closed: Sequence[ChatMessage]) -> str:
    """`turn 3 was open: send_mail(to="Ann") outcome unknown`."""
    if not closed:
        return "nothing was open"
    turn = f"turn {closed[-1].meta.get('turn', 0)} was open and is closed as interrupted"
    kinds = [kind for entry in closed for kind in entry.meta.get("results", ())]
    asked = next((entry for entry in reversed(log) if entry.kind == "model"), None)
    calls = [call_line(str(call.get("name")), call.get("args") or {}) for call in (asked.calls if asked else ())]
    ends = [result_line(call, kind, {}) for call, kind in zip(calls, kinds, strict=False)]
    return "; ".join([turn, *ends])
