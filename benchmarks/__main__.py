"""`python -m benchmarks`: every row against the bare SDK and a plain HTTP client, on one local server, pair by pair.

Each figure is taken in a fresh process; contenders take turns, so that a busy moment of the machine hits all of them.
Printed are medians over the rounds, their spread, and the ratio to the bare SDK in the same rounds. With `--peers`,
other frameworks do the same work in the same rounds, each in an environment of its own that is made on first use.
"""

from __future__ import annotations

import argparse
import compileall
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import runner
from benchmarks.peers.environments import python_of, version_of
from benchmarks.rows import ROWS, Row
from benchmarks.starts import MANIFEST, adk_command, commands
from tests.servers import GeminiProcess

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTENDERS = {"bare_sdk": "bare SDK", "engine": "agent-run", "plain_http": "plain HTTP", "raw_socket": "raw socket"}
PEERS = {"adk": "ADK", "pydantic_ai": "pydantic-ai", "langgraph": "langgraph", "openai_agents": "openai-agents"}
VERSIONS = ("google-genai", "pydantic", "httpx2", "pyreqwest")


def main() -> None:
    """Measure, print, and keep the figures if asked to."""
    options = _options()
    compileall.compile_dir(Path(runner.__file__).parent, quiet=1)  # as pip leaves what it installs
    rows = [row for row in ROWS if not options.rows or any(word in row.name for word in options.rows)]
    print(_machine(with_peers=options.peers), flush=True)
    contenders = {**CONTENDERS, **(PEERS if options.peers else {})}
    heads = " | ".join(f"{shown:>16}" for shown in contenders.values())
    print(f"\n| {'row':40} | {heads} | ratio | target |")
    print("| --- |" + " ---: |" * (len(contenders) + 2), flush=True)
    results = []
    for row in rows:
        figures = _measured(row, options.rounds, contenders)
        results.append({"row": row.name, "unit": row.unit, "target": row.target, "figures": figures})
        print(_line(row, figures), flush=True)
        if options.json:
            Path(options.json).write_text(
                json.dumps({"machine": _machine(with_peers=options.peers), "results": results}, indent=1)
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", help="only the rows whose name holds one of these words")
    parser.add_argument("--rounds", type=int, default=5, help="processes per contender and row")
    parser.add_argument("--peers", action="store_true", help="measure other frameworks, too")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    return parser.parse_args()


def _measured(row: Row, rounds: int, contenders: Iterable[str]) -> dict[str, list[float]]:
    """The figures of each contender, one a round; a contender that cannot do the row has none."""
    figures: dict[str, list[float]] = {contender: [] for contender in contenders}
    with GeminiProcess("--behaviour", row.behaviour, "--no-check") as server:
        for _ in range(rounds):
            for contender, known in figures.items():
                figure = _process(row, contender, server.env) if row.process else _inside(row, contender, server.env)
                if figure is not None:
                    known.append(figure)
    return figures


def _inside(row: Row, contender: str, env: dict[str, str]) -> float | None:
    python = python_of(contender) if contender in PEERS else sys.executable
    where = f"benchmarks.{'peers' if contender in PEERS else 'contenders'}.{contender}"
    command = [python, "-m", "benchmarks.child", where, row.name]
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    if done.returncode:
        if "not done" in done.stderr or "No module named 'pyreqwest'" in done.stderr:
            return None
        raise SystemExit(done.stderr)
    return float(done.stdout)


def _process(row: Row, contender: str, env: dict[str, str]) -> float | None:
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "agent.yaml"
        manifest.write_text(MANIFEST)
        table = next(value for prefix, value in commands(manifest).items() if row.name.startswith(prefix))
        if contender in PEERS and row.name.startswith("cold start"):
            table[contender] = [python_of(contender), "-m", "benchmarks.peers.start", contender]
        if contender == "adk" and row.name.startswith("agent-run"):
            table[contender] = adk_command(row.name, manifest)
        if contender not in table:
            return None
        pid = subprocess.Popen(
            table[contender], env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).pid
        _, status, spent = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status):
        return None
    return spent.ru_maxrss / 1024 if "memory" in row.name else (spent.ru_utime + spent.ru_stime) * 1000


def _line(row: Row, figures: dict[str, list[float]]) -> str:
    cells = " | ".join(f"{_cell(each, row.unit):>16}" for each in figures.values())
    ratio = _ratio(figures)
    target = "" if row.target is None else f"{'>=' if row.more_is_better else '<='} {row.target:g}"
    return f"| {row.name:40} | {cells} | {ratio:>5} | {target:>6} |"


def _cell(figures: list[float], unit: str) -> str:
    if not figures:
        return "-"
    spread = f" ±{(max(figures) - min(figures)) / 2:.3g}" if len(figures) > 1 else ""
    return f"{statistics.median(figures):.4g}{spread} {unit}"


def _ratio(figures: dict[str, list[float]]) -> str:
    bare, ours = figures["bare_sdk"], figures["engine"]
    return f"{statistics.median(ours) / statistics.median(bare):.3g}" if bare and ours else "-"


def _machine(*, with_peers: bool) -> str:
    versions = []
    for name in VERSIONS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} -")
    versions += [version_of(peer) for peer in PEERS if with_peers]
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return f"{when}; {where}; {', '.join(versions)}"


if __name__ == "__main__":
    main()
