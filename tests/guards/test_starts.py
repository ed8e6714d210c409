"""What each command loads: a start does not pay for what it does not use."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner.cli.main import COMMANDS
from tests.guards.imports import ROOT
from tests.servers import GeminiServer, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ENV_FILE = "pydantic_settings dotenv"  # where there is no `.env`, nothing that reads one is needed
SERVICES = f"google httpx2 httpcore2 httptools truststore jsonschema_rs watchfiles prompt_toolkit {ENV_FILE}"
NO_TURN = f"{SERVICES} asyncio ssl sqlite3 rich"
NO_AGENT = f"{NO_TURN} pydantic yaml jinja2 docstring_parser"

LIBRARIES = {
    *("click", "yaml", "httptools", "pydantic", "pydantic_core", "annotated_types", "typing_inspection"),
    *("typing_extensions", "docstring_parser", "_distutils_hack", "runner"),  # setuptools is loaded with Python itself
}
"""Of what is installed, all that an answer to one message may load; docstring_parser only where there are tools."""
UNUSED = (
    "runner.loading.telling runner.loading.unknown_keys runner.loading.formats runner.loading.fixing "  # nothing wrong
    "runner.loading.templates.language runner.settings_file runner.retention runner.summaries "
    "runner.answers.output runner.answers.structured runner.outputsource runner.caching.content runner.caching.model "
    "runner.agent_cache runner.executors.batch runner.executors.bound runner.tools.watchdog runner.cli.attached "
    "runner.cli.mentions runner.cli.fitting runner.cli.drawn runner.cli.terminal runner.project runner.conversations"
)
"""Modules of ours that a manifest without a mistake, and an answer without a call or a file, have no use for."""
NO_TOOLS = (
    "docstring_parser runner.tools.function runner.tools.declaration runner.toolsource "
    "runner.loading.checks.python_source"
)
NO_MANIFEST = "pydantic yaml click jinja2 google httpx2 sqlite3 runner.manifest runner.loading runner.tools.function"
ENGINE = """
import asyncio
from runner import GeminiClient
async def main():
    async with GeminiClient() as client:
        print([text async for text in client.chat(query="hello")])
asyncio.run(main())
"""

COUNTED = """
import gc, sys
from runner.cli import main
seen = []
gc.callbacks.append(lambda phase, info: seen.append(phase))
main()
print(len(seen), gc.get_freeze_count() > 10_000)
"""

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


@pytest.mark.parametrize("manifest", ["plain.yaml", "agents/weather.yaml"])
def test_an_answer_loads_nothing_that_it_does_not_use(manifest: str, project: Path) -> None:
    (project / "plain.yaml").write_text("model: gemini-3.8-flash\nstorage: memory\n")
    chains = answered(["-m", "runner", manifest, "hello"], project)
    installed = importlib.metadata.packages_distributions().keys()
    unused = [*(installed - LIBRARIES), *UNUSED.split(), *(NO_TOOLS.split() if manifest == "plain.yaml" else ())]
    unwanted = [name for name in unused if name in chains]
    assert not unwanted, "an answer loads:\n" + "\n".join(" <- ".join(chains[name]) for name in unwanted)


def test_the_engine_alone_loads_no_pydantic_and_nothing_of_manifests(tmp_path: Path) -> None:
    chains = answered(["-c", ENGINE], tmp_path)
    unwanted = [" <- ".join(chains[name]) for name in NO_MANIFEST.split() if name in chains]
    assert not unwanted, "the engine loads:\n" + "\n".join(unwanted)


def test_the_garbage_collector_does_not_look_through_a_start(project: Path) -> None:
    """Nearly all that a start makes stays: the command lets it be made, and leaves it to the end of the process."""
    command = [sys.executable, "-c", COUNTED, "validate", "agents/weather.yaml"]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 True"


def answered(arguments: list[str], folder: Path) -> dict[str, list[str]]:
    """The modules imported by a process that asks a server in the neighbourhood once."""
    with GeminiServer() as server:
        server.script(text("hi"))
        chains = imported_by(arguments, folder, server.env)
        assert [request.status for request in server.requests] == [200]
    return chains


def loaded_by(arguments: list[str], folder: Path) -> dict[str, list[str]]:
    """Every module that a command imports, with the modules that led to it, the nearest first."""
    return imported_by(["-m", "runner", *arguments], folder, {})


def imported_by(arguments: list[str], folder: Path, env: Mapping[str, str]) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder), **env},
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
    name, *ways = chains["runner.cli.screen"]
    assert (name, ways[-2:]) == ("runner.cli.screen", ["runner.cli.main", "runner.cli"])
