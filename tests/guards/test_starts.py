"""What each command loads: a start does not pay for what it does not use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner.cli.main import COMMANDS
from tests.guards.imports import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SERVICES = "google httpx2 httpcore2 httptools truststore jsonschema_rs watchfiles prompt_toolkit"
NO_TURN = f"{SERVICES} asyncio ssl sqlite3 rich"
NO_AGENT = f"{NO_TURN} pydantic yaml jinja2 dotenv docstring_parser"

LOADS_NONE_OF = {
    "--help": NO_AGENT,
    "--version": NO_AGENT,
    "valdate": NO_AGENT,  # a word that is neither a command nor a file
    **{f"{command} --help": NO_AGENT for command in COMMANDS},
    "validate agents/weather.yaml": f"{NO_TURN} docstring_parser",
    "validate agents/weather.yaml --format sarif": f"{NO_TURN} docstring_parser",
    "validate wrong.yaml": f"{NO_TURN} docstring_parser",
    "explain E102": f"{NO_TURN} yaml jinja2 docstring_parser",
    "schema": f"{NO_TURN} yaml jinja2 docstring_parser",
    "schema --project": NO_TURN,
    "editor vscode": NO_TURN,
    "new dice": NO_TURN,
    "graph agents/weather.yaml": f"{SERVICES} sqlite3",
    "graph agents/weather.yaml --format json": f"{SERVICES} sqlite3 rich",
    "agents/weather.yaml": f"{SERVICES} sqlite3 rich docstring_parser",  # no message: nothing is built for it
    "agents/weather.yaml hello --model offline": f"{SERVICES} rich",
}
"""For each command line, the top-level modules that it must not load."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("agents", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "wrong.yaml").write_text("modle: offline\nretries: 9\ntool_mode: on\n")
    return tmp_path


@pytest.mark.parametrize("arguments", LOADS_NONE_OF)
def test_a_command_loads_nothing_that_it_does_not_use(arguments: str, project: Path) -> None:
    chains = loaded_by(arguments.split(), project)
    assert "runner.cli" in chains
    assert "click" in chains
    unwanted = [" <- ".join(chains[name]) for name in LOADS_NONE_OF[arguments].split() if name in chains]
    assert not unwanted, f"`agent-run {arguments}` loads:\n" + "\n".join(unwanted)


def loaded_by(arguments: list[str], folder: Path) -> dict[str, list[str]]:
    """Every module that a command imports, with the modules that led to it, the nearest first."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "runner", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    chains: dict[str, list[str]] = {}
    above: list[tuple[int, str]] = []  # read from the end, a module comes after the one that imported it
    for line in reversed(done.stderr.splitlines()):
        if not line.startswith("import time:"):
            continue
        written = line.rpartition("|")[2]
        depth, name = len(written) - len(written.lstrip()), written.strip()
        above = [*(each for each in above if each[0] < depth), (depth, name)]
        chains[name] = [module for _, module in reversed(above)]
    return chains


def test_the_guard_names_the_way_to_a_module(tmp_path: Path) -> None:
    """The guard itself: whoever breaks it is told which import to look at."""
    chains = loaded_by(["--help"], tmp_path)
    name, *ways = chains["runner.cli.lines"]
    assert (name, ways[:2]) == ("runner.cli.lines", ["runner.cli.main", "runner.cli"])
