"""From a YAML file to an agent that runs turns."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from runner import (
    Agent,
    LocalChatStorage,
    ManifestError,
    MissingKeyError,
    RateLimitingAsyncExecutor,
    load_manifest,
    tool,
)
from runner.agent import Substitutes
from runner.models.scripted import ScriptedModel, say
from runner.settings import Settings
from tests.servers import GeminiServer, calls, text

if TYPE_CHECKING:
    from pathlib import Path

    from runner.manifest import Spec
    from runner.tools.toolbox import Toolbox

TOOLS = '''
from runner import tool

@tool(effects="none")
async def get_weather(city: str) -> dict:
    """Tell the weather in a city."""
    return {"city": city, "temperature": 18}

def helper_that_is_no_tool(x):
    return x
'''
MANIFEST = """
model: gemini-3.8-flash
instructions: You answer questions about the weather.
tools: [tools.weather]
executor: {type: rate_limiting, batch_size: 2}
storage: memory
"""
KEY = Settings(GEMINI_API_KEY="test-key")  # type: ignore[call-arg]  # the alias is the variable's name


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "CI"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "agents").mkdir()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "weather.py").write_text(TOOLS)
    (tmp_path / "agents" / "weather.yaml").write_text(MANIFEST)
    return tmp_path


def write(project: Path, manifest: str, name: str = "weather.yaml") -> Path:
    path = project / "agents" / name
    path.write_text(manifest)
    return path


def refusal(project: Path, manifest: str) -> str:
    path = write(project, manifest)
    with pytest.raises(ManifestError) as caught:
        Agent.from_file(path, model="gemini-3.8-flash", settings=KEY)
    return str(caught.value)


def built(path: Path, **options: Any) -> Agent:
    """An agent to look at: built, and closed again."""
    agent = Agent.from_file(path, **options)
    asyncio.run(agent.aclose())
    return agent


async def run(agent: Agent, query: str, chat_id: str = "c") -> list[Any]:
    async with aclosing(agent.run(query, chat_id=chat_id)) as events:
        return [event async for event in events]


async def test_an_agent_talks_to_gemini_calls_its_tool_and_remembers(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GeminiServer() as server:
        server.stand_in(monkeypatch)
        server.script(calls(("get_weather", {"city": "Paris"})), text("18 ", "degrees"), text("I said 18"))
        async with Agent.from_file(project / "agents" / "weather.yaml") as agent:
            first = await run(agent, "How warm is Paris?")
            second = await run(agent, "What did you say?")
            assert isinstance(agent.executor, RateLimitingAsyncExecutor)
        assert (first[-1].text, second[-1].text) == ("18 degrees", "I said 18")
        assert [request.status for request in server.requests] == [200, 200, 200]
        assert server.requests[1].responses[0]["response"] == {"city": "Paris", "temperature": 18}
        assert "weather" in str(server.requests[0].system)


async def test_the_key_may_come_from_the_projects_env_file(project: Path) -> None:
    with GeminiServer() as server:
        lines = [f"{name}={value}" for name, value in server.env.items()]
        (project / ".env").write_text("\n".join(lines))
        server.script(text("hi"))
        async with Agent.from_file(project / "agents" / "weather.yaml") as agent:
            assert (await run(agent, "hi"))[-1].text == "hi"
    assert "GEMINI_API_KEY" not in os.environ


def test_settings_are_those_variables_that_say_something(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's over the `.env`; an empty variable is none, as it is for google-genai."""
    (project / ".env").write_bytes(b"\xef\xbb\xbfAGENT_RUN_MODEL=offline\nGEMINI_API_KEY=second\nCI=true\n")
    for name, value in {"GOOGLE_API_KEY": "", "CI": "0", "AGENT_RUN_STORAGE": "", "model": "m", "storage": "s"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings.of_project(project)
    assert (settings.model, settings.storage, settings.api_key, settings.is_ci) == ("offline", None, "second", False)


async def test_names_resolve_the_same_from_any_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(project, MANIFEST.replace("storage: memory", "storage: sqlite:///data/chats.db"))
    for folder in (project, project / "agents", tmp_path_factory.mktemp("elsewhere")):
        monkeypatch.chdir(folder)
        async with Agent.from_file(path, model="offline") as agent:
            assert agent.toolbox.names == ["get_weather"]
            await run(agent, "hello")
    assert (project / "data" / "chats.db").is_file()


@pytest.mark.parametrize(
    "line",
    ["tools.weather", "tools.weather:get_weather", "../tools/weather.py", "../tools/weather.py:get_weather"],
)
async def test_a_tool_line_may_name_a_module_a_function_or_a_file(project: Path, line: str) -> None:
    async with Agent.from_file(write(project, f"tools: ['{line}']\nstorage: 'memory:'"), model="offline") as agent:
        assert agent.toolbox.names == ["get_weather"]


async def test_chats_of_two_agents_in_one_storage_are_apart(project: Path) -> None:
    manifest = "storage: sqlite:///chats.db\nname: {}\n"
    for name in ("a", "a/b", "b"):
        async with Agent.from_file(write(project, manifest.format(name)), model="offline") as agent:
            assert await agent.latest_chat() is None
            await run(agent, "hello", "b/c" if name == "a" else "c")
            assert await agent.latest_chat() == ("b/c" if name == "a" else "c")
            assert len(await agent.get_history("b/c" if name == "a" else "c")) == 2


def test_without_a_key_the_offline_model_answers_only_where_it_may(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "agents" / "weather.yaml"
    with pytest.raises(MissingKeyError, match="GEMINI_API_KEY"):
        Agent.from_file(path)
    agent = built(path, offline_without_key=True)
    assert agent.model.name == "offline"
    assert [notice.code for notice in agent.notices] == ["offline_model"]
    monkeypatch.setenv("CI", "true")
    with pytest.raises(MissingKeyError, match="offline"):
        Agent.from_file(path, offline_without_key=True)
    assert built(path, model="offline").model.name == "offline"


async def test_the_offline_model_does_not_continue_a_chat_held_with_gemini(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(project, MANIFEST.replace("storage: memory", "storage: sqlite:///chats.db"))
    with GeminiServer() as server:
        server.script(text("hi"))
        server.stand_in(monkeypatch)
        async with Agent.from_file(path) as agent:
            await run(agent, "hello")
    async with Agent.from_file(path, model="offline") as agent:
        ended = (await run(agent, "hello"))[-1]
        assert (ended.reason, ended.code) == ("failed", "MODEL_CHOICE")
        assert len(await agent.get_history("c")) == 2
        assert (await run(agent, "hello", "new"))[-1].reason == "answered"


def test_the_environment_wins_over_the_manifest(project: Path) -> None:
    agent = built(project / "agents" / "weather.yaml", settings=Settings(model="offline", storage="memory:"))
    assert agent.model.name == "offline"


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("modle: x", ['unknown key "modle"', "model"]),
        ("tools: weather", ["tools", "list"]),
        ("tools: [tools.wether]", ["tools.wether", "no module"]),
        ("tools: ['tools.weather:get_wether']", ['did you mean "get_weather"?']),
        ("tools: [os]", ["no module"]),
        ("tools: ['subprocess:run']", ["no module"]),
        ("tools: ['builtins:eval']", ["no module"]),
        ("tools: ['../../outside.py']", ["outside the project root"]),
        ("tools: ['nope.py']", ["no file"]),
        ("tools: ['tools.weather:_private']", ["not a public name"]),
        ("tools: ['a..b']", ["not a module name"]),
        ("tools: ['__main__']", ["not a module name"]),
        ("executor: {type: rate_limiting, batch_siz: 3}", ['unknown key "batch_siz"', 'did you mean "batch_size"?']),
        ("executor: {type: rate_limiting, batch_size: 0}", ["executor.batch_size must be at least 1"]),
        ("executor: {type: rate_limiting, batch_size: '5'}", ["batch_size", "a whole number"]),
        ("executor: {type: async, batch_size: 3}", ["batch_size belongs to the executor rate_limiting"]),
        ("executor: rate_limitin", ['did you mean "rate_limiting"?']),
        ("storage: 'redsi://x'", ['unknown storage "redsi"']),
        ("storage: 'memory:x'", ["memory:"]),
        ("tool_mode: sometimes", ["tool_mode"]),
        ("tool_mode: any", ["no tools"]),
        ("- a list", ["mapping"]),
        ("", ["mapping"]),
        ("model: x\nmodel: y", ['"model" stands twice, first in line 1']),
        ("a: [", ["weather.yaml:"]),
        ("a: !!python/name:os.system x", ["weather.yaml:1:4"]),
        ("tools: [tools.weather, tools.weather]", ["two tools are named"]),
    ],
)
def test_a_wrong_manifest_is_told_with_its_file_and_key(project: Path, manifest: str, words: list[str]) -> None:
    message = refusal(project, manifest)
    assert "weather.yaml" in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = (", ["broken.py:1", "SyntaxError"]),
        ("import sys\nsys.exit(3)\ndef f(): ...", ["broken.py:2", "SystemExit"]),
        ("1/0\ndef f(): ...", ["broken.py:1", "ZeroDivisionError"]),
        ("import nothing_like_it\ndef f(): ...", ["broken.py:1", "nothing_like_it"]),
        ("x = 1", ["defines no tool"]),
        ("def f(a): ...", ["f", "a"]),
    ],
)
def test_a_broken_tool_module_is_told_with_its_own_file_and_line(project: Path, source: str, words: list[str]) -> None:
    (project / "tools" / "broken.py").write_text(source)
    message = refusal(project, "tools: [tools.broken]")
    for word in words:
        assert word in message


def test_files_that_are_no_manifest_are_refused(project: Path) -> None:
    fifo = project / "fifo.yaml"
    os.mkfifo(fifo)
    (project / "latin.yaml").write_bytes(b"name: \xe9")
    (project / "big.yaml").write_text("#" * 2_000_000)
    for name, word in {
        "none.yaml": "no such file",
        "agents": "not a regular file",
        "fifo.yaml": "not a regular file",
        "latin.yaml": "UTF-8",
        "big.yaml": "larger than",
    }.items():
        with pytest.raises(ManifestError, match=word):
            load_manifest(project / name)


def test_only_decorated_tools_count_where_there_are_any(project: Path) -> None:
    (project / "tools" / "plain.py").write_text(
        "import json\nfrom os.path import join\n"
        'def one(a: int) -> int:\n    """One."""\n    return a\n'
        'def two(a: int) -> int:\n    """Two."""\n    return a\n'
        "def _hidden(x): ...\n"
    )
    agent = built(write(project, "tools: [tools.plain]\nstorage: 'memory:'"), settings=KEY)
    assert agent.toolbox.names == ["one", "two"]


def test_a_projects_own_classes_serve_as_plug_ins(project: Path) -> None:
    (project / "mine.py").write_text(
        "from runner import AsyncToolExecutor, LocalChatStorage\n"
        "class Executor(AsyncToolExecutor):\n"
        "    def __init__(self, speed: int = 1): self.speed = speed\n"
        "class Storage(LocalChatStorage): ...\n"
    )
    manifest = "executor: {type: 'mine:Executor', speed: 3}\nstorage: 'mine:Storage'"
    agent = built(write(project, manifest), settings=KEY)
    assert agent.executor.speed == 3  # type: ignore[attr-defined]  # the project's own class
    assert type(agent.storage).__name__ == "Storage"
    assert 'unknown key "sped"' in refusal(project, "executor: {type: 'mine:Executor', sped: 3}")
    assert 'did you mean "Storage"' in refusal(project, "storage: 'mine:Storag'")


async def test_parts_of_an_agent_may_have_substitutes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is needed, no module loaded and no database opened for what is not used."""
    monkeypatch.setenv("TZ", "America/New_York")
    (project / "tools" / "weather.py").write_text(f"{TOOLS}\nraise RuntimeError\n")
    path = write(project, MANIFEST.replace("weather.\n", "weather. It is {{ now }}.\n") + "retries: 0\n")
    asked: list[str] = []

    def scripted(spec: Spec, toolbox: Toolbox, make: object) -> ScriptedModel:
        del make
        asked.extend([str(spec.options["name"]), *toolbox.names])
        return ScriptedModel(say("hello"), name=str(spec.options["name"]))

    @tool(effects="none")
    async def look_up(word: str) -> str:
        """Look a word up."""
        return word

    storage = LocalChatStorage()
    at = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=5)))
    substitutes = Substitutes(
        model=scripted, tool_lines=[("tools.weather", [look_up])], storage=storage, clock=lambda: at
    )
    async with Agent(load_manifest(path), substitutes=substitutes) as agent:
        assert asked == ["gemini-3.8-flash", "look_up"]
        assert agent.storage is storage
        async with aclosing(agent.run("hi", chat_id="c")) as events:
            assert [event async for event in events][-1].text == "hello"  # type: ignore[union-attr]
        (request,) = agent.model.requests  # type: ignore[attr-defined]
        assert "It is 2026-03-01 23:30." in str(request.system_instruction)
        with pytest.raises(MissingKeyError):
            agent.made_model(agent.model_spec)
        with pytest.raises(ManifestError, match="RuntimeError"):
            agent.made_tools("tools.weather")
