"""Whether something may have changed, and whether it is quiet since."""

from __future__ import annotations

import asyncio

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
        try:
            self._loop.call_soon_threadsafe(self.note)
        except RuntimeError:  # the loop is closed: nobody waits
            return

    async def wait(self) -> None:
        """Until something was touched that `quiet` or `forget` has not answered yet."""
        await self._is_touched.wait()

    async def quiet(self) -> None:
        """Until something was touched, and then nothing for a while."""
        await self._is_touched.wait()
        while (rest := self._last + QUIET - self._loop.time()) > 0:
            await asyncio.sleep(rest)
        self._is_touched.clear()

    def forget(self) -> None:
        """Take what was touched until now for nothing."""
        self._is_touched.clear()
