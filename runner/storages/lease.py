"""Leases: one writer a chat.

A lease has an owner, an epoch (each holder's is greater than the one before) and a counter that moves while the owner
lives. A waiter takes over when the counter has not moved for the lease time on the *waiter's* own clock; clocks of two
processes are never compared. An owner that was frozen meanwhile learns it from `check`, before it starts anything.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import platform
import time
import weakref
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

from runner.errors import ChatBusyError, ChatChangedError, ChatStorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.storages.claims import Claims

LEASE_TIME = 15.0
"""Seconds of silence after which an owner counts as dead."""
LONGEST_PAUSE = 0.05
"""Seconds between two looks at a lease that someone else holds."""

_RELEASED = "was released"
_LOST = "went to another owner while this one stood still"

_log = logging.getLogger("agent_run")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease, as the store says. `since` is for people only."""

    owner: str
    epoch: int
    counter: int = 0
    since: str = ""
    incarnation: int | None = field(default=None, compare=False)  # of the chat's log: another one after a replacement


Take: TypeAlias = "Callable[[str, str, Holder | None], Awaitable[Holder]]"
"""`LeaseStore.take`, or what does more in the same step."""


class LeaseStore(Protocol):
    """Where leases are kept; each method is one atomic step."""

    @property
    def lease_time(self) -> float:
        """Seconds of silence after which an owner counts as dead; infinite where owners cannot die unseen."""

    async def take(self, chat_id: str, owner: str, silent: Holder | None) -> Holder:
        """Give `owner` the lease if it is free or still held exactly as `silent` says; the holder after that."""

    async def renew(self, chat_id: str, owner: str, epoch: int) -> bool:
        """Move the counter; False when `owner` no longer holds the lease."""

    async def drop(self, chat_id: str, owner: str) -> None:
        """Free the lease if `owner` holds it."""

    def forget(self, chat_id: str, owner: str) -> None:
        """Free it like `drop`, after whatever is under way for `owner`, without waiting."""


class Lease:
    """The right to write to a chat, held until `release` or the end of `async with`. It renews itself meanwhile.

    `incarnation` tells logs of one chat apart: it stays while a log only grows, and is another one once the log was
    replaced or deleted; None where the storage cannot tell.
    """

    def __init__(self, store: LeaseStore, chat_id: str, holder: Holder, renewed: float, noun: str = "chat") -> None:
        self.chat_id = chat_id
        self._noun = noun
        self.owner = holder.owner
        self.epoch = holder.epoch
        self.incarnation = holder.incarnation
        self._store = store
        self._renewed = renewed
        self._over: str | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._schedule()

    async def check(self) -> None:
        """Raise ChatChangedError unless this lease is surely still held; asks the store only when in doubt."""
        sure = self._store.lease_time / 2
        if self._over is None and (sure == math.inf or awake_time() - self._renewed < sure):
            return
        await self.renew()

    async def renew(self) -> None:
        """Tell the store that the owner lives; raises ChatChangedError when another owner has taken over."""
        asked = awake_time()
        held = self._over is None and await self._store.renew(self.chat_id, self.owner, self.epoch)
        if not held:
            self._over = self._over or _LOST
            raise ChatChangedError(f"the lease of {self._noun} {shown(self.chat_id)} {self._over}; this turn stops")
        self._renewed = max(self._renewed, asked)

    async def release(self) -> None:
        """Give the chat free. May be called more than once; never raises for a lease that was lost meanwhile."""
        if self._over == _RELEASED:
            return
        self.given_up()
        try:
            await self._store.drop(self.chat_id, self.owner)
        except ChatStorageError as error:
            _log.info("a lease could not be released and will lapse: %s", error)
        finally:
            if self._renewal is not None:
                await asyncio.wait({self._renewal})

    def given_up(self) -> None:
        """Renew no more: the lease is being released, or the store has freed it together with a write."""
        self._over = _RELEASED
        if self._timer is not None:
            self._timer.cancel()
        if self._renewal is not None:
            self._renewal.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.release()

    def _schedule(self) -> None:
        if math.isfinite(self._store.lease_time):
            # a weak reference: a lease that was dropped without release stops renewing, and lapses
            self._timer = self._loop.call_later(self._store.lease_time / 3, _call, weakref.WeakMethod(self._tick))

    def _tick(self) -> None:
        if self._over is None:
            self._renewal = self._loop.create_task(self._renew_quietly())

    async def _renew_quietly(self) -> None:
        try:
            await self.renew()
        except ChatChangedError:
            return
        except ChatStorageError as error:
            _log.debug("a lease could not be renewed now: %s", error)
        if self._over is None:
            self._schedule()


def _call(reference: weakref.WeakMethod[Callable[[], None]]) -> None:
    method = reference()
    if method is not None:
        method()


class LocalLeases:
    """Leases of one storage object inside this process, for storages that share nothing with other processes."""

    lease_time = math.inf

    def __init__(self, claims: Claims, subject: object) -> None:
        self._claims = claims
        self._subject = subject

    async def take(self, chat_id: str, owner: str, silent: Holder | None) -> Holder:
        """The holder now; a holder whose event loop was closed cannot come back and is replaced."""
        return self._claims.take(self._subject, chat_id, owner)

    async def renew(self, chat_id: str, owner: str, epoch: int) -> bool:
        """Whether the claim stands."""
        return self._claims.holds(self._subject, chat_id, owner)

    async def drop(self, chat_id: str, owner: str) -> None:
        """Free the claim."""
        self._claims.drop(self._subject, chat_id, owner)

    def forget(self, chat_id: str, owner: str) -> None:
        """Free the claim."""
        self._claims.drop(self._subject, chat_id, owner)


class Watch:
    """How long a waiter has seen the same holder stand still.

    Time between two looks counts up to a quarter of the lease time, so a waiter that was itself frozen, or whose event
    loop was blocked, does not take its own absence for the owner's.
    """

    def __init__(self, lease_time: float) -> None:
        self._lease_time = lease_time
        self._seen: Holder | None = None
        self._still = 0.0
        self._looked = 0.0
        self.moved = False

    def saw(self, holder: Holder) -> None:
        """Take note of the holder as it is now; `moved` once it is another than before."""
        now = time.monotonic()
        if holder == self._seen:
            self._still += min(now - self._looked, self._lease_time / 4)
        else:
            self.moved = self._seen is not None
            self._seen, self._still = holder, 0.0
        self._looked = now

    @property
    def silent(self) -> Holder | None:
        """The holder that stood still for the lease time, if it did."""
        return self._seen if self._still >= self._lease_time else None


async def wait_for_lease(
    store: LeaseStore, chat_id: str, patience: float, noun: str = "chat", take: Take | None = None
) -> Lease:
    """The lease of a chat, waited for at most `patience` seconds; then ChatBusyError says who holds it since when.

    `noun` is what the messages call it, for leases on something else; `take` is the store's own where left out.
    """
    take = take or store.take
    owner = new_owner()
    watch = Watch(store.lease_time)
    deadline = time.monotonic() + patience
    pause = 0.001
    try:
        asked = awake_time()
        while (holder := await take(chat_id, owner, watch.silent)).owner != owner:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            watch.saw(holder)
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)
            asked = awake_time()
    except BaseException:
        store.forget(chat_id, owner)
        raise
    if holder.owner != owner:
        store.forget(chat_id, owner)
        since = f" since {holder.since}" if holder.since else ""
        raise ChatBusyError(f"{noun} {shown(chat_id)} is in use by {holder.owner}{since}; waited {patience:g} s")
    return Lease(store, chat_id, holder, asked, noun)


def lease_lost(chat_id: str) -> ChatChangedError:
    """The error of a write under a lease that was taken over."""
    return ChatChangedError(f"the lease of chat {shown(chat_id)} {_LOST}; nothing was stored")


def new_owner() -> str:
    """A name for one holding of one lease: process, host, and something no other holding has."""
    return f"pid {os.getpid()} on {platform.node()} [{os.urandom(4).hex()}]"


def utc_now() -> str:
    """Now, for people."""
    return datetime.now(UTC).isoformat(sep=" ", timespec="seconds")


def shown(chat_id: str) -> str:
    """A chat id as one short printable word."""
    return ascii(chat_id if len(chat_id) <= 80 else chat_id[:77] + "...")


def awake_time() -> float:
    """Seconds on a clock that also counts while the machine sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
