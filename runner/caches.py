"""Context caches: long prompts that Gemini keeps for a time, found again by a name of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from runner import durations
from runner.errors import GeminiAPIError, GeminiClientError, ModelChoiceError
from runner.models.gemini.failures import worded
from runner.models.gemini.names import has_explicit_caching
from runner.models.gemini.redaction import environment_secrets, redactor
from runner.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from google import genai
    from google.genai.types import CachedContent

    from runner.durations import Duration
    from runner.messages import Content, Json


class HasSdkClient(Protocol):
    """What lends its google-genai client: a `GeminiClient` or a `GeminiModel`."""

    async def sdk_client(self) -> genai.Client:
        """The google-genai client."""


Client: TypeAlias = "HasSdkClient | genai.Client"

T = TypeVar("T")

_RESOURCE = "cachedContents/"


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Which context cache a turn uses, and for how long each use keeps it alive (`1h`, `90m`, seconds)."""

    cache_name: str
    auto_refresh_ttl: Duration | None = None

    def __post_init__(self) -> None:
        if not self.cache_name:
            raise ValueError("cache_name is empty")
        if self.auto_refresh_ttl is not None:
            _ttl(self.auto_refresh_ttl)


@dataclass(frozen=True, slots=True)
class Cache:
    """A context cache as Gemini describes it. `name` is the resource name, `cachedContents/...`."""

    name: str
    display_name: str | None
    model: str
    create_time: datetime | None
    update_time: datetime | None
    expire_time: datetime | None
    tokens: int | None

    @classmethod
    def from_sdk(cls, content: CachedContent) -> Cache:
        """From google-genai's type."""
        usage = content.usage_metadata
        return cls(
            name=content.name or "",
            display_name=content.display_name,
            model=(content.model or "").removeprefix("models/"),
            create_time=content.create_time,
            update_time=content.update_time,
            expire_time=content.expire_time,
            tokens=None if usage is None else usage.total_token_count,
        )


class CacheManager:
    """Makes, finds, refreshes and deletes context caches.

    Bound to a client, or given one as the first argument of each call. Where a `cache_name` is wanted, either the
    display name given to `create_cache` or the resource name does; of several caches with one display name the newest
    is meant. All errors are GeminiClientErrors.
    """

    def __init__(self, client: Client | None = None) -> None:
        self._client = client

    async def create_cache(
        self,
        client: Client | None = None,
        *,
        model: str,
        cache_name: str,
        contents: str | Sequence[Content] | None = None,
        system_instruction: str | Content | None = None,
        tools: Iterable[Any] = (),
        tool_config: Json | None = None,
        ttl: Duration | None = None,
    ) -> Cache:
        """Cache contents, instructions and tools for one model; without `ttl` the service keeps them for an hour.

        `tools` are tools as a turn takes them, function declarations, or the API's own `{"googleSearch": {}}`.
        """
        if not has_explicit_caching(model):
            raise ModelChoiceError(
                f"{model} has no explicit context caching (its implicit caching needs no setting); "
                "use a Gemini 3 model such as gemini-3.8-flash"
            )
        body = _body(contents, system_instruction, list(tools), tool_config)
        if not body:
            raise GeminiClientError("there is nothing to cache: give contents, system_instruction or tools")
        config: Any = {"display_name": cache_name, "http_options": {"extra_body": body}}
        if ttl is not None:
            config["ttl"] = _ttl(ttl)
        sdk = await self._sdk(client)
        with _worded():
            return Cache.from_sdk(await sdk.aio.caches.create(model=model, config=config))

    async def get_cache(self, client: Client | str | None = None, cache_name: str | None = None) -> Cache | None:
        """The cache of this name, or None when there is none (any more)."""
        sdk, name = await self._named(client, cache_name)
        return await _find(sdk, name)

    async def list_caches(self, client: Client | None = None) -> list[Cache]:
        """All caches of the project, the newest first."""
        return await _listed(await self._sdk(client))

    async def update_cache_ttl(
        self, client: Client | str | None = None, cache_name: str | None = None, *, ttl: Duration
    ) -> Cache:
        """Let the cache live for `ttl` from now."""
        refreshed = await self.get_and_refresh(client, cache_name, ttl=ttl)
        if refreshed is None:
            name = client if isinstance(client, str) else cache_name
            raise GeminiClientError(f'there is no context cache "{name}" (it may have expired)')
        return refreshed

    async def get_and_refresh(
        self, client: Client | str | None = None, cache_name: str | None = None, *, ttl: Duration
    ) -> Cache | None:
        """The cache of this name, living for `ttl` from now, or None when there is none (any more)."""
        wanted = _ttl(ttl)
        sdk, name = await self._named(client, cache_name)
        if (resource := await _resource_name(sdk, name)) is None:
            return None
        updated = await _unless_gone(sdk.aio.caches.update(name=resource, config={"ttl": wanted}))
        return None if updated is None else Cache.from_sdk(updated)

    async def delete_cache(self, client: Client | str | None = None, cache_name: str | None = None) -> bool:
        """Delete the cache; False when there was none."""
        sdk, name = await self._named(client, cache_name)
        if (resource := await _resource_name(sdk, name)) is None:
            return False
        return await _unless_gone(sdk.aio.caches.delete(name=resource)) is not None

    async def _named(self, client: Client | str | None, cache_name: str | None) -> tuple[genai.Client, str]:
        if isinstance(client, str):
            if cache_name is not None:
                raise TypeError("the client comes first, then cache_name")
            client, cache_name = None, client
        if not cache_name:
            raise TypeError("cache_name is missing")
        return await self._sdk(client), cache_name

    async def _sdk(self, client: Client | None) -> genai.Client:
        client = client or self._client
        if client is None:
            raise TypeError("this CacheManager is not bound to a client: give one as the first argument")
        if hasattr(client, "sdk_client"):
            return await client.sdk_client()
        return client


async def _find(sdk: genai.Client, name: str) -> Cache | None:
    if _RESOURCE not in name:
        return next((cache for cache in await _listed(sdk) if cache.display_name == name), None)
    found = await _unless_gone(sdk.aio.caches.get(name=name))
    return None if found is None else Cache.from_sdk(found)


async def _resource_name(sdk: genai.Client, name: str) -> str | None:
    """The resource name that a name means; None where a display name means nothing."""
    if _RESOURCE in name:
        return name
    found = await _find(sdk, name)
    return None if found is None else found.name


async def _unless_gone(asked: Awaitable[T]) -> T | None:
    """What was asked for; None where the cache is not there any more: the service says that it may not be seen."""
    try:
        with _worded():
            return await asked
    except GeminiAPIError as error:
        if error.code not in {403, 404}:
            raise
        return None


async def _listed(sdk: genai.Client) -> list[Cache]:
    with _worded():
        found = [Cache.from_sdk(content) async for content in await sdk.aio.caches.list(config={"page_size": 1000})]
    return sorted(found, key=lambda cache: cache.create_time.timestamp() if cache.create_time else 0.0, reverse=True)


def _body(
    contents: str | Sequence[Content] | None,
    system_instruction: str | Content | None,
    tools: list[Any],
    tool_config: Json | None,
) -> Json:
    """The fields of the API's CachedContent, raw, those without anything in them left out."""
    if isinstance(contents, str):
        contents = [{"role": "user", "parts": [{"text": contents}]}]
    if isinstance(system_instruction, str):
        system_instruction = {"parts": [{"text": system_instruction}]}
    raw = [tool for tool in tools if isinstance(tool, dict) and "name" not in tool]
    declared = [tool for tool in tools if isinstance(tool, dict) and "name" in tool]
    ours = Toolbox(tool for tool in tools if not isinstance(tool, dict))
    raw += [tool.declared for tool in ours.built_in]
    functions = [*(tool.declaration() for tool in ours), *declared]
    body: Json = {
        "contents": list(contents or ()),
        "systemInstruction": system_instruction,
        "tools": [*raw, *([{"functionDeclarations": functions}] if functions else ())],
        "toolConfig": tool_config,
    }
    return {name: value for name, value in body.items() if value}


def _ttl(duration: Duration) -> str:
    if not durations.seconds(duration):
        raise ValueError("a context cache cannot live for 0 seconds")
    return durations.wire(duration)


def _worded() -> AbstractContextManager[None]:
    return worded(redactor(environment_secrets()))
