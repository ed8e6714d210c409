"""`python -m benchmarks.conversations`: 100 replayed cases of 3 turns, in CPU seconds of one process.

The cases are recorded once against the local Gemini server, with the example agent `weather` whose tools are stubbed;
then they are replayed in processes of their own without it. What is counted is the run: loading the conversations file
and the manifest, an agent for each case with its tool modules, the turns, the checks. Starting Python and importing are
told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import os
import platform
import pstats
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runner.conversations.options import Options
from runner.conversations.session import run_conversations
from tests.servers import GeminiServer, calls, text

ROOT = Path(__file__).resolve().parents[1]
TARGET = 2.0  # seconds of CPU for 100 cases
CITIES = ("Paris", "Oslo", "Rome")
CASE = """\
  - name: case {number}
    vars: {{city: {city}}}
    turns:
      - user: "What is the weather in ${{city}}? ({number})"
        expect:
          calls: [{{tool: get_weather, args: {{city: {{$icontains: "${{city}}"}}}}}}]
          reply: [{{contains: "18"}}, {{not_regex: "(?i)as an ai"}}]
      - user: And tomorrow?
        expect: {{calls: none, reply: rain}}
      - user: Thank you.
        expect: {{reply: welcome}}
"""
SUITE = """\
agent: ../agents/weather.yaml
stubs:
  get_weather: {return: {temperature_c: 18, sky: clear}}
cases:
"""


def project_in(folder: Path, count: int) -> Path:
    """A project with the example agent and `count` cases; the conversations file."""
    for name in ("agents", "tools"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.conversations.yaml")
        )
    (folder / "pyproject.toml").touch()
    (folder / "tests").mkdir()
    suite = folder / "tests" / "many.conversations.yaml"
    cases = "".join(CASE.format(number=number, city=CITIES[number % len(CITIES)]) for number in range(count))
    suite.write_text(SUITE + cases)
    return suite


def record(suite: Path) -> None:
    """Record all cases against the local server."""
    weather = {city: [calls(("get_weather", {"city": city})), text("It is ", "18 degrees.")] for city in CITIES}
    with GeminiServer() as server:
        for city, replies in weather.items():
            for _ in range(suite.read_text().count(f"city: {city}}}")):
                server.script(*replies, text("It will rain."), text("You are welcome."), when=city)
        os.environ.update(server.env)
        result = asyncio.run(run_conversations([suite], Options(record="all", concurrency=1)))
    for name in server.env:
        del os.environ[name]
    told = [(case.name, case.attempts[0].trouble, case.attempts[0].failures) for case in result.cases]
    assert result.exit_code == 0, next(each for each in told if each[1] or each[2])


def replay(suite: Path, *, profiled: bool = False) -> dict[str, float]:
    """Replay all cases in this process; seconds of CPU and of the clock."""
    profile = cProfile.Profile()
    began, cpu = time.perf_counter(), time.process_time()
    if profiled:
        profile.enable()
    result = asyncio.run(run_conversations([suite]))
    profile.disable()
    figures = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - began}
    assert result.exit_code == 0, [(case.name, case.attempts[0].trouble) for case in result.cases][:2]
    assert {attempt.source for case in result.cases for attempt in case.attempts} == {"replayed"}
    if profiled:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)
    return figures


def main() -> None:
    """Record, then replay in fresh processes, and print the medians."""
    options = _options()
    if options.replay:
        print(json.dumps(replay(Path(options.replay), profiled=options.profile)))
        return
    with tempfile.TemporaryDirectory() as folder:
        suite = project_in(Path(folder), options.cases)
        record(suite)
        command = [sys.executable, "-m", "benchmarks.conversations", "--replay", str(suite)]
        if options.profile:
            subprocess.run([*command, "--profile"], check=True, cwd=ROOT)
            return
        rounds = []
        for _ in range(options.rounds):
            done = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
            rounds.append(json.loads(done.stdout))
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    print(f"| {options.cases} replayed cases of 3 turns | median | worst | target |\n| --- | ---: | ---: | ---: |")
    for kind in ("cpu", "wall"):
        seconds = [figures[kind] for figures in rounds]
        target = f"{TARGET * options.cases / 100:.1f} s" if kind == "cpu" else ""
        print(f"| {kind} | {statistics.median(seconds):.2f} s | {max(seconds):.2f} s | {target} |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conversations", description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5, help="processes")
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead")
    parser.add_argument("--replay", metavar="FILE", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
