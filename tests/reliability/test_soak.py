"""`python -m benchmarks.soak` does what it says, counts it, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.soak.table import Tally
from tests.reliability.servers import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.soak",
        "--backends",
        "sqlite",
        "--json",
        str(folder / "done"),
        *options,
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_short_soak_of_sqlite_finds_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    full = 0
    for minutes in ("0.1", "0.5", "3"):  # more for a machine that is busy
        soak = started(tmp_path, "--minutes", minutes, "--seconds", "3", "--experiments", "disks", "kills")
        out, err = soak.communicate(timeout=600)
        assert soak.returncode == 0, err
        assert "| full database, full disk |" in out
        told = json.loads((tmp_path / "done").read_text())
        assert told["violations"] == []
        assert [path.name for path in tmp_path.iterdir()] == ["done"]
        full = told["done"].get("disks", {}).get("sqlite", {}).get("full", 0)
        if full:
            break
    assert full


def test_an_interrupted_soak_ends_with_its_table_and_leaves_nothing(tmp_path: Path) -> None:
    soak = started(tmp_path, "--minutes", "5", "--experiments", "writers")
    assert soak.stderr is not None
    assert "writers sqlite" in soak.stderr.readline()
    time.sleep(0.5)
    soak.send_signal(signal.SIGTERM)
    out, err = soak.communicate(timeout=300)
    assert soak.returncode == 0, err
    assert "| turns of 8 processes on one chat |" in out
    assert [path.name for path in tmp_path.iterdir()] == ["done"]


def test_violations_are_counted_beside_what_was_done() -> None:
    tally = Tally()
    tally.counts("kills", "redis").update(Counter(killed=1200))
    tally.violations.append({"experiment": "kills", "backend": "redis", "command": "", "what": ""})
    row = next(line for line in tally.markdown(("sqlite", "redis")).splitlines() if "kill -9" in line)
    assert row.endswith("| 0 | 1,200 | 1,200 | 2,000 in all | 1 |")
    assert tally.progress("kills", "redis") == 3.0
