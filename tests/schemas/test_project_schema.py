"""`agent-run schema --project`: the project's own schemas, made from its tools' source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import jsonschema_rs
import pytest

from runner.errors import AgentRunError
from runner.schemas.agent import agent_schema
from runner.schemas.conversations import conversations_schema
from runner.schemas.files import project_schema_path, schema_text
from runner.schemas.project import refresh
from runner.schemas.texts import BUILT_IN_TOOLS
from tests.commands import Run, command_in

if TYPE_CHECKING:
    from pathlib import Path

    from runner.messages import Json

    Validator: TypeAlias = Any

WROTE = "wrote .agent-run/agent.schema.json\nwrote .agent-run/conversations.schema.json\n"
WEATHER = '''\
"""The weather."""
from runner import Tool, tool

@tool(name="weather_now")
def get_weather(city: str) -> dict:
    """Tell the weather.

    More about it."""

class Alarm(Tool):
    function_definition = {"name": "alarm", "description": "Warn of storms."}

raise SystemExit("imported")
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name in ("agents", "tools/more"):
        (folder / name).mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    (folder / "tools" / "weather.py").write_text(WEATHER)
    (folder / "tools" / "more" / "mail.py").write_text("def send(to: str): ...\n")
    (folder / "tools" / "_helper.py").write_text("def help_me(x: int): ...\n")
    (folder / "tools" / "empty.py").write_text("X = 1\n")
    (folder / "tools" / "broken.py").write_text("def\n")
    (folder / "elsewhere.py").write_text("def there(x: int): 'Be there.'\n")
    (folder / "agents" / "a.yaml").write_text("tools: [elsewhere, tools.weather, ../tools/weather.py, json, no.such]\n")
    (folder / "agents" / "broken.yaml").write_text("tools: [\n")
    return folder


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return command_in(project, monkeypatch, capsys)


def lines(project: Path) -> dict[str, str]:
    schema: Any = json.loads(project_schema_path(project).read_text())
    choice = schema["properties"]["tools"]["items"]["anyOf"][0]
    return dict(zip(choice["enum"], choice["enumDescriptions"], strict=True))


def test_without_an_option_the_schema_of_all_manifests_is_printed(run: Run) -> None:
    ran = run("schema")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == schema_text(agent_schema())
    assert run("schema", "--kind", "conversations").out == schema_text(conversations_schema())


def test_the_project_s_tools_are_in_its_schema_with_what_their_docstrings_say(run: Run, project: Path) -> None:
    ran = run("schema", "--project")
    assert (ran.code, ran.out, ran.err) == (0, WROTE, "")
    assert lines(project) == {
        "tools.more.mail": "All tools of the module: send.",
        "tools.more.mail:send": "",
        "tools.weather": "All tools of the module: weather_now, alarm.",
        "tools.weather:get_weather": "Tell the weather.",
        "tools.weather:Alarm": "Warn of storms.",
        "elsewhere": "All tools of the module: there.",
        "elsewhere:there": "Be there.",
        **BUILT_IN_TOOLS,
    }


def test_it_is_written_again_only_when_something_changed(run: Run, project: Path) -> None:
    run("schema", "--project")
    assert run("schema", "--project").out == WROTE.replace("wrote", "unchanged")
    (project / "tools" / "new.py").write_text("def more(x: int): ...\n")
    assert run("schema", "--project").out == WROTE
    assert "tools.new:more" in lines(project)


def test_it_is_found_from_any_folder_of_the_project(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "agents")
    assert run("schema", "--project").out == WROTE.replace(".agent-run", "../.agent-run")
    assert "tools.weather" in lines(project)


def test_the_folder_ignores_itself_and_nothing_half_written_is_left(run: Run, project: Path) -> None:
    run("schema", "--project")
    assert {each.name for each in (project / ".agent-run").iterdir()} == {
        ".gitignore",
        "agent.schema.json",
        "conversations.schema.json",
    }


def suites(project: Path) -> Validator:
    """The project's schema of conversations files."""
    return jsonschema_rs.validator_for(json.loads(project_schema_path(project, "conversations").read_text()))


def suite(call: object = "send", stubs: Json | None = None) -> Json:
    turn = {"user": "x", "expect": {"calls": [call]}}
    return {"agent": "a.yaml", "stubs": stubs or {}, "cases": [{"name": "x", "turns": [turn]}]}


def test_conversations_know_the_arguments_of_the_project_s_tools(run: Run, project: Path) -> None:
    run("schema", "--project")
    schema = suites(project)
    for right in (
        "send",
        "weather_now",
        {"tool": "send", "args": {"to": "me"}},
        {"tool": "send", "args": {"to": {"$regex": "@"}}},
        {"tool": "there", "args": {"x": "${n}"}},
        {"tool": "there", "args": {"$exact": {"x": 3}}},
    ):
        assert schema.is_valid(suite(right)), right
    for wrong in (
        {"tool": "send", "args": {"from": "me"}},
        {"tool": "there", "args": {"x": "three"}},
        {"tool": "there", "args": {"x": {"$regexp": "3"}}},
        {"parallel": [{"tool": "send", "args": {"from": "me"}}]},
    ):
        assert not schema.is_valid(suite(wrong)), wrong
    assert schema.is_valid(suite(stubs={"there": {"when": {"x": {"$gt": 3}}, "return": None}}))
    assert not schema.is_valid(suite(stubs={"there": {"when": {"y": 3}, "return": None}}))


def test_unknown_tools_are_refused_only_where_all_are_known(run: Run, project: Path) -> None:
    """A module that cannot be read, or that is not there, may have more."""
    run("schema", "--project")
    assert suites(project).is_valid(suite("nothing"))
    (project / "tools" / "broken.py").unlink()
    (project / "agents" / "a.yaml").write_text("tools: [elsewhere, ../own.py]\n")
    (project / "own.py").write_text("def mine(x: int): ...\n")
    run("schema", "--project")
    schema = suites(project)
    assert schema.is_valid(suite("mine"))
    for name in ("nothing", {"tool": "nothing"}, {"parallel": ["nothing"]}):
        assert not schema.is_valid(suite(name)), name
    assert not schema.is_valid(suite(stubs={"nothing": {"return": 1}}))


def test_two_tools_of_one_name_leave_their_arguments_open(run: Run, project: Path) -> None:
    (project / "tools" / "post.py").write_text("def send(address: str): ...\n")
    run("schema", "--project")
    assert suites(project).is_valid(suite({"tool": "send", "args": {"address": "x"}}))


def test_validating_writes_nothing(run: Run, project: Path) -> None:
    run("validate")
    assert not (project / ".agent-run").exists()


def test_a_folder_that_is_not_writable_is_told(project: Path) -> None:
    (project / ".agent-run").write_text("a file\n")
    with pytest.raises(AgentRunError, match="cannot be written"):
        refresh(project)
