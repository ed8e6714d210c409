"""Processes of `tests.storages.child`, and what they say."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from tests.servers.stopping import stop
from tests.storages.child import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Child(subprocess.Popen[str]):
    """`tests.storages.child`, running."""

    def __init__(self, *arguments: object, env: Mapping[str, str] | None = None) -> None:
        super().__init__(
            [sys.executable, "-W", "error", "-m", "tests.storages.child", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def heard(self) -> str:
        assert self.stdout is not None
        return self.stdout.readline().strip()

    def told(self, line: str) -> str:
        """What it says to a line."""
        assert self.stdin is not None
        self.stdin.write(f"{line}\n")
        self.stdin.flush()
        return self.heard()

    def rest(self) -> list[str]:
        """The lines that it said to its end, which were not heard yet."""
        assert self.stdout is not None
        return self.stdout.read().splitlines()  # `communicate` would forget what was read ahead

    def go_on(self) -> list[str]:
        """Let it go on to its end; what it said then."""
        out, err = self.communicate("go\n", timeout=180)
        assert (self.returncode, err) == (0, ""), (self.returncode, err)
        return out.splitlines()

    def __exit__(self, *exc_info: object) -> None:
        self.kill()
        self.communicate()


def freeze(process: subprocess.Popen[Any], database: Path) -> None:
    """Stop a process (SIGSTOP) when it has no such SQLite file locked: that would keep all others out."""
    stop(process.pid)
    while _is_locked(database):
        process.send_signal(signal.SIGCONT)
        time.sleep(0.005)
        stop(process.pid)


def _is_locked(database: Path) -> bool:
    if not database.exists():
        return False
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
    return False


def all_together(children: list[Child]) -> list[list[str]]:
    """What they said after they were all ready and let go at the same moment."""
    with ExitStack() as held:
        for child in children:
            held.enter_context(child)
        assert {child.heard() for child in children} == {"ready"}
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        return [child.go_on() for child in children]
