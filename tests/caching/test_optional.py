"""A cache is optional: whenever it is deleted, forbidden or expires, a chat goes on as if nothing had happened."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal

import pytest

from runner.chats import ChatManager
from runner.client import GeminiClient
from runner.events import Notice, TurnEnded
from runner.models.base import Model
from runner.storages.memory import LocalChatStorage
from runner.tools.function import tool
from tests.caching.scene import Scene, scene_of
from tests.invariants import assert_sound, assert_valid_history
from tests.servers import calls, error, text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.events import Event
    from runner.requests import GenerateContentRequest, ModelItem

QUESTIONS = ("How long is the guarantee?", "And for lamps?", "Thank you.")
REQUESTS = 5  # the model calls of the conversation
Way = Literal["deleted", "expired", "forbidden"]


@tool(effects="none")
def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word}: two years"


class Losing(Model):
    """Loses the cache right before the request of that number is sent."""

    def __init__(self, scene: Scene, at: int, way: Way) -> None:
        self.inner, self.name, self.family = scene.gemini, scene.gemini.name, scene.gemini.family
        self._scene, self._at, self._way = scene, at, way

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        self._at -= 1
        if self._at == 0:
            self._lose()
        async with contextlib.aclosing(self.inner.generate(request)) as items:
            async for item in items:
                yield item

    def _lose(self) -> None:
        server = self._scene.server
        if self._way == "forbidden":
            server.script(error(403, "CachedContent not found (or permission denied)"), when=QUESTIONS[0])
        elif self._way == "deleted":
            server.caches.clear()
        else:
            self._scene.cache.expires = 0.0


def script(scene: Scene) -> None:
    scene.server.script(
        calls(("look_up", {"word": "guarantee"})),
        text("Two years."),
        calls(("look_up", {"word": "lamps"}), ("look_up", {"word": "lights"})),
        text("Two years too."),
        text("You are welcome."),
    )


async def conversation(scene: Scene, model: Model) -> tuple[list[str], list[Any], list[Event]]:
    """The answers, the contents of the history, and all events."""
    script(scene)
    events: list[Event] = []
    async with LocalChatStorage() as storage:
        manager = ChatManager(storage, "Answer from the handbook.")
        async with GeminiClient(chat_manager=manager, model=model) as client:
            for question in QUESTIONS:
                events += [event async for event in client.events(query=question, tools=[look_up], chat_id="c")]
        log = await storage.read_after("c", 0)
        assert_sound(log)
        contents = [message.content for message in await manager.get_history("c")]
    assert_valid_history([each for each in contents if each is not None])
    return [event.text for event in events if isinstance(event, TurnEnded)], contents, events


def comparable(contents: list[Any]) -> list[Any]:
    """The history but for ids and signatures, which the server makes up anew."""
    drop = {"thoughtSignature", "id"}
    return [
        [{name: _bare(value) for name, value in part.items() if name not in drop} for part in content["parts"]]
        for content in contents
    ]


def _bare(value: Any) -> Any:
    return {name: each for name, each in value.items() if name != "id"} if isinstance(value, dict) else value


@pytest.mark.parametrize("way", ["deleted", "expired", "forbidden"])
async def test_losing_it_at_any_instant_changes_the_cost_and_nothing_else(way: Way) -> None:
    async with scene_of() as plain:
        answers, history, _ = await conversation(plain, plain.gemini)
    for at in range(1, REQUESTS + 1):
        async with scene_of() as scene:
            model = scene.process(inner=Losing(scene, at, way))
            got, contents, events = await conversation(scene, model)
            assert got == answers
            assert comparable(contents) == comparable(history)
            told = [event for event in events if isinstance(event, Notice) and "lost" in event.message]
            assert len(told) == 1
            assert [event.reason for event in events if isinstance(event, TurnEnded)] == ["answered"] * 3
            assert scene.made == 1
            assert [verb for verb in scene.verbs if " " in verb] == ["stream 403"]


async def test_each_turn_says_what_became_of_the_cache() -> None:
    async with scene_of() as scene:
        _, _, events = await conversation(scene, scene.process())
    ends = [event for event in events if isinstance(event, TurnEnded)]
    assert [end.cache.state for end in ends if end.cache is not None] == ["miss", "hit", "hit"]
    assert [end.cache.saved for end in ends if end.cache is not None] == [end.usage.cached_tokens for end in ends]
    assert ends[1].to_json()["cache"] == {"state": "hit", "saved_tokens": ends[1].usage.cached_tokens}
