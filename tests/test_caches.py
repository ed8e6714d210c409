"""Context caches, over the wire."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from runner.caches import Cache, CacheConfig, CacheManager
from runner.errors import GeminiAPIError, GeminiClientError
from tests.models.asking import NAME, TOOLS, answer, asking, gemini
from tests.servers import GeminiServer, error, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from runner.durations import Duration
    from runner.messages import Json
    from runner.models.gemini import GeminiModel


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server


@pytest.fixture
async def model(server: GeminiServer) -> AsyncIterator[GeminiModel]:
    async with gemini(server) as model:
        yield model


@pytest.fixture
def caches(model: GeminiModel) -> CacheManager:
    return CacheManager(model)


def weather(city: str) -> str:
    """The weather.

    Args:
        city: Which city.
    """
    return city


async def test_a_cache_is_made_as_it_was_described_and_returned_with_its_resource_name(
    server: GeminiServer, caches: CacheManager
) -> None:
    signed = {"role": "model", "parts": [{"text": "b", "thoughtSignature": "-__-"}]}
    contents: list[Json] = [{"role": "user", "parts": [{"text": "a"}]}, signed]
    made = await caches.create_cache(
        model=NAME, cache_name="docs", contents=contents, system_instruction="be brief", ttl="1h30m"
    )
    body = server.requests[0].body
    assert body["contents"] == contents
    assert body["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    assert (body["ttl"], body["displayName"], body["model"]) == ("5400s", "docs", f"models/{NAME}")
    assert (made.name, made.display_name, made.model) == ("cachedContents/c000001", "docs", NAME)
    assert made.create_time is not None
    assert made.expire_time is not None
    assert made.expire_time - made.create_time == timedelta(seconds=5400)
    assert made.tokens


async def test_tools_are_functions_declarations_or_the_apis_own(server: GeminiServer, caches: CacheManager) -> None:
    declaration = TOOLS[0]["functionDeclarations"][0]
    config = {"functionCallingConfig": {"mode": "AUTO"}, "includeServerSideToolInvocations": True}
    tools = [weather, declaration, {"googleSearch": {}}]
    await caches.create_cache(model=NAME, cache_name="t", tools=tools, tool_config=config)
    body = server.requests[0].body
    assert body["tools"][0] == {"googleSearch": {}}
    assert [each["name"] for each in body["tools"][1]["functionDeclarations"]] == ["weather", "f"]
    assert body["toolConfig"] == config
    assert "contents" not in body


@pytest.mark.parametrize(
    ("ttl", "sent"), [("90m", "5400s"), (3600, "3600s"), (timedelta(hours=2), "7200s"), ("300s", "300s"), (1.5, "1.5s")]
)
async def test_a_ttl_in_any_form_is_sent_in_seconds(
    server: GeminiServer, caches: CacheManager, ttl: Duration, sent: str
) -> None:
    await caches.create_cache(model=NAME, cache_name="docs", contents="long", ttl=ttl)
    await caches.update_cache_ttl("docs", ttl=ttl)
    assert [request.body["ttl"] for request in server.requests if request.body] == [sent, sent]
    assert all(request.status == 200 for request in server.requests)


@pytest.mark.parametrize("ttl", ["soon", 0, -5, "0s"])
async def test_a_ttl_that_is_none_is_refused_before_anything_is_sent(
    server: GeminiServer, caches: CacheManager, ttl: Duration
) -> None:
    with pytest.raises(ValueError, match=r"duration|0 seconds"):
        await caches.create_cache(model=NAME, cache_name="docs", contents="long", ttl=ttl)
    with pytest.raises(ValueError, match=r"duration|0 seconds"):
        await caches.get_and_refresh("docs", ttl=ttl)
    assert server.requests == []


async def test_either_name_finds_a_cache_and_of_equal_names_the_newest(
    server: GeminiServer, caches: CacheManager
) -> None:
    made = [await caches.create_cache(model=NAME, cache_name=name, contents="x") for name in ("docs", "other", "docs")]
    assert await caches.get_cache("docs") == made[2]
    assert await caches.get_cache(made[0].name) == made[0]
    assert await caches.get_cache("none") is None
    assert await caches.get_cache("cachedContents/none") is None
    assert [cache.name for cache in await caches.list_caches()] == [cache.name for cache in reversed(made)]


async def test_all_pages_of_the_list_are_read(server: GeminiServer, caches: CacheManager) -> None:
    sdk = await (await made_of(caches)).sdk_client()
    for at in range(5):
        await caches.create_cache(model=NAME, cache_name=f"c{at}", contents="x")
    first = await sdk.aio.caches.list(config={"page_size": 2})
    assert len(first) == 2
    assert len(await caches.list_caches()) == 5


async def made_of(caches: CacheManager) -> GeminiModel:
    model: GeminiModel = caches._client  # type: ignore[assignment]
    return model


async def test_refreshing_lets_a_cache_live_from_now_on(server: GeminiServer, caches: CacheManager) -> None:
    made = await caches.create_cache(model=NAME, cache_name="docs", contents="x", ttl="60s")
    server.advance(50)
    refreshed = await caches.get_and_refresh("docs", ttl="60s")
    server.advance(50)
    assert refreshed is not None
    assert refreshed.name == made.name
    assert await caches.get_cache(made.name) is not None
    server.advance(20)
    for name in ("docs", made.name):
        assert await caches.get_cache(name) is None
        assert await caches.get_and_refresh(name, ttl="60s") is None
        with pytest.raises(GeminiClientError, match="no context cache"):
            await caches.update_cache_ttl(name, ttl="60s")


async def test_a_cache_that_expires_between_finding_and_refreshing_is_not_there(
    server: GeminiServer, caches: CacheManager
) -> None:
    await caches.create_cache(model=NAME, cache_name="docs", contents="x")
    server.script(error(403, "CachedContent not found (or permission denied)"), on="cache_update")
    assert await caches.get_and_refresh("docs", ttl="1h") is None


async def test_deleting_says_whether_there_was_one(server: GeminiServer, caches: CacheManager) -> None:
    await caches.create_cache(model=NAME, cache_name="docs", contents="x")
    assert await caches.delete_cache("docs") is True
    assert await caches.delete_cache("docs") is False
    assert server.caches == {}


async def test_without_a_bound_client_it_comes_first(server: GeminiServer, model: GeminiModel) -> None:
    free = CacheManager()
    sdk = await model.sdk_client()
    made = await free.create_cache(sdk, model=NAME, cache_name="docs", contents="x")
    assert await free.get_cache(model, "docs") == made
    assert await free.get_cache(model, cache_name="docs") == made
    assert (await free.update_cache_ttl(sdk, "docs", ttl=60)).name == made.name
    assert await free.get_and_refresh(sdk, "docs", ttl=60) is not None
    assert await free.list_caches(sdk) != []
    assert await free.delete_cache(sdk, "docs")
    with pytest.raises(TypeError, match="give one as the first argument"):
        await free.get_cache("docs")
    with pytest.raises(TypeError, match="cache_name is missing"):
        await free.get_cache(model)


async def test_a_cache_serves_a_request(server: GeminiServer, model: GeminiModel, caches: CacheManager) -> None:
    made = await caches.create_cache(model=NAME, cache_name="docs", contents="x", tools=[weather])
    server.script(text("cached"))
    got = await answer(model, asking("Hi", cached_content=made.name))
    assert got.text == "cached"
    assert got.usages[-1].cached_tokens


@pytest.mark.parametrize("model_name", ["gemini-4-argon", "models/gemini-4-hydrogen"])
async def test_a_model_without_caching_by_name_is_refused_before_anything_is_sent(
    server: GeminiServer, caches: CacheManager, model_name: str
) -> None:
    with pytest.raises(GeminiClientError, match="no explicit context caching"):
        await caches.create_cache(model=model_name, cache_name="docs", contents="x")
    assert server.requests == []


async def test_nothing_to_cache_is_refused_before_anything_is_sent(server: GeminiServer, caches: CacheManager) -> None:
    with pytest.raises(GeminiClientError, match="nothing to cache"):
        await caches.create_cache(model=NAME, cache_name="docs", contents=[])
    assert server.requests == []


async def test_failures_of_the_service_are_our_errors(server: GeminiServer, caches: CacheManager) -> None:
    server.script(error(400, "Cached content is too small."), on="cache_create")
    server.script(error(503), on="cache_list")
    with pytest.raises(GeminiAPIError, match="too small"):
        await caches.create_cache(model=NAME, cache_name="docs", contents="x")
    with pytest.raises(GeminiAPIError, match="503") as raised:
        await caches.get_cache("docs")
    assert raised.value.retryable
    server.script(error(500), on="cache_get")
    with pytest.raises(GeminiAPIError, match="500"):
        await caches.get_cache("cachedContents/x")


async def test_silence_ends_at_the_models_idle_timeout(server: GeminiServer) -> None:
    server.script(text("late").but(silent=True), on="cache_list")
    async with gemini(server, idle_timeout=0.15) as model:
        with pytest.raises(GeminiAPIError, match=r"silent for 0\.15 s"):
            await CacheManager(model).list_caches()


def test_a_config_names_a_cache_and_a_ttl_that_can_be_read() -> None:
    assert CacheConfig("docs", "1h").auto_refresh_ttl == "1h"
    assert CacheConfig("docs").auto_refresh_ttl is None
    for wrong in ({"cache_name": ""}, {"cache_name": "docs", "auto_refresh_ttl": "soon"}):
        with pytest.raises(ValueError, match=r"empty|duration"):
            CacheConfig(**wrong)


def test_a_cache_is_a_value() -> None:
    one = Cache("cachedContents/a", "docs", NAME, None, None, None, None)
    assert one == Cache("cachedContents/a", "docs", NAME, None, None, None, None)
