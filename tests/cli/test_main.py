"""The command line itself: help, version, names that do not exist, errors as one line."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

import runner
from runner.cli import main
from runner.cli.main import COMMANDS, LazyGroup, cli
from tests.cli.conftest import ROOT, Run


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_every_command(option: str, run: Run) -> None:
    ran = run(option)
    assert ran.code == 0
    for name, entry in COMMANDS.items():
        assert f"  {name} " in ran.out
        assert entry.summary in " ".join(ran.out.split())


def test_every_command_of_the_table_is_there() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert isinstance(command, click.Command)
        assert command.name == name


def test_version_is_the_packages(run: Run) -> None:
    assert run("--version").out == f"agent-run {runner.__version__}\n"


def test_nothing_to_do_shows_the_help_and_is_wrong_use(run: Run) -> None:
    ran = run()
    assert (ran.code, ran.out) == (2, "")
    assert "Commands:" in ran.err


def test_a_misspelt_command_is_told_with_the_nearest(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setitem(COMMANDS, "validate", COMMANDS["run"])
    ran = run("valdate")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: no such file or command: valdate; did you mean validate? (see agent-run run --help)\n"


def test_an_option_before_the_command_is_told(run: Run) -> None:
    ran = run("--debug", "run", "agent.yaml")
    assert ran.code == 2
    assert "options come after the command: agent-run run" in ran.err


def test_a_misspelt_file_is_told_with_the_nearest(run: Run) -> None:
    ran = run("agnet.yaml", "hello")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: agnet.yaml: no such file; did you mean agent.yaml?\n"


def test_a_hostile_file_name_is_shown_and_not_obeyed(run: Run) -> None:
    ran = run("\x1b]0;owned\x07.yaml", "hello")
    assert ran.code == 2
    assert "\x1b" not in ran.err
    assert "\\x1b]0;owned\\x07.yaml" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["agent.yaml", "--modle", "x"], "'--model'?"),
        (["agent.yaml", "two", "words"], 'put the message in quotes: "two words"'),
        (["agent.yaml", "hello", "--chat", "x", "-c"], "--chat and --continue exclude each other"),
        (["agent.yaml", "hello", "--chat", " "], "--chat needs an id that is not empty"),
        (["agent.yaml", "hello", "--lines"], "--lines reads its messages from standard input"),
        (["agent.yaml", "hello", "-q", "-v"], "--quiet excludes --verbose and --debug"),
        (["agent.yaml"], "no message"),
        (["agent.yaml", "  "], "no message"),
        (["run"], "Missing argument 'FILE'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_one_line_and_exit_2(arguments: list[str], said: str, run: Run) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1


def test_a_folder_is_no_manifest(run: Run) -> None:
    ran = run(".")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(".: error[E100]: a folder, not a regular file")


def test_options_may_stand_before_the_file_and_run_may_be_said(run: Run) -> None:
    assert run("--quiet", "agent.yaml", "hello").out == "hello \n"
    assert run("run", "agent.yaml", "hello").out == "hello \n"


def test_a_bug_is_one_line_with_the_way_to_its_trace(run: Run) -> None:
    ran = run("agent.yaml", "break it")
    assert (ran.code, ran.out) == (70, "")
    assert ran.err == "error: this is a bug in agent-run; run again with --debug to see where: RuntimeError: it\n"


def test_debugging_shows_the_trace(run: Run) -> None:
    ran = run("agent.yaml", "break it\x1b[2J", "--debug")
    assert ran.code == 70
    assert "Traceback (most recent call last)" in ran.err
    assert "play_break" in ran.err
    assert "\x1b" not in ran.err


def test_a_command_is_imported_only_when_it_is_chosen() -> None:
    group = LazyGroup(
        table={"gone": COMMANDS["run"].__class__("no.such:thing", "x")}, default="gone", name="g", help="h"
    )
    assert group.list_commands(click.Context(group)) == ["gone"]
    with pytest.raises(ModuleNotFoundError):
        group.get_command(click.Context(group), "gone")


def test_the_entry_point_is_the_modules_main() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'agent-run = "runner.cli:main"' in text
    assert callable(main)
    assert Path(ROOT / "runner" / "__main__.py").is_file()
