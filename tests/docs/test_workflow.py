"""The workflow that docs/testing.md shows for GitHub Actions does what it says: its commands are run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from tests.cli.test_test import AGENT, BAD, GOOD, TOOLS, write
from tests.docs.fences import ROOT, fences_of


def workflow() -> dict[Any, Any]:
    (fence,) = [each for each in fences_of(ROOT / "docs" / "testing.md") if "runs-on:" in each.text]
    loaded: dict[Any, Any] = yaml.safe_load(fence.text)
    return loaded


def commands(job: str) -> list[str]:
    """What a job runs, but for the installation: this very tree is installed."""
    lines = [step["run"] for step in workflow()["jobs"][job]["steps"] if "run" in step]
    assert lines[0] == "pip install agent-run"
    return lines[1:]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A user's repository with an agent and conversations that pass."""
    for name, text in {
        "pyproject.toml": "",
        "agents/weather.yaml": AGENT,
        "agents/weather.conversations.yaml": GOOD,
        "tools/weather.py": TOOLS,
    }.items():
        write(tmp_path, name, text)
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As GitHub runs a step: in its shell, with its variables."""
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    return subprocess.run(shell, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_the_jobs_pass_where_the_conversations_do(repository: Path) -> None:
    for command in [*commands("conversations"), *commands("live")]:
        done = run(command, repository)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert etree.parse(repository / "reports" / "junit.xml").getroot().get("tests") == "2"
    assert (repository / "reports" / "conversations.html").read_text("utf-8").startswith("<!doctype html>")
    assert "### ✅ agent-run test: 2 passed" in (repository / "summary.md").read_text("utf-8")


def test_the_job_fails_with_annotations_where_they_do_not(repository: Path) -> None:
    write(repository, "agents/bad.conversations.yaml", BAD)
    done = run(commands("conversations")[-1], repository)
    assert done.returncode == 1
    assert "\n::error file=agents/bad.conversations.yaml,title=" in done.stdout
    assert (repository / "reports" / "conversations.html").exists()


def test_reports_are_kept_whether_the_conversations_pass_or_not() -> None:
    steps = workflow()["jobs"]["conversations"]["steps"]
    (upload,) = [step for step in steps if str(step.get("uses", "")).startswith("actions/upload-artifact")]
    assert upload["if"] == "always()"
    assert all("--" + name in commands("conversations")[-1] for name in ("junit", "html"))
    assert f"reports/{upload['with']['path'].removeprefix('reports/')}" == "reports/"
