"""What `model:` says about limits and fallbacks, from the manifest to the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import Agent, ManifestError, Notice, TurnEnded, load_manifest
from runner.models.gemini.model import GeminiModel
from runner.models.limiting.ledger import Rates
from tests.servers import GeminiServer, echo, error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner import Event

FIRST, SECOND = "gemini-3.8-flash", "gemini-4-hydrogen"
OUT = error(429, quota_id="GenerateRequestsPerDayPerProjectPerModel-FreeTier")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    with GeminiServer(answer=echo) as running:
        running.stand_in(monkeypatch)
        yield running


def manifest(folder: Path, text: str) -> Path:
    (folder / "agent.yaml").write_text(f"storage: 'memory:'\n{text}")
    return folder / "agent.yaml"


async def turn(agent: Agent, chat: str) -> list[Event]:
    return [event async for event in agent.run("hello", chat_id=chat)]


async def test_the_rates_of_a_manifest_hold_for_all_its_chats_until_it_is_closed(
    server: GeminiServer, tmp_path: Path
) -> None:
    path = manifest(tmp_path, f"model: {{name: {FIRST}, requests_per_minute: 1, tokens_per_minute: 5000}}\n")
    async with Agent.from_file(path) as agent:
        assert isinstance(agent.model, GeminiModel)
        limiter = agent.model.quota.limiter(FIRST)
        await turn(agent, "one")
        events, codes = agent.run("hello", chat_id="two"), []
        async for event in events:
            if isinstance(event, Notice):
                codes.append(event.code)
                events.interrupt()
        assert codes == ["rate_limit"]
        assert limiter.rates == Rates(1, 5000)
    assert limiter.rates == Rates()


async def test_a_new_generation_shares_the_queue_and_brings_its_own_rates(server: GeminiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, f"model: {{name: {FIRST}, requests_per_minute: 600}}\n")
    async with Agent.from_file(path) as old:
        await turn(old, "one")
        manifest(tmp_path, f"model: {{name: {FIRST}, requests_per_minute: 300}}\n")
        async with Agent(load_manifest(path), previous=old) as new:
            assert isinstance(old.model, GeminiModel)
            assert isinstance(new.model, GeminiModel)
            await turn(new, "two")
            limiter = new.model.quota.limiter(FIRST)
            assert limiter is old.model.quota.limiter(FIRST)
            assert limiter.rates == Rates(300)
        assert limiter.rates == Rates(600)


async def test_another_model_has_neither_the_limits_nor_the_fallback(server: GeminiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, f"model: {{name: {FIRST}, requests_per_minute: 60, fallback: {SECOND}}}\n")
    async with Agent.from_file(path, model="gemini-3.6-flash") as agent:
        server.script(OUT)
        for chat in ("one", "two"):
            assert not [event for event in await turn(agent, chat) if getattr(event, "code", "") == "rate_limit"]
        assert {request.model for request in server.generations} == {"gemini-3.6-flash"}


async def test_the_content_of_a_cache_goes_to_the_other_model_with_each_request(
    server: GeminiServer, tmp_path: Path
) -> None:
    path = manifest(
        tmp_path,
        f"model: {{name: {FIRST}, fallback: {SECOND}}}\ninstructions: Be brief.\n"
        "cache: {content: [The guarantee is two years.], min_tokens: 1}\n",
    )
    async with Agent.from_file(path) as agent:
        await turn(agent, "one")
        server.script(OUT)
        await turn(agent, "two")
        ended = (await turn(agent, "three"))[-1]
        assert isinstance(ended, TurnEnded)
        assert ended.reason == "answered"
    cached, _, other = server.generations
    assert "cachedContent" in cached.body
    assert other.model == SECOND
    assert "cachedContent" not in other.body
    assert other.contents[0]["parts"] == [{"text": "The guarantee is two years."}]
    assert other.body["systemInstruction"]["parts"] == [{"text": "Be brief."}]


async def test_a_fallback_that_cannot_be_made_is_told_with_its_place(server: GeminiServer, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "own.py").write_text("class Mine:\n    def __init__(self, name):\n        raise ValueError(name)\n")
    path = manifest(tmp_path, "model: {type: 'own:Mine', name: mine, fallback: [yours]}\n")
    with pytest.raises(ManifestError, match=r"agent\.yaml"):
        Agent.from_file(path)


async def test_a_model_named_again_as_its_own_fallback_stands_once(server: GeminiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, f"model: {{name: {FIRST}, fallback: [{FIRST}, {SECOND}, {SECOND}]}}\n")
    async with Agent.from_file(path) as agent:
        server.script(OUT)
        await turn(agent, "one")
        await turn(agent, "two")
        assert [request.model for request in server.generations] == [FIRST, SECOND]
