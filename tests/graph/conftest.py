"""A project with every kind of part, and ways to ask for its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commands import Run, command_in

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = """\
name: post
description: Sends letters.
model: gemini-3.8-flash
instructions: |
  You send letters.
  Politely.
tools:
  - tools.letters
  - tools.stamps:Price
executor:
  type: tools.letters:Slow
  workers: 4
storage: 'memory:'
"""

LETTERS = '''\
"""Letters."""
from functools import partial, wraps

from runner import AsyncToolExecutor, tool


def stamped(function):
    @wraps(function)
    async def inner(**arguments):
        return await function(**arguments)
    return inner


@tool(effects="once", timeout=20)
@stamped
async def send(to: str, text: str = "") -> dict:
    """Send a letter.

    It costs a stamp."""
    return {}


class Slow(AsyncToolExecutor):
    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
'''

STAMPS = """\
from runner import Tool


class Price(Tool):
    effects = "none"
    function_definition = {"name": "price", "description": "What a stamp costs."}

    async def execute(self, tool_args):
        return {}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "agents").mkdir(parents=True)
    (folder / "tools").mkdir()
    (folder / "pyproject.toml").touch()
    (folder / "agents" / "post.yaml").write_text(MANIFEST)
    (folder / "tools" / "letters.py").write_text(LETTERS)
    (folder / "tools" / "stamps.py").write_text(STAMPS)
    return folder


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return command_in(project, monkeypatch, capsys)
