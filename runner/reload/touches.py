"""Whether something may have changed, and whether it is quiet since."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

QUIET = 0.15
"""Seconds without a change after which a save is taken to be complete."""


class Touches:
    """Notes touches, and waits for them and for the quiet after them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_touched = asyncio.Event()
        self._last = 0.0

    def note(self) -> None:
        """Something may have changed just now."""
        self._last = self._loop.time()
        self._is_touched.set()

    def note_from_thread(self) -> None:
        """The same, from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self.note)

    async def wait(self) -> None:
        """Until something was touched that `quiet` or `forget` has not answered yet."""
        await self._is_touched.wait()

    async def quiet(self, paths: Collection[Path]) -> None:
        """Until something was touched, and then nothing for a while; nor were these files, as they say themselves."""
        await self._is_touched.wait()
        while (rest := QUIET - min(self._loop.time() - self._last, _age(paths))) > 0:  # noqa: ASYNC110  # it is known
            await asyncio.sleep(rest)
        self._is_touched.clear()

    def forget(self) -> None:
        """Take what was touched until now for nothing."""
        self._is_touched.clear()


def _age(paths: Collection[Path]) -> float:
    """The seconds since one of the files was written or put in its place; what lies in the future does not count."""
    now, age = time.time(), float("inf")
    for path in paths:
        with suppress(OSError, ValueError):
            age = min(age, abs(now - path.stat().st_ctime))
    return age
