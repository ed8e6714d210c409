"""The context cache of one agent: made on first use, known to all processes, deleted when another takes its place."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.caching.keeper import CHANGING_SECONDS, Keeper, Provided
from runner.caching.minimum import minimum_of, too_few
from runner.caching.record import Records
from runner.errors import GeminiClientError, ModelChoiceError
from runner.models.gemini.names import has_explicit_caching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.caches import Cache, CacheManager
    from runner.caching.wanted import Wanted
    from runner.durations import Duration
    from runner.storages.shared_state import SharedState

logger = logging.getLogger("agent_run")

_MARK = re.compile(r" \[agent-run ([0-9a-f]{8})\.([0-9a-f]{6})\.([0-9a-f]{20})\]$")
_LONGEST_LABEL = 70  # characters, so that the whole display name has at most 128


def label_of(cache: Cache) -> str:
    """What a cache is called, without the mark of the agent that made it."""
    return _MARK.sub("", cache.display_name or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """An agent's `cache:`. `variant` tells apart what was chosen outside of the manifest: such may run side by side."""

    agent: str
    label: str
    variant: str = ""
    ttl: Duration | None = None
    auto_refresh_ttl: Duration | None = None
    min_tokens: int | None = None

    @property
    def first_ttl(self) -> Duration | None:
        """How long a new cache lives; None leaves it to the service, which says an hour."""
        return self.ttl or self.auto_refresh_ttl


@dataclass(frozen=True, slots=True)
class Owned:
    """A cache of this agent: of which variant, and for which key."""

    cache: Cache
    variant: str
    key: str


class OwnCache(Keeper):
    """Makes the caches of one agent, and tells them from all others by their display names.

    The name ends in a mark: who made it (a random word kept in the storage), the variant, the key.
    """

    def __init__(
        self, settings: CacheSettings, caches: CacheManager | None, shared: SharedState, **options: Any
    ) -> None:
        records = Records(shared, f"context-cache/{settings.agent}/{settings.variant}")
        super().__init__(caches, records, auto_refresh_ttl=settings.auto_refresh_ttl, **options)
        self.settings, self._shared = settings, shared
        self._owner: str | None = None

    def key_of(self, wanted: Wanted) -> str:
        """A hash of all that the cache holds."""
        return wanted.key

    def unsuitable(self, wanted: Wanted) -> str | None:
        """Why this request goes without a cache, before anything is asked."""
        return self.never(wanted) or super().unsuitable(wanted)

    def never(self, wanted: Wanted) -> str | None:
        """Why no request like this one can have a cache."""
        if self._caches is None:
            return "this model has no context caches"
        if not has_explicit_caching(wanted.model):
            return f"{wanted.model} has no explicit context caching (its implicit caching needs no setting)"
        if wanted.is_empty:
            return "there are no instructions, no tools and no content"
        minimum, tokens = self.settings.min_tokens or minimum_of(wanted.model), wanted.tokens
        return None if tokens is None else too_few(tokens, minimum, wanted.model)

    async def provided(self, wanted: Wanted) -> Provided:
        """A cache of ours that nobody remembers, or a new one."""
        request, name = wanted.request, await self._display_name(wanted.key)
        mine = [each for each in await self.owned() if each.variant == self._variant]
        cache = next((each.cache for each in mine if each.cache.display_name == name), None)
        is_new = cache is None
        if cache is None:
            content = wanted.content.message
            cache = await self.caches.create_cache(
                model=request.model,
                cache_name=name,
                contents=[] if content is None or content.content is None else [content.content],
                system_instruction=request.system_instruction,
                tools=request.tools,
                tool_config=request.tool_config,
                ttl=self.settings.first_ttl,
            )
        return Provided(cache, is_new, [each.cache for each in mine if each.key != wanted.key])

    async def discard(self, caches: Sequence[Cache]) -> None:
        """Delete them; one that cannot be deleted will expire."""
        try:
            async with asyncio.timeout(CHANGING_SECONDS):
                for cache in caches:
                    await self.delete(cache)
        except (GeminiClientError, TimeoutError) as error:
            logger.warning("an old context cache could not be deleted and will expire: %r", error)

    async def ensured(self, wanted: Wanted) -> tuple[Cache, bool]:
        """The cache for requests like this one, and whether it was made now. Raises what keeps it from being made.

        ModelChoiceError where there can be none; GeminiAPIError where the service refuses it.
        """
        if reason := self.never(wanted):
            raise ModelChoiceError(f"no cache can be made: {reason}")
        found = await self.provided(wanted)
        await self.keep(wanted.key, found.cache, is_new=found.is_new)
        await self.discard(found.old)
        return found.cache, found.is_new

    async def refreshed(self, wanted: Wanted, cache: Cache, ttl: Duration) -> Cache:
        """The cache for requests like this one, living for `ttl` from now."""
        refreshed = await self.caches.update_cache_ttl(cache_name=cache.name, ttl=ttl)
        await self.keep(wanted.key, refreshed, is_new=True)
        return refreshed

    async def owned(self) -> list[Owned]:
        """All caches of this agent, those of all variants, the newest first."""
        owner, found = await self._known_owner(), []
        for cache in await self.caches.list_caches():
            mark = _MARK.search(cache.display_name or "")
            if mark is not None and mark[1] == owner:
                found.append(Owned(cache, mark[2], mark[3]))
        return found

    async def delete(self, cache: Cache) -> None:
        """Delete a cache of this agent. Raises GeminiClientError; one that is gone already is no error."""
        await self.caches.delete_cache(cache_name=cache.name)
        await self.records.update(lambda record: record.without(cache.name))

    @property
    def _variant(self) -> str:
        return self.settings.variant or "0" * 6

    async def _display_name(self, key: str) -> str:
        label = self.settings.label[:_LONGEST_LABEL]
        return f"{label} [agent-run {await self._known_owner()}.{self._variant}.{key}]"

    async def _known_owner(self) -> str:
        """The word that only agents of this name in this storage have."""
        if self._owner is None:
            key, word = f"context-cache-owner/{self.settings.agent}", secrets.token_hex(4)
            is_first = await self._shared.put_if(key, word, None) is not None
            found = None if is_first else await self._shared.get(key)
            self._owner = word if found is None else found.text
        return self._owner
