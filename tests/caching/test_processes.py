"""Real processes that share a storage share one cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.caching.project import write_project
from tests.servers import GeminiServer, text

ROOT = Path(__file__).resolve().parents[2]


def test_processes_that_start_together_make_one_cache_and_share_it(tmp_path: Path) -> None:
    manifest = write_project(tmp_path / "project")
    with GeminiServer(answer=lambda _: text("Two years.")) as server:
        server.script(text("").but(delay=0.5), on="cache_create")
        together = [_started(manifest, server) for _ in range(3)]
        states = [_state(process) for process in together]
        later = _state(_started(manifest, server))
    assert sum(each.verb == "cache_create" for each in server.requests) == 1
    assert "miss" in states
    assert {*states, later} <= {"miss", "hit", "off"}
    assert (states.count("miss"), later) == (1, "hit")
    assert not server.refused


def _started(manifest: Path, server: GeminiServer) -> subprocess.Popen[str]:
    ours = {"PYTHONPATH": str(ROOT), "CI": "", "AGENT_RUN_STORAGE": "", "AGENT_RUN_MODEL": ""}
    env = {**os.environ, **server.env, **ours}
    command = [sys.executable, "-m", "runner", str(manifest), "How long?", "--json"]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _state(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    ended = json.loads(out.splitlines()[-1])
    assert ended["text"] == "Two years."
    state: str = ended["cache"]["state"]
    return state
