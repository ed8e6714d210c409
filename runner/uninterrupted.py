"""Work that a cancellation does not cut in two."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from runner.begun import begun

if TYPE_CHECKING:
    from collections.abc import Coroutine


async def uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end, however often the caller is cancelled meanwhile; that is raised only then.

    It runs in a task of its own, and at once up to its first wait: what never waits costs no turn of the loop.
    """
    task = begun(work)
    if task.done():
        task.result()
        return
    ended = asyncio.Event()
    task.add_done_callback(lambda _: ended.set())
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await ended.wait()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from task.exception()
    task.result()
