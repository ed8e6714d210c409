"""A project whose model does what the user's message says (see project/actor.py), and ways to run the command on it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runner.cli import main

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).with_name("project")


@dataclass(frozen=True)
class Ran:
    """What a run of the command left."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


def heed_signals() -> None:
    """In a child: undo what a shell does to its background jobs, and nohup, of which the tests may be one."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def database(project: Path) -> Path:
    """The database in which the project's agents keep their chats; it is not there yet."""
    (project / "pyproject.toml").touch()
    (project / ".agent-run").mkdir()
    return project / ".agent-run" / "chats.db"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment without keys, colours or a history of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return {
        **kept,
        "HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
        "TERM": "xterm-256color",
    }


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process, in the project's folder, with `send` piped in."""
    monkeypatch.chdir(project)
    for name in ("CI", "GEMINI_API_KEY", "GOOGLE_API_KEY", "AGENT_RUN_MODEL", "AGENT_RUN_STORAGE"):
        monkeypatch.delenv(name, raising=False)

    def run_here(*arguments: str, send: bytes = b"") -> Ran:
        reading, writing = os.pipe()
        os.write(writing, send)
        os.close(writing)
        with os.fdopen(reading) as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            code = main(arguments)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run_here


@pytest.fixture
def spawn(project: Path, env: dict[str, str]) -> Callable[..., subprocess.Popen[bytes]]:
    """Start the command as a process of its own, with pipes."""

    def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [sys.executable, "-m", "runner", *arguments],
            cwd=project,
            preexec_fn=heed_signals,  # noqa: PLW1509  # it takes no lock
            **{**pipes, "env": env, "start_new_session": True, **options},
        )

    return start


@pytest.fixture
def finish(spawn: Callable[..., subprocess.Popen[bytes]]) -> Run:
    """Run the command as a process of its own to its end."""

    def run_there(*arguments: str, send: bytes | None = None, **options: Any) -> Ran:
        if send is not None:
            options["stdin"] = subprocess.PIPE
        with spawn(*arguments, **options) as process:
            out, err = process.communicate(send, timeout=60)
        return Ran(process.returncode, (out or b"").decode(), (err or b"").decode())

    return run_there
