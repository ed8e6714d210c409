"""`agent-run new NAME`: an agent that runs at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commands import Run, command_in

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder that is a project of its own."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").touch()
    return tmp_path / "project"


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return command_in(folder, monkeypatch, capsys)


def test_a_new_agent_answers_with_its_tool_without_a_key(run: Run) -> None:
    ran = run("new", "dice")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "wrote agents/dice.yaml\nwrote tools/dice.py\nwrote agents/dice.conversations.yaml\n"
        'try it:  agent-run agents/dice.yaml "Roll two dice"\n'
        "test it: agent-run test agents/dice.conversations.yaml\n"
    )
    answered = run("agents/dice.yaml", "Roll two dice")
    assert answered.code == 0
    assert "roll_dice(count=2)" in answered.err
    assert "Total" in answered.out


def test_the_first_line_of_its_manifest_names_the_schema_which_is_there(run: Run, folder: Path) -> None:
    run("new", "dice")
    first = (folder / "agents" / "dice.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../.agent-run/agent.schema.json"
    assert (folder / ".agent-run" / "agent.schema.json").is_file()
    assert (folder / ".agent-run" / ".gitignore").read_text() == "*\n"


def test_in_a_folder_below_the_project_it_is_made_there_and_runs_too(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "services" / "bot").mkdir(parents=True)
    monkeypatch.chdir(folder / "services" / "bot")
    assert run("new", "dice").code == 0
    manifest = (folder / "services" / "bot" / "agents" / "dice.yaml").read_text()
    assert "- ../tools/dice.py" in manifest
    assert "$schema=../../../.agent-run/agent.schema.json" in manifest
    assert run("agents/dice.yaml", "Roll two dice").code == 0


def test_a_name_with_a_dash_is_a_module_with_an_underscore(run: Run, folder: Path) -> None:
    assert run("new", "dice-game").code == 0
    assert (folder / "tools" / "dice_game.py").is_file()
    assert run("agents/dice-game.yaml", "Roll a die").code == 0


@pytest.mark.parametrize("name", ["NAME", "TOOLS", "SCHEMA", "tool", "random", "json"])
def test_any_name_runs(name: str, run: Run) -> None:
    assert run("new", name).code == 0
    assert run(f"agents/{name}.yaml", "Roll a die").code == 0


@pytest.mark.parametrize("name", ["../x", "a/b", "a.b", "", ".", "1st", "-x", "a b", "naïve", "x" * 65, "a\n"])
def test_what_is_no_name_is_refused(name: str, run: Run, folder: Path) -> None:
    ran = run("new", "--", name)
    assert ran.code == 2
    assert "is not a name for an agent" in ran.err
    assert [each.name for each in folder.iterdir()] == ["pyproject.toml"]


@pytest.mark.parametrize("name", ["dice", "NAME", "dice-game"])
def test_its_first_conversation_is_good_and_passes_without_a_key(name: str, run: Run, folder: Path) -> None:
    run("new", name)
    file = f"agents/{name}.conversations.yaml"
    first = (folder / file).read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../.agent-run/conversations.schema.json"
    assert (folder / ".agent-run" / "conversations.schema.json").is_file()
    assert run("validate").out == "no problems in 2 files\n"
    ran = run("test", file)
    assert (ran.code, "1 passed" in ran.out) == (0, True), ran.out + ran.err


@pytest.mark.parametrize("there", ["agents/dice.yaml", "tools/dice.py", "agents/dice.conversations.yaml"])
def test_nothing_is_overwritten_and_nothing_is_left_half_done(there: str, run: Run, folder: Path) -> None:
    file = folder / there
    file.parent.mkdir()
    file.write_text("mine\n")
    ran = run("new", "dice")
    assert ran.code == 2
    assert "exists already; it was left as it is" in ran.err
    assert file.read_text() == "mine\n"
    assert list(folder.rglob("dice.*")) == [file]


def test_a_link_to_nowhere_is_a_file_that_is_there(run: Run, folder: Path) -> None:
    (folder / "agents").mkdir()
    (folder / "agents" / "dice.yaml").symlink_to(folder / "elsewhere.yaml")
    assert run("new", "dice").code == 2
    assert not (folder / "elsewhere.yaml").exists()


def test_a_folder_that_cannot_be_made_is_told_and_nothing_is_left(run: Run, folder: Path) -> None:
    (folder / "tools").write_text("a file\n")
    ran = run("new", "dice")
    assert ran.code == 2
    assert "cannot be written" in ran.err
    assert not (folder / "agents" / "dice.yaml").exists()
