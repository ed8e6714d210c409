"""What a manifest says reaches the engine and the wire."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from runner import Agent, load_manifest
from runner.history import HistoryPolicy
from runner.manifest import AgentManifest
from runner.plan import Limits
from tests.servers import GeminiServer, calls, error, text

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = '''
import asyncio

async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "waited"

def long(size: int) -> str:
    """Say much."""
    return "x" * size
'''


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "CI"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "t.py").write_text(TOOLS)
    return tmp_path


def agent_of(project: Path, manifest: str, **options: Any) -> Agent:
    path = project / "agent.yaml"
    path.write_text(f"storage: 'memory:'\ntools: [t]\n{manifest}")
    return Agent.from_file(path, **options)


async def run(agent: Agent, query: str = "hello") -> list[Any]:
    async with aclosing(agent.run(query, chat_id="c")) as events:
        return [event async for event in events]


async def test_generation_settings_are_on_the_wire(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with GeminiServer() as server:
        server.stand_in(monkeypatch)
        server.script(text("hi"))
        manifest = """
generation:
  thinking: {level: low, include_thoughts: true}
  max_output_tokens: 300
  stop_sequences: [END]
  seed: 7
  media_resolution: low
  response_modalities: [text]
  safety: {harassment: block_none, hate_speech: block_only_high}
  service_tier: flex
"""
        async with agent_of(project, manifest) as agent:
            assert (await run(agent))[-1].text == "hi"
        body = server.requests[0].body
    assert body["generationConfig"] == {
        "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True},
        "maxOutputTokens": 300,
        "stopSequences": ["END"],
        "seed": 7,
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
        "responseModalities": ["TEXT"],
    }
    assert body["safetySettings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"},
        {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_ONLY_HIGH"},
    ]
    assert body["serviceTier"] == "flex"


async def test_nothing_is_sent_of_what_is_not_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with GeminiServer() as server:
        server.stand_in(monkeypatch)
        server.script(text("hi"))
        async with agent_of(project, "") as agent:
            await run(agent)
        assert not {"generationConfig", "safetySettings", "serviceTier", "systemInstruction"} & set(
            server.requests[0].body
        )


async def test_limits_and_retries_hold(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with GeminiServer() as server:
        server.stand_in(monkeypatch)
        server.script(calls(("wait", {"seconds": 3600})), calls(("long", {"size": 500})), calls(("long", {"size": 1})))
        server.script(error(503, "UNAVAILABLE"))
        manifest = "limits: {max_iterations: 3, tool_timeout: 1s, max_output_chars: 100}\nretries: 0\n"
        async with agent_of(project, manifest) as agent:
            events = await run(agent)
            kinds = [event.kind for event in events if event.__class__.__name__ == "ToolReturned"]
            assert kinds[:2] == ["outcome_unknown", "error"]
            assert (events[-1].reason, events[-1].code) == ("limit", "max_iterations")
            assert (await run(agent))[-1].reason == "failed"
        assert len(server.requests) == 4


def test_a_history_is_the_policy_that_it_names() -> None:
    named = {
        "200 turns": HistoryPolicy(turns=200),
        "60%": HistoryPolicy(share=0.6),
        0.5: HistoryPolicy(share=0.5),
        "summarize": HistoryPolicy(summarize=True),
    }
    for written, policy in named.items():
        assert HistoryPolicy(**AgentManifest.model_validate({"history": written}).history.given()) == policy
    part = {"keep": "33.5 %", "warn_at": "90%", "window": 32_000}
    policy = HistoryPolicy(**AgentManifest.model_validate({"history": part}).history.given())
    assert policy == HistoryPolicy(share=0.335, warn_at=0.9, window=32_000)
    assert HistoryPolicy(**AgentManifest.model_validate({}).history.given()) == HistoryPolicy()


def test_limits_left_out_are_the_engines_own() -> None:
    assert Limits(**AgentManifest.model_validate({}).limits.given()) == Limits()
    given = AgentManifest.model_validate(
        {"limits": {"max_tool_calls": 3, "turn_timeout": "2m", "max_output_chars": "1MB"}}
    ).limits.given()
    assert Limits(**given) == Limits(max_tool_calls=3, turn_timeout=120.0, max_output_chars=1_000_000)


def test_what_a_chat_begins_with_is_on_the_agent(project: Path) -> None:
    agent = agent_of(project, "model: offline\nwelcome: Hello!\nexamples: [How warm is it?]\n")
    assert (agent.welcome, agent.examples) == ("Hello!", ["How warm is it?"])


def test_warnings_are_kept_on_what_is_loaded_and_on_the_agent(project: Path) -> None:
    agent = agent_of(project, "model: gemini-3.8-flsh\n", model="offline")
    assert [each.code for each in agent.warnings] == ["W231"]
    assert [each.code for each in load_manifest(project / "agent.yaml").warnings] == ["W231"]


def test_what_fails_while_building_is_told_at_its_key(project: Path) -> None:
    """A module that raises, a plug-in that refuses its options, tools that only differ once they are made."""
    (project / "bad.py").write_text("def f(x: int) -> int: ...\n1/0\n")
    (project / "parts.py").write_text(
        "from runner import LocalChatStorage\nclass S(LocalChatStorage):\n"
        "    def __init__(self, size: int):\n        raise ValueError('too small')\n"
    )
    path = project / "agent.yaml"
    (project / "dynamic.py").write_text("from t import *\nwait.__module__ = __name__\n")
    for manifest, told in {
        "tools: [t, dynamic]\n": 'agent.yaml:2:8: error[E190]: two tools are named "wait"',
        "tools:\n  - t\n  - bad\n": 'bad.py:2:1: error[E190]: "bad" failed to load: ZeroDivisionError: ',
        "storage: {type: 'parts:S', size: 3}\n": 'agent.yaml:2:10: error[E190]: storage "parts:S": too small',
    }.items():
        path.write_text(f"model: offline\n{manifest}")
        with pytest.raises(Exception, match="E190") as caught:
            Agent.from_file(path)
        assert told in str(caught.value)
