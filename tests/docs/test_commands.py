"""The command lines that the documents show are ones the command understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from runner.cli.main import cli
from tests.docs.fences import ROOT, Fence, fences

ASSIGNMENT = re.compile(r"\w+=.*")
LAUNCHERS = {"uv", "run", "uvx", "exec", "time", "$"}
ENDS = re.compile(r"[();<>|&]+")


def documented() -> list[object]:
    """Every `agent-run ...` of the `sh` blocks: its words, without what the shell does with it."""
    found: list[object] = []
    for fence in fences("sh"):
        for line in fence.text.replace("\\\n", " ").splitlines():
            found += [pytest.param(fence, words, id=f"{fence}: {' '.join(words)}") for words in commands(line)]
    return found


def commands(line: str) -> list[list[str]]:
    """The arguments of each `agent-run` that a shell line calls; `pip install agent-run` calls none."""
    tokens = shlex.shlex(re.sub(r"\b\d>", ">", line), posix=True, punctuation_chars=True)
    tokens.whitespace_split = True
    calls: list[list[str]] = [[]]
    for token in tokens:
        if ENDS.fullmatch(token):
            calls.append([])
        else:
            calls[-1].append(token)
    return [words for call in calls if (words := arguments(call)) is not None]


def arguments(call: list[str]) -> list[str] | None:
    for index, word in enumerate(call):
        if Path(word).name == "agent-run":
            return call[index + 1 :]
        if word not in LAUNCHERS and not ASSIGNMENT.fullmatch(word):
            return None
    return None


@pytest.mark.parametrize(("fence", "words"), documented())
def test_a_documented_command_line_is_understood(
    fence: Fence, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its subcommand, options and their values exist; nothing is run."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(click.Command, "invoke", lambda *_: None)
    try:
        code = cli.main(words, prog_name="agent-run", standalone_mode=False)
    except click.ClickException as error:
        pytest.fail(f"{fence}: agent-run {' '.join(words)}: {error.format_message()}")
    assert not code


def test_the_guard_finds_calls_and_only_calls() -> None:
    line = 'K=1 .venv/bin/agent-run a.yaml "b c" > out && uv run agent-run a.yaml -c "it" | jq . # agent-run x'
    assert commands(line) == [["a.yaml", "b c"], ["a.yaml", "-c", "it"]]
    assert commands("pip install 'agent-run[redis]' && pip install agent-run") == []
    assert commands("echo Rome | agent-run a.yaml --quiet 2> errors") == [["a.yaml", "--quiet"]]
