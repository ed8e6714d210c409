"""Which context cache serves a request, the same for all processes that share a storage."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from runner.caching.record import Kept, Record
from runner.errors import ChatStorageError, GeminiAPIError, GeminiClientError
from runner.events import Notice
from runner.requests import CacheUse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.caches import Cache, CacheManager
    from runner.caching.record import Records
    from runner.caching.wanted import Wanted
    from runner.durations import Duration

logger = logging.getLogger("agent_run")

MINUTE = 60.0
"""Seconds between two attempts to make a cache for one key, and between two refreshes of one cache."""
NOTICE = "cache"
"""The code of all notices about context caches."""
BEING_MADE = "it is being made"
GONE = "it is gone"
LOST = "it is gone, and it was made less than a minute ago"
CHANGING = "what it would hold has changed twice within a minute, and each change would make another one"
SUPERSEDED = "another version of this agent keeps its own now"
FORCED = "the first step of tool_mode any goes without it"
_UNSPOKEN = {BEING_MADE, LOST, FORCED}
"""Reasons that pass by themselves: they are part of the turn's result, and no news."""

_MARGIN = 5.0  # seconds that a cache must still have to live
_MAKING_SECONDS, CHANGING_SECONDS = 30.0, 10.0
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Found:
    """The resource name of the cache to use, or why there is none; `notice` is for who has not heard it yet."""

    use: CacheUse
    name: str | None = None
    notice: Notice | None = None

    @classmethod
    def off(cls, reason: str) -> Found:
        """No cache, and why."""
        notice = None if reason in _UNSPOKEN else Notice(NOTICE, f"cache: off: {reason}")
        return cls(CacheUse("off", reason), notice=notice)


@dataclass(frozen=True, slots=True)
class Provided:
    """A cache, whether it was made now, and those whose place it takes."""

    cache: Cache
    is_new: bool = False
    old: Sequence[Cache] = ()


class Keeper:
    """Finds the cache for a request, or provides it; refreshes it on use. Nothing that goes wrong here is raised.

    What is known is kept in `records`: who writes there first that it provides the cache, does so, and all others go
    without it meanwhile. Where there are no `caches`, no request has one. A subclass says what a cache is for
    (`key_of`), what keeps a request from having one (`unsuitable`), where one comes from (`provided`), and what to do
    with those whose place it takes (`discard`).
    """

    patience = MINUTE
    """Seconds from one attempt to provide a cache to the next."""

    def __init__(
        self,
        caches: CacheManager | None,
        records: Records,
        *,
        auto_refresh_ttl: Duration | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.records, self._caches = records, caches
        self.auto_refresh_ttl, self.clock = auto_refresh_ttl, clock
        self._id = secrets.token_hex(6)
        self._used: set[str] = set()

    @property
    def has_caches(self) -> bool:
        """Whether the model's service has context caches at all."""
        return self._caches is not None

    @property
    def caches(self) -> CacheManager:
        """The caches of the service."""
        assert self._caches is not None  # noqa: S101  # nothing is asked where there are none
        return self._caches

    def key_of(self, wanted: Wanted) -> str:
        """What tells the cache for this request from those for others."""
        raise NotImplementedError

    def unsuitable(self, wanted: Wanted) -> str | None:
        """Why this request goes without a cache, before anything is asked; None where nothing speaks against one."""
        if self._caches is None:
            return "this model has no context caches"
        return FORCED if wanted.forces_call else None

    async def provided(self, wanted: Wanted) -> Provided:
        """The cache, made now if need be. Raises GeminiClientError."""
        raise NotImplementedError

    async def discard(self, caches: Sequence[Cache]) -> None:
        """Do away with caches that were provided for other keys."""

    async def find(self, wanted: Wanted) -> Found:
        """The cache to send this request with, or why there is none."""
        if reason := self.unsuitable(wanted):
            return Found.off(reason)
        try:
            return await self._found(wanted, self.key_of(wanted))
        except ChatStorageError as error:
            return Found.off(f"the storage failed: {error}")

    async def lost(self, name: str) -> None:
        """The service does not know the cache any more, or keeps it from us."""
        try:
            await self.records.update(lambda record: record.without(name))
        except ChatStorageError as error:
            logger.warning("a lost context cache could not be forgotten: %s", error)

    async def _found(self, wanted: Wanted, key: str) -> Found:
        for _ in range(2):
            step = await self.records.change(partial(self._next, key))
            if isinstance(step, str):
                return Found.off(step)
            if step is None:
                return await self._providing(wanted, key)
            if problem := self.mismatch(step, wanted):
                return Found.off(problem)
            if await self._is_alive(step):
                self._used.add(key)
                return Found(CacheUse("hit"), step.name)
        return Found.off(LOST)

    def mismatch(self, kept: Kept, wanted: Wanted) -> str | None:
        """Why a cache that is there cannot serve this request."""
        return None

    def _next(self, key: str, record: Record) -> tuple[Record, Kept | str | None]:
        """The cache that is there, why none is provided, or None: then it is ours to provide, and recorded so."""
        now, kept = self.clock(), record.kept
        if kept is not None and kept.expires > now + _MARGIN:
            if kept.key == key:
                return record, kept
            if key in self._used and kept.by != self._id:
                return record, SUPERSEDED
        if reason := record.reason_to_wait(key, now):
            return record, reason
        record = record.wanting(key, now, MINUTE)
        if len(record.changes) > 1:
            return record, CHANGING
        return record.tried(key, now + self.patience, BEING_MADE, now), None

    async def _providing(self, wanted: Wanted, key: str) -> Found:
        try:
            async with asyncio.timeout(_MAKING_SECONDS):
                found = await self.provided(wanted)
        except (GeminiClientError, TimeoutError) as error:
            return await self._failed(key, error)
        cache, kept = found.cache, await self.keep(key, found.cache, is_new=found.is_new)
        await self.discard(found.old)
        if problem := self.mismatch(kept, wanted):
            return Found.off(problem)
        if not found.is_new:
            is_alive = await self._is_alive(kept)
            return Found(CacheUse("hit"), cache.name) if is_alive else Found.off(LOST)
        size = "" if cache.tokens is None else f"{cache.tokens:,} tokens "
        life = _words(kept.expires - self.clock())
        return Found(CacheUse("miss"), cache.name, Notice(NOTICE, f"cache: made, {size}for {life}"))

    async def keep(self, key: str, cache: Cache, *, is_new: bool) -> Kept:
        """Let all who share the record know of a cache."""
        now = self.clock()
        expires = now + _life(cache, None if is_new else now)
        kept = Kept(key, cache.name, cache.model, expires, now if is_new else 0.0, self._id, cache.tokens)
        self._used.add(key)

        def change(record: Record) -> Record:
            last = record.tries.get(key)
            until = now + self.patience if is_new or last is None else last.until
            return replace(record.tried(key, until, LOST, now), kept=kept, wanted=key)

        await self.records.update(change)
        return kept

    async def _failed(self, key: str, error: Exception) -> Found:
        is_final = isinstance(error, GeminiAPIError) and error.code == 400
        wait = _HOUR if is_final else self.patience
        why = f"{error}" if isinstance(error, GeminiClientError) else f"it took longer than {_MAKING_SECONDS:g} s"
        now, reason = self.clock(), f"it cannot be made: {why}"
        logger.info("a context cache: %s", reason)
        await self.records.update(lambda record: record.tried(key, now + wait, reason, now))
        return Found.off(reason)

    async def _is_alive(self, kept: Kept) -> bool:
        """Refresh the cache where it is time to. Only a refusal says that it is gone; other failures change nothing."""
        if self.auto_refresh_ttl is None or not await self.records.change(partial(self._refreshes, kept.name)):
            return True
        try:
            async with asyncio.timeout(CHANGING_SECONDS):
                cache = await self.caches.get_and_refresh(cache_name=kept.name, ttl=self.auto_refresh_ttl)
        except (GeminiClientError, TimeoutError) as error:
            logger.warning("the context cache %s could not be refreshed: %r", kept.name, error)
            return True
        if cache is None:
            await self.lost(kept.name)
            return False
        await self.records.update(partial(_prolonged, cache, self.clock() + _life(cache, None)))
        return True

    def _refreshes(self, name: str, record: Record) -> tuple[Record, bool]:
        """Whether the cache is ours to refresh now: one of all processes does, once a minute."""
        now, kept = self.clock(), record.kept
        if kept is None or kept.name != name or 0 <= now - kept.refreshed < MINUTE:
            return record, False
        return replace(record, kept=replace(kept, refreshed=now)), True


def _prolonged(cache: Cache, expires: float, record: Record) -> Record:
    kept = record.kept
    return record if kept is None or kept.name != cache.name else replace(record, kept=replace(kept, expires=expires))


def _life(cache: Cache, now: float | None) -> float:
    """Seconds the cache has left: by the service's clock since it was last changed, or by ours, `now`."""
    if cache.expire_time is None:
        return _HOUR
    changed = cache.update_time or cache.create_time
    if now is None and changed is not None:
        return (cache.expire_time - changed).total_seconds()
    return cache.expire_time.timestamp() - (time.time() if now is None else now)


def _words(seconds: float) -> str:
    """`1 h`, `90 min`, `45 s`."""
    whole = round(seconds)
    for unit, name in ((3600, "h"), (60, "min")):
        if whole >= unit and whole % unit == 0:
            return f"{whole // unit} {name}"
    return f"{whole} s"
