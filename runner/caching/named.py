"""A context cache that somebody else made, used by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.caching.keeper import Keeper, Provided
from runner.caching.record import Records
from runner.errors import GeminiClientError
from runner.models.gemini.names import short_name

if TYPE_CHECKING:
    from runner.caches import CacheConfig, CacheManager
    from runner.caching.record import Kept
    from runner.caching.wanted import Wanted
    from runner.storages.shared_state import SharedState


class NamedCache(Keeper):
    """Looks a cache up by its display name or its resource name; makes and deletes none."""

    patience = 10.0

    def __init__(self, config: CacheConfig, caches: CacheManager | None, shared: SharedState, **options: Any) -> None:
        records = Records(shared, f"context-cache-named/{config.cache_name}")
        super().__init__(caches, records, auto_refresh_ttl=config.auto_refresh_ttl, **options)
        self._name = config.cache_name

    def key_of(self, wanted: Wanted) -> str:
        """Whatever is asked, the name is the same."""
        return self._name

    async def provided(self, wanted: Wanted) -> Provided:
        """The newest cache of the name."""
        cache = await self.caches.get_cache(cache_name=self._name)
        if cache is None:
            raise GeminiClientError(f'there is no context cache "{self._name}" (it may have expired)')
        return Provided(cache)

    def mismatch(self, kept: Kept, wanted: Wanted) -> str | None:
        """A cache serves the model that it was made for."""
        if short_name(kept.model) == short_name(wanted.model):
            return None
        return f'"{self._name}" was made for {kept.model}, not for {wanted.model}'
