"""The example agents run, over the wire: what their manifests say is sent, and the strict server accepts it."""

from __future__ import annotations

import json
import shutil
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from runner import Agent, load_manifest
from runner.events import ThoughtDelta, ToolReturned, TurnEnded
from tests.docs.answers import KEY
from tests.docs.fences import ROOT
from tests.servers import GeminiServer, calls, part, text, thought
from tests.servers.gemini_replies import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.events import Event
    from tests.servers import RecordedRequest

AGENTS = sorted(path.stem for path in (ROOT / "agents").glob("*.yaml") if ".conversations" not in path.name)
SEARCHED = (
    {
        "toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["market Lille"]}, "id": "s1"},
        "thoughtSignature": "c2VhcmNo",
    },
    {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {}, "id": "s1"}},
)
GROUNDS = {
    "groundingChunks": [{"web": {"uri": "https://example.com/lille", "title": "example.com"}}],
    "groundingSupports": [{"segment": {"endIndex": 16, "text": "There is market."}, "groundingChunkIndices": [0]}],
}


def answer(request: RecordedRequest) -> Reply:
    """A call of the first tool there is in the first step, then an answer, as JSON where it must be that."""
    if "responseJsonSchema" in request.normal.get("generationConfig", {}):
        return text('{"place": "Chez Anna", "date": "2026-03-02", "people": 4}')
    if "get_weather" in request.declarations and not request.step:
        searched = part(*SEARCHED) if any("googleSearch" in tool for tool in request.normal["tools"]) else text()
        return thought("The weather first.") + searched + calls(("get_weather", {"city": "Paris"}))
    return text("There is market.") + Reply(candidate={"groundingMetadata": GROUNDS})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    for name in ("GOOGLE_API_KEY", "CI", "AGENT_RUN_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AGENT_RUN_STORAGE", "memory:")
    for name in ("OPEN_METEO_GEOCODING_URL", "OPEN_METEO_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # the tools have averages to fall back on
    with GeminiServer(key=KEY, answer=answer, verbatim=True, cache_minimum="model") as server:
        server.stand_in(monkeypatch)
        yield server
        assert [request.error for request in server.refused] == []


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("agents", "docs", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


async def turn(path: Path) -> list[Event]:
    async with Agent(load_manifest(path)) as agent, aclosing(agent.run("hello", chat_id="c")) as events:
        return [event async for event in events]


@pytest.mark.parametrize("name", AGENTS)
async def test_an_example_agent_answers(server: GeminiServer, clone: Path, name: str) -> None:
    events = await turn(clone / "agents" / f"{name}.yaml")
    ended = events[-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.reason, ended.message) == ("answered", None)


async def test_all_that_the_research_agent_says_is_on_the_wire(server: GeminiServer, clone: Path) -> None:
    events = await turn(clone / "agents" / "research.yaml")
    first, second = (request.normal for request in server.generations)
    assert [next(iter(tool)) for tool in first["tools"]] == ["functionDeclarations", "googleSearch", "urlContext"]
    assert first["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert first["generationConfig"] == {
        "thinkingConfig": {"thinkingLevel": "MEDIUM", "includeThoughts": True},
        "maxOutputTokens": 8000,
        "stopSequences": ["END OF ANSWER"],
        "seed": 7,
        "mediaResolution": "MEDIA_RESOLUTION_MEDIUM",
        "responseModalities": ["TEXT"],
    }
    assert first["serviceTier"] == "STANDARD"
    assert len(first["safetySettings"]) == 2
    sent_back = second["contents"][1]["parts"]
    assert [each for each in sent_back if "toolCall" in each or "toolResponse" in each] == list(SEARCHED)
    assert ThoughtDelta("The weather first.") in events
    assert [event.kind for event in events if isinstance(event, ToolReturned)] == ["ok"]
    ended: Any = events[-1]
    assert json.loads(json.dumps(ended.to_json()))["sources"] == [
        {"kind": "web", "uri": "https://example.com/lille", "title": "example.com", "spans": [[0, 16]]}
    ]


async def test_the_handbook_agent_asks_from_a_cache(server: GeminiServer, clone: Path) -> None:
    ended: Any = (await turn(clone / "agents" / "handbook.yaml"))[-1]
    assert ended.cache.state == "miss"
    assert set(server.generations[0].body) == {"contents", "cachedContent"}
    (cache,) = server.caches.values()
    assert len(cache.given["contents"][0]["parts"]) == 3
    assert cache.given["tools"]
