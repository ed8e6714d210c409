"""A killed process leaves a chat that goes on (K1): a selection of `python -m tests.reliability.crash_sweep`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.crash_sweep import NO_STRACE

ROOT = Path(__file__).resolve().parents[2]


def swept(*options: str) -> list[dict[str, Any]]:
    """The rows of a sweep, which runs in a process without threads, as forking needs it."""
    command = [sys.executable, "-m", "tests.reliability.crash_sweep", "--json", *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    if NO_STRACE in done.stderr:
        pytest.skip(NO_STRACE)
    assert done.stdout, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    assert not [row["violations"] for row in rows if row["violations"]], done.stderr
    return rows


def test_a_turn_killed_before_a_writing_system_call_can_be_followed_by_another() -> None:
    """The next turn is accepted by the strict server, no `once` tool ran twice, and what was told is stored."""
    rows = swept("--short", "--random", "0")
    killed = Counter({row["what"]: row["killed"] for row in rows})
    assert killed["write, main thread"] + killed["write"] >= 6
    assert killed["sendto, main thread"] >= 2
    assert killed["pwrite64"] >= 2
    assert killed["fdatasync"] >= 2


def test_a_turn_killed_at_a_random_time_can_be_followed_by_another() -> None:
    """The same without strace."""
    rows = swept("--short", "--untraced", "--random", "8")
    assert sum(row["killed"] for row in rows) >= 8
