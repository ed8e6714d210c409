"""The model that an agent's turns ask: the manifest's, within what `model:` says about limits and fallbacks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from runner.client import limited
from runner.models.fallback import Fallback
from runner.models.limiting.ledger import Rates
from runner.models.limiting.model import RateLimit
from runner.models.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.agent_cache import AgentCache
    from runner.loading import LoadedManifest
    from runner.manifest import ModelSpec, Spec
    from runner.models.base import Model
    from runner.settings import Settings
    from runner.shared import Parts
    from runner.storages.shared_state import SharedState


class AskedModel:
    """Wraps the models of one agent: limits first, then the cache or its content, then resends, then the choice."""

    def __init__(self, loaded: LoadedManifest, spec: ModelSpec, shared: SharedState) -> None:
        self._loaded, self._spec, self._shared = loaded, spec, shared
        self._limited: RateLimit | None = None

    def others(
        self, parts: Parts, make: Callable[[Spec], Model], settings: Settings, previous: Parts | None
    ) -> list[Model]:
        """The models that `fallback` names, each once, kept among an agent's shared parts."""
        names = [name for name in dict.fromkeys(self._spec.fallback or ()) if name != self._spec.name]
        return [
            parts.take(
                f"model {spec.name}",
                partial(make, spec),
                lambda model: model.aclose(),
                key=None if ":" in spec.type else (spec, settings),
                previous=previous,
            )
            for spec in map(self._spec.of, names)
        ]

    def around(self, model: Model, cache: AgentCache | None, others: Sequence[Model]) -> Model:
        """`model`, or where it has failed lately one of `others`. Only `model` has a context cache."""
        first = self._rate_limited(model)
        if cache is not None:
            first = cache.around(first)
        if not others:
            return first
        retries = self._loaded.manifest.retries
        rest = [Retry(self._with_content(limited(other)), retries) for other in others]
        return Fallback([Retry(first, retries), *rest], self._shared)

    def leave(self) -> None:
        """Let the limits hold no longer."""
        if self._limited is not None:
            self._limited.leave()

    def _rate_limited(self, model: Model) -> Model:
        rates = Rates(self._spec.requests_per_minute, self._spec.tokens_per_minute)
        if rates == Rates():
            return limited(model)
        self._limited = RateLimit(model, rates, self._shared)
        return self._limited

    def _with_content(self, model: Model) -> Model:
        if self._loaded.manifest.cache is None:
            return model
        from runner.agent_cache import content_of
        from runner.caching.model import CachedModel

        return CachedModel(model, content=content_of(self._loaded), shared=self._shared)
