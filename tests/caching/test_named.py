"""A cache that somebody else made, used by its name in a chat of the Python API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner import CacheConfig, CacheManager, GeminiClient, ScriptedModel
from runner.events import Notice, TurnEnded
from runner.models.retry import Retry
from runner.models.scripted import say
from tests.caching.scene import ANSWER, scene_of
from tests.models.asking import NAME, gemini
from tests.servers import calls, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.events import Event
    from runner.models.gemini import GeminiModel
    from tests.servers import GeminiServer


def look_up(word: str) -> str:
    """Look a word up.

    Args:
        word: Which word.
    """
    return word


@pytest.fixture
async def server() -> AsyncIterator[GeminiServer]:
    async with scene_of() as scene:
        yield scene.server


@pytest.fixture
async def model(server: GeminiServer) -> AsyncIterator[GeminiModel]:
    async with gemini(server) as model:
        yield model


@pytest.fixture
async def client(model: GeminiModel) -> AsyncIterator[GeminiClient]:
    async with GeminiClient(model=model) as client:
        yield client


@pytest.fixture
def manager(model: GeminiModel) -> CacheManager:
    return CacheManager(model)


async def made(manager: CacheManager, model: str = NAME) -> str:
    created = await manager.create_cache(
        model=model, cache_name="handbook", contents="Two years. " * 50, tools=[look_up], ttl="1h"
    )
    return created.name


async def turn(client: GeminiClient, **config: Any) -> tuple[TurnEnded, list[str]]:
    """How the turn ended, and its notices."""
    use = CacheConfig(**{"cache_name": "handbook", **config})
    events: list[Event] = [
        event async for event in client.events(query="How long?", cache_config=use, tools=[look_up], chat_id="c")
    ]
    ended = events[-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.reason, ended.text) == ("answered", ANSWER)
    return ended, [event.message for event in events if isinstance(event, Notice)]


@pytest.mark.parametrize("by", ["display name", "resource name"])
async def test_a_turn_uses_it_and_leaves_out_what_it_holds(
    server: GeminiServer, client: GeminiClient, manager: CacheManager, by: str
) -> None:
    name = await made(manager)
    ended, told = await turn(client, cache_name="handbook" if by == "display name" else name)
    assert ended.cache is not None
    assert (ended.cache.state, told) == ("hit", [])
    assert ended.cache.saved == server.caches[name].tokens
    body = server.generations[-1].body
    assert body == {"contents": [{"role": "user", "parts": [{"text": "How long?"}]}], "cachedContent": name}


async def test_it_is_looked_up_once(server: GeminiServer, client: GeminiClient, manager: CacheManager) -> None:
    await made(manager)
    for _ in range(3):
        await turn(client)
    assert [each.verb for each in server.requests] == ["cache_create", "cache_list", *["stream"] * 3]


async def test_each_use_keeps_it_alive(server: GeminiServer, client: GeminiClient, manager: CacheManager) -> None:
    name = await made(manager)
    before = server.caches[name].expires
    server.advance(600)
    for _ in range(2):
        await turn(client, auto_refresh_ttl="1h")
    assert server.caches[name].expires > before + 500
    assert [each.body for each in server.requests if each.verb == "cache_update"] == [{"ttl": "3600s"}]


@pytest.mark.parametrize("when", ["before", "between"])
async def test_when_it_is_gone_the_turn_says_so_once_and_goes_without(
    server: GeminiServer, client: GeminiClient, manager: CacheManager, when: str
) -> None:
    if when == "between":
        await made(manager)
        await turn(client)
        server.caches.clear()
    ended, told = await turn(client)
    assert ended.cache is not None
    assert ended.cache.state == "off"
    said = "cache: lost (403 PERMISSION_DENIED)" if when == "between" else 'there is no context cache "handbook"'
    assert len(told) == 1
    assert said in told[0]
    assert "tools" in server.generations[-1].body


async def test_it_serves_its_own_model_only(server: GeminiServer, client: GeminiClient, manager: CacheManager) -> None:
    await made(manager, model="gemini-3.6-flash")
    ended, told = await turn(client)
    assert told == [f'cache: off: "handbook" was made for gemini-3.6-flash, not for {NAME}']
    assert ended.cache is not None
    assert not server.refused


async def test_a_model_with_retries_of_its_own_keeps_them(server: GeminiServer) -> None:
    async with gemini(server) as model, GeminiClient(model=Retry(model, 1)) as client:
        await made(CacheManager(model))
        ended, _ = await turn(client)
    assert ended.cache is not None
    assert ended.cache.state == "hit"


async def test_a_model_that_is_not_geminis_has_none() -> None:
    async with GeminiClient(model=ScriptedModel(say(ANSWER))) as client:
        _, told = await turn(client)
    assert told == ["cache: off: this model has no context caches"]


async def test_the_first_step_that_must_call_goes_without(
    server: GeminiServer, client: GeminiClient, manager: CacheManager
) -> None:
    await made(manager)
    server.script(calls(("look_up", {"word": "x"})), text(ANSWER))
    use = CacheConfig(cache_name="handbook")
    events = [
        event async for event in client.events(query="How long?", cache_config=use, tools=[look_up], tool_mode="any")
    ]
    assert [("cachedContent" in each.body) for each in server.generations] == [False, True]
    assert not [event for event in events if isinstance(event, Notice)]
    assert isinstance(events[-1], TurnEnded)
    assert events[-1].cache is not None
    assert events[-1].cache.state == "hit"
