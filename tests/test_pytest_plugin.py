"""The pytest plug-in: conversations as items of any pytest run, and nothing where there are none."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from tests.cli.test_test import AGENT, BAD, GOOD, KEYLESS, TOOLS, write
from tests.docs.fences import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Pytest = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Another project, whose own settings are strict."""
    write(tmp_path, "pytest.ini", "[pytest]\naddopts = --strict-markers -p no:asyncio -p no:cacheprovider -W error\n")
    write(tmp_path, "pyproject.toml", "")
    write(tmp_path, "agents/weather.yaml", AGENT)
    write(tmp_path, "tools/weather.py", TOOLS)
    write(tmp_path, "agents/good.conversations.yaml", GOOD)
    write(tmp_path, "agents/bad.conversations.yaml", BAD.replace("slow", "parametrize"))
    write(tmp_path, "agents/keyless.conversations.yaml", KEYLESS)
    write(tmp_path, "test_own.py", "def test_own(): pass\n")
    return tmp_path


@pytest.fixture
def pytest_there(project: Path) -> Pytest:
    """Run pytest in the project as a process of its own."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=project,
            env={**kept, "PYTHONPATH": str(ROOT), "HOME": str(project), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **env},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_it_is_an_entry_point_by_which_pytest_finds_it() -> None:
    (found,) = [each for each in entry_points(group="pytest11") if each.name == "agent_run"]
    assert found.value == "runner.pytest_plugin"


def test_each_case_is_an_item_with_our_report(pytest_there: Pytest, project: Path) -> None:
    done = pytest_there("-p", "runner.pytest_plugin", "-rA", "--junit-xml=out.xml")
    assert done.returncode == 1, done.stdout
    assert done.stdout.splitlines()[-1].strip("= ").startswith("2 failed, 3 passed, 1 skipped")
    assert "PASSED agents/good.conversations.yaml::tells the temperature\n" in done.stdout
    assert "   turn 1: reply: " in done.stdout
    assert "agents/bad.conversations.yaml:11\n" in done.stdout
    assert '     expected  contains "18"\n     actual    It is 21 degrees.\n' in done.stdout
    assert "SKIPPED [1] agents/bad.conversations.yaml: not yet\n" in done.stdout
    assert "GEMINI_API_KEY" in done.stdout
    assert "Traceback" not in done.stdout
    names = {each.get("name") for each in etree.parse(project / "out.xml").iter("property")}
    assert {"passes", "tokens"} <= names


def test_tags_are_markers_and_words(pytest_there: Pytest) -> None:
    """But for those that pytest itself would obey."""
    done = pytest_there("-p", "runner.pytest_plugin", "--collect-only", "-q", "-m", "smoke")
    assert done.stdout.split("\n\n")[0].splitlines() == [
        "agents/bad.conversations.yaml::gets it wrong",
        "agents/good.conversations.yaml::tells the temperature",
    ]
    assert "gets it wrong" in pytest_there("-p", "runner.pytest_plugin", "--co", "-q", "-k", "parametrize").stdout


def test_a_wrong_file_is_told_as_validate_tells_it(pytest_there: Pytest, project: Path) -> None:
    write(project, "agents/odd.conversations.yaml", "agent: weather.yaml\nkases: []\n")
    done = pytest_there("-p", "runner.pytest_plugin", "agents/odd.conversations.yaml")
    assert done.returncode == 2
    assert "odd.conversations.yaml:2:1: error[E" in done.stdout
    assert 'unknown key "kases"' in done.stdout
    assert "Traceback" not in done.stdout


def test_it_can_be_switched_off_and_loads_nothing_where_it_is_not_needed(pytest_there: Pytest, project: Path) -> None:
    off = pytest_there("-p", "runner.pytest_plugin", "-p", "no:runner.pytest_plugin")
    assert (off.returncode, off.stdout.splitlines()[-1].strip("= ")[:8]) == (0, "1 passed")
    write(
        project,
        "test_own.py",
        "import sys\n\ndef test_own():\n"
        "    ours = {name for name in sys.modules if name.partition('.')[0] == 'runner'}\n"
        "    assert ours == {'runner', 'runner.version', 'runner.pytest_plugin'}\n",
    )
    done = pytest_there("-p", "runner.pytest_plugin", "test_own.py")
    assert done.returncode == 0, done.stdout
