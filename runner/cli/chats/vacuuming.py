"""`agent-run chats vacuum`: a storage made as small as what it keeps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from runner.cli.chats.place import with_place
from runner.cli.chats.running import run_on, tell, with_json
from runner.cli.exits import Exit

if TYPE_CHECKING:
    from runner.cli.chats.place import Kept, Where
    from runner.cli.door import Door


@click.command("vacuum")
@with_place
@with_json
def vacuum(where: Where, as_json: bool) -> Exit:
    """Delete what is older than the `retention` of the manifest in --agent, and give unused room back.

    Leases whose owners have died are dropped; where leases are held, finding that out takes about 15 seconds.
    """
    return run_on(where, partial(_vacuum, as_json=as_json), as_json=as_json)


async def _vacuum(kept: Kept, door: Door, *, as_json: bool) -> Exit:
    from runner.retention import Retention

    deleted = 0
    if kept.retention is not None:
        deleted = await Retention(kept.storage, kept.prefix, kept.retention).apply()
    await kept.storage.vacuum()
    noun = "chat" if deleted == 1 else "chats"
    await tell(door, {"deleted": deleted} if as_json else None, f"{deleted} old {noun} deleted, unused room given back")
    return Exit.DONE
