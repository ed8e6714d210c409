"""A killed process leaves a chat that goes on: a selection of `python -m tests.reliability.crash_sweep`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runner import ChatMessage, SqliteChatStorage
from tests.reliability.crash_sweep import AT_RANDOM, NO_STRACE

ROOT = Path(__file__).resolve().parents[2]


def swept(*options: str, module: str = "crash_sweep") -> list[dict[str, Any]]:
    """The rows of a sweep, which runs in a process without threads, as forking needs it."""
    command = [sys.executable, "-m", f"tests.reliability.{module}", "--json", *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
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
    assert [row["killed"] for row in rows if row["what"] == AT_RANDOM] == [8, 8]


def test_a_disk_that_fails_at_any_write_ends_the_turn_and_no_more() -> None:
    """Full or broken at some system call of the turn: it says so, and the next process goes on with the chat."""
    rows = swept("--every", "9", module="failing_disks")
    failed = Counter({row["what"]: row["killed"] for row in rows})
    assert failed["pwrite64 fails with ENOSPC"] >= 10
    assert failed["pwrite64 fails with EIO"] >= 10
    assert failed["fdatasync fails with EIO"] >= 2


async def test_a_checkpoint_cut_short_is_no_damage(tmp_path: Path) -> None:
    """Killed while the log's pages were copied into the database, SQLite copies them again; nothing is lost."""
    page, whole = 4096, tmp_path / "whole.db"
    entries = [ChatMessage.user(f"{number} " * 500) for number in range(40)]
    async with SqliteChatStorage(whole) as storage:
        for position, entry in enumerate(entries):
            await storage.append("chat", [entry], position)
        before, log = whole.read_bytes(), Path(f"{whole}-wal").read_bytes()
    after = whole.read_bytes()
    assert len(after) > len(before) + 5 * page
    for copied in range(1, len(after) // page):
        torn = tmp_path / f"torn-{copied}.db"
        torn.write_bytes(after[: copied * page] + before[copied * page :])
        Path(f"{torn}-wal").write_bytes(log)
        async with SqliteChatStorage(torn) as storage:
            assert await storage.read_after("chat", 0) == entries
