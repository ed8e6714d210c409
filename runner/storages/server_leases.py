"""Leases kept on a server, whatever its kind."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from typing import TYPE_CHECKING, Protocol

from runner.errors import ChatStorageError
from runner.storages.claims import Claims
from runner.storages.keys import chat_key
from runner.storages.lease import Watch
from runner.storages.processes import is_gone
from runner.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.storages.lease import Holder, Lease

_CLAIMS = Claims()
_OVER: deque[str] = deque(maxlen=1000)
"""Owners of this process that gave their leases up, last of all; on a server that was away they may still stand."""
_LOOKS = 6  # at the leases, while the lease time passes
_PATIENCE = 0.5  # seconds that closing waits for leases to be freed; what is not freed by then lapses
_log = logging.getLogger("agent_run")


class LeaseRows(Protocol):
    """The leases of a server by key. Each method is one atomic step there, and doing it twice does no harm."""

    async def take(self, key: bytes, owner: str, replaced: Holder | None) -> tuple[Holder, str]:
        """Give the lease to `owner` if it is free or still as `replaced` says; the holder now, its process's mark."""

    async def renew(self, key: bytes, owner: str, epoch: int) -> bool:
        """Move the counter; False when another has the lease."""

    async def drop(self, key: bytes, owner: str) -> None:
        """Free the lease if `owner` has it."""

    async def all(self) -> list[tuple[Holder, str]]:
        """Every holder, and the mark of its process."""

    async def drop_unchanged(self, holder: Holder) -> None:
        """Free the lease that is still as `holder` says."""


class ServerLeases:
    """A `LeaseStore`. Before the server, a chat is claimed inside the process, so that only one task asks the server.

    `key_of` makes the key of a chat id, or of the name of something else that is leased.
    """

    def __init__(self, rows: LeaseRows, lease_time: float, key_of: Callable[[str], bytes] = chat_key) -> None:
        self.lease_time = lease_time
        self._rows = rows
        self._key_of = key_of
        self._held: dict[str, Holder] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._process = os.getpid()

    async def take(self, chat_id: str, owner: str, silent: Holder | None) -> Holder:
        """The holder now: `owner`, if the lease was free, its process has ended, or it is still as `silent` says."""
        self._forget_parent()
        nearest = _CLAIMS.take(self, chat_id, owner)
        if nearest.owner != owner:
            return nearest
        former = self._held.get(chat_id)  # there is one if its event loop was closed: the claim is ours now
        if former is not None:
            _OVER.append(former.owner)
        found: list[Holder] = []

        async def take() -> None:
            key = self._key_of(chat_id)
            holder, process = await self._rows.take(key, owner, silent)
            if holder.owner != owner and (holder.owner in _OVER or is_gone(process)):
                holder, _ = await self._rows.take(key, owner, holder)
            found.append(holder)

        await uninterrupted(take())  # cut off, it might still arrive, after what frees the lease again
        (holder,) = found
        if holder.owner == owner:
            self._held[chat_id] = holder
        return holder

    async def renew(self, chat_id: str, owner: str, epoch: int) -> bool:
        """Move the counter; False when another has the lease."""
        held = self._held.get(chat_id)
        if held is None or held.owner != owner:
            return False
        return await self._rows.renew(self._key_of(chat_id), owner, epoch)

    async def drop(self, chat_id: str, owner: str) -> None:
        """Free the lease if `owner` has it."""
        held = self._held.get(chat_id)
        if held is not None and held.owner == owner:
            del self._held[chat_id]
            _OVER.append(owner)
            await uninterrupted(self._dropped(chat_id, owner))

    def forget(self, chat_id: str, owner: str) -> None:
        """Free the lease in a task of its own, which `aclose` awaits."""
        if not _CLAIMS.holds(self, chat_id, owner):
            return
        self._held.pop(chat_id, None)
        _OVER.append(owner)
        task = asyncio.get_running_loop().create_task(self._dropped_quietly(chat_id, owner))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def aclose(self) -> None:
        """Free whatever is still held, as far as the server answers soon."""
        self._forget_parent()
        for chat_id, holder in list(self._held.items()):
            self.forget(chat_id, holder.owner)
        here = asyncio.get_running_loop()
        if leaving := [task for task in self._leaving if task.get_loop() is here]:
            _, late = await asyncio.wait(leaving, timeout=_PATIENCE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def held(self, chat_id: str) -> Holder | None:
        """The lease that is held here, on which a write is to depend."""
        self._forget_parent()
        return self._held.get(chat_id)

    def freed(self, lease: Lease) -> None:
        """Forget a lease that a write has freed on the server."""
        lease.given_up()
        held = self._held.get(lease.chat_id)
        if held is not None and held.owner == lease.owner:
            del self._held[lease.chat_id]
            _CLAIMS.drop(self, lease.chat_id, lease.owner)

    async def drop_lapsed(self) -> None:
        """Drop the leases whose process has ended, and those that stand still while the lease time passes."""
        watches: dict[int, Watch] = {}
        for _ in range(_LOOKS):
            waiting = False
            for holder, process in await self._rows.all():
                watch = watches.setdefault(holder.epoch, Watch(self.lease_time))
                watch.saw(holder)
                if is_gone(process) or watch.silent:
                    await self._rows.drop_unchanged(holder)
                else:
                    waiting = waiting or not watch.moved
            if not waiting:
                return
            await asyncio.sleep(self.lease_time / (_LOOKS - 2))

    def _forget_parent(self) -> None:
        """After a fork: what the parent holds is not ours."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._held, self._leaving = {}, set()

    async def _dropped(self, chat_id: str, owner: str) -> None:
        try:
            await self._rows.drop(self._key_of(chat_id), owner)
        finally:
            _CLAIMS.drop(self, chat_id, owner)

    async def _dropped_quietly(self, chat_id: str, owner: str) -> None:
        try:
            await self._dropped(chat_id, owner)
        except ChatStorageError as error:
            _log.debug("a lease could not be freed and will lapse: %s", error)
