"""An agent's own context cache, over the wire: what is sent, when it is made, refreshed, lost and replaced."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from runner.caching.content import CachedContent
from runner.caching.model import CachedModel
from runner.caching.own import CacheSettings, OwnCache
from runner.errors import ChatStorageError, GeminiAPIError
from runner.models.base import Model
from runner.models.scripted import ScriptedModel, say
from tests.caching.scene import ANSWER, HANDBOOK, SYSTEM, Scene, question, reason, scene_of, states
from tests.models.asking import NAME, TOOLS, answer
from tests.servers import error, repeat, text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.requests import GenerateContentRequest, ModelItem


def content(*texts: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": each} for each in texts]}


ANY = {"functionCallingConfig": {"mode": "ANY"}}
NONE = {"functionCallingConfig": {"mode": "NONE"}}


async def test_what_is_baked_into_the_cache_is_left_out_of_the_request(scene: Scene) -> None:
    got = await scene.asked(scene.process(), tool_config=NONE)
    assert scene.verbs == ["cache_list", "cache_create", "stream"]
    made = scene.server.requests[1].body
    assert made["contents"] == [content(HANDBOOK)]
    assert (made["systemInstruction"], made["tools"], made["toolConfig"]) == (SYSTEM, TOOLS, NONE)
    assert (made["ttl"], made["model"]) == ("3600s", f"models/{NAME}")
    assert scene.sent == {"contents": [content("How long?")], "cachedContent": scene.cache.name}
    assert states(got) == ["miss"]
    assert [notice.message for notice in got.notices] == [f"cache: made, {scene.cache.tokens:,} tokens for 1 h"]
    assert got.usages[-1].cached_tokens == scene.cache.tokens


async def test_the_server_refuses_tools_beside_a_cache(scene: Scene) -> None:
    """The strict server knows the rule that the test above keeps."""
    await scene.asked(scene.process())
    with pytest.raises(GeminiAPIError, match="can not be used with GenerateContent request setting system_instruction"):
        await answer(scene.gemini, question(cached_content=scene.cache.name))


async def test_uncached_the_content_comes_first(scene: Scene) -> None:
    """So the model reads the same, cached or not."""
    got = await scene.asked(scene.process(), tool_config=ANY)
    assert scene.verbs == ["stream"]
    assert scene.sent["contents"] == [content(HANDBOOK), content("How long?")]
    assert (scene.sent["systemInstruction"], scene.sent["tools"]) == (SYSTEM, TOOLS)
    assert (states(got), got.notices) == (["off"], [])
    assert "first step of tool_mode any" in reason(got)


async def test_made_once_and_hit_by_all_who_share_the_storage(scene: Scene) -> None:
    one, other = scene.process(), scene.process()
    assert [states(await scene.asked(model)) for model in (one, one, other, other)] == [
        ["miss"],
        ["hit"],
        ["hit"],
        ["hit"],
    ]
    assert scene.made == 1


async def test_those_who_find_it_being_made_go_without_it(scene: Scene) -> None:
    scene.server.script(text("").but(delay=2), on="cache_create")
    got = await asyncio.gather(*(scene.asked(scene.process(), f"Question {number}?") for number in range(20)))
    found = sorted(states(each)[0] for each in got)
    assert (found.count("miss"), found.count("off"), scene.made) == (1, 19, 1)
    assert {reason(each) for each in got if states(each) == ["off"]} == {"it is being made"}
    assert not any(each.notices for each in got if states(each) == ["off"])


@pytest.mark.parametrize(
    "options",
    [
        {"system_instruction": {"parts": [{"text": "Other."}]}},
        {"tools": []},
        {"tool_config": NONE},
        {"model": "gemini-3.6-flash"},
    ],
    ids=lambda options: next(iter(options)),
)
async def test_another_key_makes_another_cache_and_deletes_the_old_one(scene: Scene, options: dict[str, Any]) -> None:
    process = scene.process()
    await scene.asked(process)
    old = scene.cache.name
    got = await scene.asked(process, **options)
    assert states(got) == ["miss"]
    assert scene.cache.name != old
    assert scene.verbs[-4:] == ["cache_list", "cache_create", "cache_delete", "stream"]


async def test_another_content_is_another_key(scene: Scene) -> None:
    await scene.asked(scene.process())
    await scene.asked(scene.process(content=[HANDBOOK, "And more."]))
    assert scene.cache.given["contents"] == [content(HANDBOOK, "And more.")]


async def test_caches_of_others_are_left_alone(scene: Scene) -> None:
    """Other agents, the same agent in another storage, a variant of it, and what people made by hand."""
    await scene.asked(scene.process())
    await scene.asked(scene.process(agent="other"))
    await scene.asked(scene.process(variant="abcdef"))
    stranger = Scene(scene.server, scene.gemini)
    await stranger.asked(stranger.process())
    await scene.keeper().caches.create_cache(model=NAME, cache_name="handbook", contents="by hand")
    assert len(scene.server.caches) == 5
    await scene.asked(scene.process(content=["Another one. " * 20]))
    assert len(scene.server.caches) == 5
    assert len([each for each in scene.server.requests if each.verb == "cache_delete"]) == 1


async def test_a_cache_whose_record_was_lost_is_found_by_its_name(scene: Scene) -> None:
    """As after a crash between making it and writing that down."""
    await scene.asked(scene.process())
    found = await scene.shared.get("context-cache/handbook/")
    assert found is not None
    assert await scene.shared.put_if("context-cache/handbook/", None, found.version) is not None
    assert states(await scene.asked(scene.process())) == ["hit"]
    assert scene.made == 1


# its life


async def test_a_use_refreshes_it_at_most_once_a_minute_over_all(scene: Scene) -> None:
    one, other = (scene.process(auto_refresh_ttl="2h") for _ in range(2))
    await scene.asked(one)
    for _ in range(3):
        scene.pass_by(50)
        await asyncio.gather(scene.asked(one), scene.asked(other))
    refreshes = [each.body for each in scene.server.requests if each.verb == "cache_update"]
    assert refreshes == [{"ttl": "7200s"}]
    scene.pass_by(3600)
    assert states(await scene.asked(other)) == ["hit"]


async def test_it_is_made_anew_when_it_has_expired(scene: Scene) -> None:
    process = scene.process()
    await scene.asked(process)
    scene.pass_by(3600)
    got = await scene.asked(process)
    assert (states(got), scene.made) == (["miss"], 2)
    assert not scene.server.refused


@pytest.mark.parametrize(("code", "status"), [(403, "PERMISSION_DENIED"), (404, "NOT_FOUND")])
async def test_what_is_lost_is_asked_again_at_once_without_it_and_made_anew_later(code: int, status: str) -> None:
    async with scene_of(cache_missing=code) as scene:
        one, other = scene.process(), scene.process()
        await scene.asked(one)
        scene.server.caches.clear()
        got = await scene.asked(one)
        told = f"cache: lost ({code} {status}); asking without it (2 of 4)"
        assert (states(got), [notice.message for notice in got.notices]) == (["off"], [told])
        assert scene.verbs[-2:] == [f"stream {code}", "stream"]
        assert scene.sent["contents"] == [content(HANDBOOK), content("How long?")]
        for process in (one, other):
            again = await scene.asked(process)
            assert (states(again), again.notices) == (["off"], [])
        scene.pass_by(61)
        assert states(await scene.asked(other)) == ["miss"]
        assert scene.made == 2


async def test_it_may_expire_between_its_refresh_and_its_use(scene: Scene) -> None:
    await scene.asked(scene.process())
    scene.pass_by(120)
    process = scene.process(auto_refresh_ttl="1h", inner=Deleting(scene))
    await scene.asked(process)
    assert scene.verbs[-3:] == ["cache_update", "stream 403", "stream"]


class Deleting(Model):
    """Deletes all caches right before a request is sent, when everything was looked up."""

    def __init__(self, scene: Scene) -> None:
        self.inner, self.name, self.family = scene.gemini, scene.gemini.name, scene.gemini.family
        self._scene = scene

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        self._scene.server.caches.clear()
        async with contextlib.aclosing(self.inner.generate(request)) as items:
            async for item in items:
                yield item


async def test_a_refresh_that_is_refused_means_it_is_gone(scene: Scene) -> None:
    process = scene.process(auto_refresh_ttl="1h")
    await scene.asked(process)
    scene.pass_by(120)
    scene.server.caches.clear()
    assert states(await scene.asked(process)) == ["miss"]
    assert scene.verbs[-4:] == ["cache_update 403", "cache_list", "cache_create", "stream"]


async def test_a_refresh_that_fails_changes_nothing(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    process = scene.process(auto_refresh_ttl="1h")
    await scene.asked(process)
    scene.pass_by(120)
    scene.server.script(error(500), on="cache_update")
    got = await scene.asked(process)
    assert (states(got), got.notices) == (["hit"], [])
    assert "could not be refreshed" in caplog.text
    assert states(await scene.asked(process)) == ["hit"]
    assert scene.verbs.count("cache_update 500") == 1


async def test_without_retries_a_lost_cache_is_made_up_for_all_the_same(scene: Scene) -> None:
    process = scene.process(retries=0)
    await scene.asked(process)
    scene.server.caches.clear()
    assert [notice.message[-8:] for notice in (await scene.asked(process)).notices] == ["(2 of 2)"]


async def test_the_loss_counts_as_one_of_four_requests(scene: Scene) -> None:
    process = scene.process()
    await scene.asked(process)
    scene.server.caches.clear()
    scene.server.script(repeat(error(503)))
    with pytest.raises(GeminiAPIError, match="gave up after 4 tries"):
        await answer(process, question())
    assert scene.verbs[-4:] == ["stream 403", "stream 503", "stream 503", "stream 503"]


async def test_who_dies_while_making_it_keeps_the_others_from_it_for_a_minute_only(scene: Scene) -> None:
    scene.server.script(text("").but(delay=30), on="cache_create")
    dying = asyncio.create_task(scene.asked(scene.process()))
    await scene.server.arrived(2)
    dying.cancel()
    await asyncio.wait({dying})
    other = scene.process()
    assert reason(await scene.asked(other)) == "it is being made"
    scene.pass_by(61)
    assert states(await scene.asked(other)) == ["hit"]  # the service had made it all the same
    assert scene.made == 1


# what keeps it from being made


@pytest.mark.parametrize("failure", [error(403), error(429), error(500), error(503)])
async def test_a_cache_that_cannot_be_made_is_tried_once_a_minute_and_told_once(scene: Scene, failure: Any) -> None:
    scene.server.script(repeat(failure, 2), on="cache_create")
    one, other = scene.process(), scene.process()
    got = [await scene.asked(model) for model in (one, one, other, one)]
    assert all(reason(each).startswith("it cannot be made: ") for each in got)
    assert [len(each.notices) for each in got] == [1, 0, 1, 0]
    assert scene.made == 1
    scene.pass_by(61)
    await scene.asked(one)
    assert scene.made == 2
    scene.pass_by(61)
    assert states(await scene.asked(one)) == ["miss"]


async def test_one_that_the_service_finds_too_small_is_not_tried_again_soon() -> None:
    async with scene_of(cache_minimum="model") as scene:
        process = scene.process()
        for _ in range(3):
            got = await scene.asked(process)
            scene.pass_by(61)
        assert "Cached content is too small" in reason(got)
        assert scene.made == 1


async def test_what_is_too_small_by_our_own_estimate_is_not_even_tried(scene: Scene) -> None:
    got = await scene.asked(scene.process(min_tokens=None))
    assert "are fewer than the 4,096 that a cache for gemini-3.8-flash has at least" in reason(got)
    assert [notice.code for notice in got.notices] == ["cache"]
    assert scene.verbs == ["stream"]


async def test_a_model_without_explicit_caching_goes_without(scene: Scene) -> None:
    process = scene.process()
    got = [await scene.asked(process, model="gemini-4-argon") for _ in range(2)]
    assert "gemini-4-argon has no explicit context caching" in reason(got[0])
    assert [len(each.notices) for each in got] == [1, 0]
    assert scene.verbs == ["stream", "stream"]


async def test_with_nothing_to_cache_none_is_made(scene: Scene) -> None:
    got = await scene.asked(scene.process(content=[]), system_instruction=None, tools=())
    assert "no instructions, no tools and no content" in reason(got)
    assert scene.verbs == ["stream"]


async def test_instructions_that_change_with_every_turn_make_two_caches_and_no_more(scene: Scene) -> None:
    process = scene.process()
    got = []
    for number in range(6):
        got.append(await scene.asked(process, system_instruction={"parts": [{"text": f"It is {number} o'clock."}]}))
        scene.pass_by(20)
    assert [states(each)[0] for each in got] == ["miss", "miss", "off", "off", "off", "off"]
    assert "changed twice within a minute" in reason(got[2])
    assert [len(each.notices) for each in got[2:]] == [1, 0, 0, 0]
    assert scene.made == 2


async def test_two_versions_side_by_side_do_not_take_the_cache_from_each_other(scene: Scene) -> None:
    """The newer one has it; the older goes without until that has expired."""
    old, new = scene.process(), scene.process(content=["The guarantee is three years. " * 20])
    await scene.asked(old)
    assert states(await scene.asked(new)) == ["miss"]
    for _ in range(4):
        scene.pass_by(100)
        assert "another version" in reason(await scene.asked(old))
        assert states(await scene.asked(new)) == ["hit"]
    assert scene.made == 2


async def test_a_storage_that_fails_costs_the_cache_only(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(key: str) -> None:
        raise ChatStorageError("the disk is full")

    process = scene.process()
    monkeypatch.setattr(scene.shared, "get", failing)
    assert reason(await scene.asked(process)) == "the storage failed: the disk is full"


async def test_a_model_that_is_not_geminis_is_asked_with_the_content_alone(scene: Scene) -> None:
    inner = ScriptedModel(say(ANSWER))
    keeper = OwnCache(CacheSettings(agent="a", label="a"), None, scene.shared)
    got = await answer(CachedModel(inner, keeper, CachedContent([HANDBOOK])), question())
    assert reason(got) == "this model has no context caches"
    assert inner.requests[0].contents == [content(HANDBOOK), content("How long?")]
