"""`Retention`: chats that nobody writes to any more are deleted after a while."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from runner.errors import AgentRunError
from runner.messages import to_json
from runner.storages.lease import awake_time

if TYPE_CHECKING:
    from runner.storages.base import ChatStorage

EVERY = 3600.0
"""Seconds between two looks for old chats, over all processes that share the storage."""
_JUMP = 60.0  # seconds by which a clock may be put right without anyone's noticing
_PATIENCE = 5.0  # seconds that closing waits for a look under way

_log = logging.getLogger("agent_run")


class Retention:
    """Deletes the chats of one agent, those whose key begins with `prefix`, that were not written to for `seconds`.

    One in use stays. `begin` looks for them in a task of its own, at most once an hour over all who share the storage;
    when the machine's clock was put forward since the last look, not before an hour has passed by another clock.
    """

    def __init__(self, storage: ChatStorage, prefix: str, seconds: float) -> None:
        self._storage, self._prefix, self._seconds = storage, prefix, seconds
        self._looked = -EVERY
        self._offset = _offset()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look for old chats, unless this was done within the hour."""
        now = time.monotonic()
        if now - self._looked >= EVERY:
            self._looked = now
            self._task = asyncio.get_running_loop().create_task(self._look())

    async def apply(self) -> int:
        """Delete the old chats now; how many there were."""
        try:
            before = datetime.now(UTC) - timedelta(seconds=self._seconds)
        except OverflowError:  # longer ago than there are dates
            return 0
        return await self._storage.delete_older(self._prefix, before)

    async def aclose(self) -> None:
        """Let a look under way come to its end, or stop it after a few seconds: the next one goes on."""
        task, self._task = self._task, None
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            return
        await asyncio.wait({task}, timeout=_PATIENCE)
        if not task.done():
            task.cancel()
            await asyncio.wait({task})

    async def _look(self) -> None:
        try:
            if self._clock_was_put_forward():
                _log.warning("retention: the machine's clock was put forward; old chats are looked for in an hour")
            elif await self._is_first():
                count = await self.apply()
                if count:
                    _log.info("retention: %d old %s deleted", count, "chat was" if count == 1 else "chats were")
        except (AgentRunError, NotImplementedError) as error:
            _log.warning("retention: old chats could not be deleted: %s", error)

    def _clock_was_put_forward(self) -> bool:
        before, self._offset = self._offset, _offset()
        return self._offset - before > _JUMP

    async def _is_first(self) -> bool:
        """Whether nobody else has looked within the hour; from now on we have."""
        shared, key, now = self._storage.shared, f"retention {self._prefix}", time.time()
        last = await shared.get(key)
        if last is not None and 0 <= now - json.loads(last.text)["at"] < EVERY:
            return False
        return await shared.put_if(key, to_json({"at": now}), last.version if last else None) is not None


def _offset() -> float:
    """How far the wall clock is ahead of one that nobody can set."""
    return time.time() - awake_time()
