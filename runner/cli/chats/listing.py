"""`agent-run chats list`: a page of the chats that are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from runner.cli.chats.place import with_place
from runner.cli.chats.running import run_on, tell, with_json
from runner.cli.exits import Exit

if TYPE_CHECKING:
    from runner.cli.chats.place import Kept, Where
    from runner.cli.door import Door
    from runner.storages.base import ChatInfo

_LONGEST = 60  # characters of an id in a terminal
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@click.command("list")
@with_place
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, help="At most so many; 100 if left out.")
@click.option("--after", metavar="PLACE", help="The page behind the one that ended with this place in the list.")
@with_json
def list_(where: Where, limit: int, after: str | None, as_json: bool) -> Exit:
    """List chats, the one written to last first.

    Where there are more, the last line says with which --after the next page begins.
    """
    return run_on(where, partial(_list, limit=limit, after=after, as_json=as_json), as_json=as_json)


async def _list(kept: Kept, door: Door, *, limit: int, after: str | None, as_json: bool) -> Exit:
    from runner.storages.base import ChatInfo

    behind = None if after is None else ChatInfo("", 0, _FIRST, after)
    try:
        found = await kept.storage.list_chats(kept.prefix, limit=limit + 1, after=behind)
    except ValueError as error:
        raise click.ClickException(f"--after: {error}") from error
    page = found[:limit]
    if as_json:
        for info in page:
            updated = info.updated.astimezone(UTC).isoformat(timespec="milliseconds")
            await tell(door, kept.form(info.chat_id, entries=info.length, updated=updated, after=info.position), "")
    elif page:
        await door.out.write(_table(kept, page, None if not door.out.is_terminal else _LONGEST))
    else:
        await door.aside("no chats")
    if len(found) > limit and not as_json:
        await door.aside(f"there are more: --after {page[-1].position}")
    return Exit.DONE


def _table(kept: Kept, page: list[ChatInfo], longest: int | None) -> str:
    from rich.cells import cell_len

    from runner.cli.screen import visible_line

    names = [visible_line(kept.called(info.chat_id), longest) for info in page]
    width = max(4, *map(cell_len, names))
    rows = [f"{'CHAT':<{width}}  ENTRIES  LAST WRITTEN TO\n"]
    for name, info in zip(names, page, strict=True):
        written = info.updated.astimezone().strftime("%Y-%m-%d %H:%M")
        rows.append(f"{name}{' ' * (width - cell_len(name))}  {info.length:>7}  {written}\n")
    return "".join(rows)
