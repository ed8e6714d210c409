"""`agent-run editor`: settings are added to, and nothing of what stood there is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from runner.schemas.jetbrains import with_mapping
from runner.schemas.vscode import UnmergeableError, with_extension, with_schema
from tests.commands import Run, command_in

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "./.agent-run/agent.schema.json"
CONVERSATIONS = "./.agent-run/conversations.schema.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return command_in(folder, monkeypatch, capsys)


def test_vs_code_gets_its_settings_and_the_schema(run: Run, folder: Path) -> None:
    ran = run("editor", "vscode")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "wrote .vscode/settings.json\nwrote .vscode/extensions.json\n"
    settings = json.loads((folder / ".vscode" / "settings.json").read_text())
    assert list(settings["yaml.schemas"]) == [SCHEMA, CONVERSATIONS]
    assert settings["yaml.schemas"][CONVERSATIONS] == ["*.conversations.yaml", "*.conversations.yml"]
    assert json.loads((folder / ".vscode" / "extensions.json").read_text()) == {
        "recommendations": ["redhat.vscode-yaml"]
    }
    assert (folder / SCHEMA).is_file()
    assert (folder / CONVERSATIONS).is_file()


def test_doing_it_twice_changes_nothing(run: Run, folder: Path) -> None:
    for name in ("vscode", "jetbrains"):
        run("editor", name)
        before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        ran = run("editor", name)
        assert (ran.code, ran.err) == (0, "")
        assert "wrote" not in ran.out
        assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_it_may_be_run_from_any_folder_of_the_project(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "agents").mkdir()
    monkeypatch.chdir(folder / "agents")
    assert run("editor", "vscode").code == 0
    assert (folder / ".vscode" / "settings.json").is_file()


def test_what_stands_in_the_settings_is_kept_in_its_order_and_indentation() -> None:
    before = '{\n  "editor.rulers": [120],\n  "yaml.schemas": {"./other.json": "x.yaml"},\n  "z": "ü"\n}\n'
    after = with_schema(before, SCHEMA, ["agents/*.yaml"])
    assert json.loads(after) == {
        "editor.rulers": [120],
        "yaml.schemas": {"./other.json": "x.yaml", SCHEMA: ["agents/*.yaml"]},
        "z": "ü",
    }
    assert after.index("rulers") < after.index("yaml.schemas") < after.index('"z": "ü"')
    assert '\n  "z"' in after


def test_line_ends_and_tabs_are_kept() -> None:
    after = with_extension('{\r\n\t"recommendations": ["ms-python.python"]\r\n}\r\n')
    assert after == '{\r\n\t"recommendations": [\r\n\t\t"ms-python.python",\r\n\t\t"redhat.vscode-yaml"\r\n\t]\r\n}\r\n'


def test_a_mapping_of_ours_that_the_user_changed_stays_as_it_is() -> None:
    mine = json.dumps({"yaml.schemas": {SCHEMA: "bots/*.yaml"}})
    assert with_schema(mine, SCHEMA, ["agents/*.yaml"]) == mine


@pytest.mark.parametrize(
    "text",
    [
        '{\n  // a comment\n  "a": 1\n}',
        '{\n  "a": 1, /* a comment */\n}',
        '{"a": 1,}',
        '{"a": 1, "a": 2}',
        '["a"]',
        '{"yaml.schemas": "x"}',
        "{",
    ],
)
def test_settings_that_a_rewrite_would_damage_are_refused(text: str) -> None:
    with pytest.raises(UnmergeableError):
        with_schema(text, SCHEMA, ["agents/*.yaml"])


@pytest.mark.parametrize("text", ['{"recommendations": "x"}', "{\n  // a comment\n}"])
def test_recommendations_that_a_rewrite_would_damage_are_refused(text: str) -> None:
    with pytest.raises(UnmergeableError):
        with_extension(text)


def test_a_file_with_comments_is_left_and_what_to_add_is_shown(run: Run, folder: Path) -> None:
    (folder / ".vscode").mkdir()
    settings = folder / ".vscode" / "settings.json"
    settings.write_text('{\n  // mine\n  "a": 1\n}\n')
    ran = run("editor", "vscode")
    assert ran.code == 2
    assert ran.err.startswith("error: left as they are: .vscode/settings.json: it has comments")
    assert "add to .vscode/settings.json:\n" in ran.out
    assert f'"{SCHEMA}"' in ran.out
    assert settings.read_text() == '{\n  // mine\n  "a": 1\n}\n'
    assert (folder / ".vscode" / "extensions.json").is_file()


def mapped(text: str) -> dict[str, list[str]]:
    """The patterns of each schema of a jsonSchemas.xml, read the way the IDE does."""
    found = {}
    project = ET.fromstring(text)  # noqa: S314  # our own
    for info in project.iterfind("component/state/map/entry/value/SchemaInfo"):
        options = {option.get("name"): option for option in info.iterfind("option")}
        items = options["patterns"].iterfind("list/Item/option[@name='path']")
        found[str(options["relativePathToSchema"].get("value"))] = [str(item.get("value")) for item in items]
    return found


def test_jetbrains_gets_a_mapping(run: Run, folder: Path) -> None:
    ran = run("editor", "jetbrains")
    assert (ran.code, ran.out, ran.err) == (0, "wrote .idea/jsonSchemas.xml\n", "")
    text = (folder / ".idea" / "jsonSchemas.xml").read_text()
    assert mapped(text) == {
        ".agent-run/agent.schema.json": ["agents/*.yaml", "agents/*.yml"],
        ".agent-run/conversations.schema.json": ["*.conversations.yaml", "*.conversations.yml"],
    }


def test_other_mappings_and_comments_are_kept() -> None:
    before = with_mapping(None, "other", "other.json", ["x.yaml"]).replace("<state>", "<!-- mine --><state>")
    before = before.replace("</project>", '<component name="Other"><option name="a" value="b" /></component></project>')
    after = with_mapping(before, "agent-run", "agent.json", ["agents/*.yaml"])
    assert mapped(after) == {"other.json": ["x.yaml"], "agent.json": ["agents/*.yaml"]}
    assert "<!-- mine -->" in after
    assert '<component name="Other">' in after


@pytest.mark.parametrize("text", ["<project", "<module />", "text"])
def test_mappings_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UnmergeableError):
        with_mapping(text, "agent-run", "agent.json", ["agents/*.yaml"])


def test_an_unknown_editor_is_told_with_those_there_are(run: Run) -> None:
    ran = run("editor", "emacs")
    assert ran.code == 2
    assert "'vscode', 'jetbrains'" in ran.err
