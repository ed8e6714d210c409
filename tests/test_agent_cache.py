"""A manifest's `cache:`, from the first turn to the last, over the wire."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from runner import Agent, ManifestError, ScriptedModel, load_manifest
from runner.agent import Substitutes
from runner.models.scripted import say
from runner.project import Project
from tests.caching.project import MANIFEST, Turns, write_project
from tests.servers import GeminiServer, calls, error, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    for name in ("GOOGLE_API_KEY", "CI", "AGENT_RUN_MODEL", "AGENT_RUN_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    with GeminiServer(answer=lambda _: text("Two years.")) as server:
        server.stand_in(monkeypatch)
        yield server


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project")


def verbs(server: GeminiServer) -> list[str]:
    """What was asked since the last look."""
    found = [each.verb if each.status == 200 else f"{each.verb} {each.status}" for each in server.requests]
    server.clear()
    return found


async def test_the_whole_life_of_a_cache(server: GeminiServer, manifest: Path) -> None:
    """Made on first use, hit, refreshed, expired between its refresh and its use, forbidden, deleted by another, made
    anew, replaced when what it holds changes; every turn is answered."""
    guide = manifest.parents[1] / "guide.md"
    async with Agent.from_file(manifest) as agent:
        turns, time_passes = Turns(agent), clockwork(agent, server)

        ended, told = await turns.turn()
        (made,) = server.caches.values()
        assert verbs(server) == ["cache_list", "cache_create", "stream"]
        assert told == [f"cache: made, {made.tokens:,} tokens for 1 h"]
        assert ended.to_json()["cache"] == {"state": "miss", "saved_tokens": made.tokens}

        assert await turns.state() == "hit"
        assert verbs(server) == ["stream"]

        for _ in range(2):
            time_passes(3000)
            assert await turns.state() == "hit"
            assert verbs(server) == ["cache_update", "stream"]

        server.advance(3700)  # by the service's clock it expires sooner than by ours
        _, told = await turns.turn()
        assert told == ["cache: lost (403 PERMISSION_DENIED); asking without it (2 of 4)"]
        assert verbs(server) == ["stream 403", "stream"]
        assert await turns.state() == "miss"
        assert verbs(server) == ["cache_list", "cache_create", "stream"]

        server.script(error(403, "The caller does not have permission"))
        assert [len((await turns.turn())[1]), await turns.state()] == [1, "off"]
        assert verbs(server) == ["stream 403", "stream", "stream"]
        time_passes(61)
        assert await turns.state() == "hit"  # it was there all along
        assert verbs(server) == ["cache_list", "cache_update", "stream"]

        server.caches.clear()  # by another
        assert len((await turns.turn())[1]) == 1
        time_passes(61)
        assert await turns.state() == "miss"
        (old,) = server.caches

        time_passes(61)
        verbs(server)
        guide.write_text(guide.read_text() + "And three for lamps.")
        assert await turns.state() == "miss"
        assert verbs(server) == ["cache_list", "cache_create", "cache_delete", "stream"]
        assert old not in server.caches
        assert len(server.caches) == 1


def clockwork(agent: Agent, server: GeminiServer) -> Callable[[float], None]:
    """A function that lets time pass for the agent's cache, here and at the server."""
    assert agent.cache is not None
    passed = 0.0

    def pass_by(seconds: float) -> None:
        nonlocal passed
        passed += seconds
        server.advance(seconds)

    agent.cache.keeper.clock = lambda: time.time() + passed
    return pass_by


async def test_tool_mode_any_goes_without_it_in_the_first_step(server: GeminiServer, manifest: Path) -> None:
    manifest.write_text(MANIFEST + "tool_mode: any\n")
    server.script(calls(("look_up", {"word": "guarantee"})), text("Two years."))
    async with Agent.from_file(manifest) as agent:
        ended, _ = await Turns(agent).turn()
    first, second = server.generations
    assert first.body["toolConfig"]["functionCallingConfig"]["mode"] == "ANY"
    assert first.body["contents"][0]["parts"][0]["text"].startswith("The guarantee")
    assert (second.body.keys(), ended.cache and ended.cache.state) == ({"contents", "cachedContent"}, "miss")
    (made,) = server.caches.values()
    assert "toolConfig" not in made.given


async def test_after_a_reload_the_new_version_has_a_cache_of_its_own(server: GeminiServer, manifest: Path) -> None:
    async with Project(manifest) as project:
        turns = Turns(project)
        assert [await turns.state(), await turns.state()] == ["miss", "hit"]
        (old,) = server.caches
        while not project.is_watching:
            await asyncio.sleep(0.01)
        changes = project.changes()
        manifest.write_text(MANIFEST.replace("Answer from", "Answer briefly from"))
        await anext(changes)
        assert [await turns.state(), await turns.state()] == ["miss", "hit"]
        assert len(server.caches) == 1
        assert old not in server.caches
        manifest.write_text(MANIFEST.replace("Answer from", "Answer briefly from") + "retries: 2\n")
        await anext(changes)
        assert await turns.state() == "hit"  # nothing that is cached has changed


async def test_without_explicit_caching_it_runs_all_the_same_and_says_so_once(
    server: GeminiServer, manifest: Path
) -> None:
    manifest.write_text(MANIFEST.replace("gemini-3.8-flash", "gemini-4-argon"))
    async with Agent.from_file(manifest) as agent:
        turns = Turns(agent)
        told = [(await turns.turn())[1] for _ in range(3)]
        assert [each.code for each in load_manifest(manifest).warnings] == ["W235"]
        assert agent.warnings == ()
    assert [len(each) for each in told] == [1, 0, 0]
    assert "gemini-4-argon has no explicit context caching" in told[0][0]
    assert verbs(server) == ["stream"] * 3


async def test_a_stand_in_for_the_model_is_asked_with_the_content_and_without_a_cache(
    server: GeminiServer, manifest: Path
) -> None:
    """As in a recorded conversation."""
    substitutes = Substitutes(model=lambda spec, toolbox, make: make())
    async with Agent(load_manifest(manifest), substitutes=substitutes) as agent:
        ended, told = await Turns(agent).turn()
    assert (ended.cache, told) == (None, [])
    assert verbs(server)[0] == "stream"
    scripted = Substitutes(model=lambda spec, toolbox, make: ScriptedModel(say("Two years.")))
    async with Agent(load_manifest(manifest), substitutes=scripted) as agent:
        ended, _ = await Turns(agent).turn()
    assert ended.cache is None


async def test_a_variable_that_is_given_makes_a_variant_beside_the_others(server: GeminiServer, manifest: Path) -> None:
    """Two of them run side by side, and neither deletes what the other has."""
    text_of = MANIFEST.replace("Answer from", "In {{ unit }}, answer from") + "variables: {unit: years}\n"
    manifest.write_text(text_of)
    for variables in ({}, {"unit": "months"}, {"unit": "years"}):
        async with Agent.from_file(manifest, variables=variables) as agent:
            await Turns(agent).turn()
    assert len(server.caches) == 2
    assert sum(verb == "cache_create" for verb in verbs(server)) == 2


async def test_a_document_that_is_gone_ends_the_turn_and_says_which(server: GeminiServer, manifest: Path) -> None:
    async with Agent.from_file(manifest) as agent:
        await Turns(agent).turn()
        (manifest.parents[1] / "guide.md").unlink()
        events = [event async for event in agent.run("How long?", chat_id="c")]
    ended = events[-1].to_json()
    assert (ended["reason"], ended["code"]) == ("failed", "MANIFEST")
    assert '"../guide.md": no such file' in ended["message"]
    with pytest.raises(ManifestError, match=r"guide\.md.*no such file"):
        Agent.from_file(manifest)
