"""`agent-run test --update`: what is accepted is told, and nothing is written with --dry-run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_test import AGENT, TOOLS, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

SUITE = """\
agent: weather.yaml
cases:
  - name: warm
    turns:
      - user: How warm is it?
        replies: [It is 21 degrees.]
        expect: {reply: 18 degrees}   # in Paris
      - user: And then?
        replies: [Cold.]
        expect: {reply: Warm., calls: [get_weather]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in {"pyproject.toml": "", "agents/weather.yaml": AGENT, "tools/weather.py": TOOLS}.items():
        write(folder, name, text)
    write(folder, "agents/weather.conversations.yaml", SUITE)
    return folder


def test_literals_are_accepted_and_told_and_the_rest_is_named(run: Run, project: Path) -> None:
    ran = run("test", "--update")
    assert ran.code == 1
    assert ran.out.endswith(
        '\nagents/weather.conversations.yaml:7: "18 degrees" -> "21 degrees"\n'
        "agents/weather.conversations.yaml:10: Warm. -> Cold.\n"
        "agents/weather.conversations.yaml:10: not accepted: calls: not called: get_weather(...)\n"
        "2 literals accepted; 1 failed check left to you: no literal says it; run again to see them hold\n"
    )
    text = (project / "agents/weather.conversations.yaml").read_text()
    assert text == SUITE.replace("18 degrees}", '"21 degrees"}').replace("Warm.", "Cold.")
    assert run("test", "--update").out.endswith("\n1 failed check left to you: no literal says it\n")


def test_a_dry_run_writes_nothing(run: Run, project: Path) -> None:
    ran = run("test", "--update", "--dry-run")
    assert "weather.conversations.yaml:10: Warm. -> Cold.\n" in ran.out
    assert "2 literals would be accepted; 1 failed check left to you: no literal says it\n" in ran.out
    assert (project / "agents/weather.conversations.yaml").read_text() == SUITE


def test_with_json_the_document_stands_alone(run: Run, project: Path) -> None:
    ran = run("test", "--update", "--format", "json")
    assert json.loads(ran.out)["counts"]["failed"] == 1
    assert "2 literals accepted" in ran.err


def test_where_all_is_well_it_says_so(run: Run, project: Path) -> None:
    write(project, "agents/weather.conversations.yaml", SUITE[: SUITE.index("expect")].rstrip() + "\n")
    ran = run("test", "--update")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "nothing to accept: no check failed")


def test_a_dry_run_belongs_to_an_update(run: Run) -> None:
    ran = run("test", "--dry-run")
    assert ran.code == 2
    assert "--dry-run belongs to --update" in ran.err
