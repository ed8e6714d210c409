"""Running the command in this process, in some folder, without keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from runner.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

VARIABLES = ("CI", "GEMINI_API_KEY", "GOOGLE_API_KEY", "AGENT_RUN_MODEL", "AGENT_RUN_STORAGE")


@dataclass(frozen=True)
class Ran:
    """What a run of the command left."""

    code: int
    out: str
    err: str


Run: TypeAlias = Callable[..., Ran]


def command_in(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs the command with its arguments in `folder`."""
    monkeypatch.chdir(folder)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Ran:
        code = main(arguments)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run
