"""An agent's `cache:`: what its requests begin with, and the context cache that keeps it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.caching.content import CachedContent
from runner.caching.model import CachedModel, caches_of
from runner.caching.own import CacheSettings, OwnCache
from runner.caching.uploaded import UploadedContent
from runner.caching.wanted import Wanted
from runner.chats import request_for
from runner.loading.include import names_files
from runner.loading.values import values_of
from runner.manifest.limits import CachePart
from runner.messages import to_json
from runner.named_files import Files

if TYPE_CHECKING:
    from runner.agent import Agent
    from runner.loading import LoadedManifest
    from runner.manifest import Spec
    from runner.models.base import Model
    from runner.storages.base import ChatStorage
    from runner.storages.shared_state import SharedState


@dataclass(frozen=True, slots=True)
class AgentCache:
    """The context cache of an agent, and the content that is part of its requests with or without one."""

    keeper: OwnCache
    content: CachedContent
    shared: SharedState

    @classmethod
    def of(cls, loaded: LoadedManifest, spec: Spec, model: Model, storage: ChatStorage) -> AgentCache:
        """What `cache:` asks for, or an empty one where there is none. `spec` is that of the model in use."""
        part = loaded.manifest.cache or CachePart()
        settings = CacheSettings(
            agent=loaded.name,
            label=part.name or loaded.name,
            variant=_variant(loaded, spec),
            ttl=part.ttl,
            auto_refresh_ttl=part.auto_refresh_ttl,
            min_tokens=part.min_tokens,
        )
        return cls(OwnCache(settings, caches_of(model), storage.shared), content_of(loaded), storage.shared)

    def around(self, model: Model) -> CachedModel:
        """The model, asked with the cache."""
        return CachedModel(model, self.keeper, self.content, self.shared)

    async def wanted(self, agent: Agent) -> Wanted:
        """What a turn of the agent would want a cache of now."""
        request = request_for(
            agent.model.name,
            (),
            system_instruction=agent.chat_manager.system_instruction(),
            toolbox=agent.toolbox,
            tool_mode=agent.manifest.tool_mode,
            step=2,
        )
        return Wanted(request, await UploadedContent(self.content, agent.model, self.shared).read())


def with_content(loaded: LoadedManifest, model: Model) -> Model:
    """The model, asked with the content of `cache:` and without a context cache."""
    return CachedModel(model, content=content_of(loaded))


def content_of(loaded: LoadedManifest) -> CachedContent:
    """The `content` of a manifest's `cache:`: its texts, and the files that it names."""
    part, folder = loaded.manifest.cache, loaded.path.parent
    items = [] if part is None else part.content or []
    return CachedContent([Files(item, folder, loaded.root) if names_files(item, folder) else item for item in items])


def _variant(loaded: LoadedManifest, spec: Spec) -> str:
    """Six hex digits for the variables and the model that were chosen outside of the manifest; empty for none."""
    defaults = values_of(loaded.manifest.variables, {})
    given = {name: value for name, value in loaded.variables.items() if defaults.get(name) != value}
    chosen = [given, "" if spec == loaded.manifest.model else f"{spec.type} {spec.options}"]
    return hashlib.blake2b(to_json(chosen).encode("ascii"), digest_size=3).hexdigest() if any(chosen) else ""
