"""`python -m benchmarks.reload`: from the last byte of a save to the new generation, for each kind of file.

A fresh project of three tool modules in a temporary folder, the offline model, chats in memory. The times include the
0.15 s of quiet after which a save is taken to be complete. The first reload of modules, for which the process that
tries them out may still be starting, is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runner.project import Project
from runner.reload.news import Reloaded

if TYPE_CHECKING:
    from runner.reload.news import Changes

MANIFEST = """\
model: offline
instructions: Answer briefly. (0)
tools: [tools.weather]
storage: 'memory:'
"""
TOOL = '''\
from tools.words import join

def look_up{n}(city: str, days: int = 0) -> str:
    """Look something up ({n}).

    Args:
        city: Where.
        days: How many days from today.
    """
    return join(city, str(days))
'''
WORDS = "from tools.deep import SIGN\n\ndef join(*words: str) -> str:\n    return SIGN.join(words)\n"
TARGETS = {"manifest": 0.3, "tool module": 1.0, "helper two imports away": 1.0}  # seconds, p95


def project_in(folder: Path) -> dict[str, Path]:
    """The files of a project, by what they are."""
    (folder / "tools").mkdir()
    files = {
        "manifest": folder / "agent.yaml",
        "tool module": folder / "tools" / "weather.py",
        "helper two imports away": folder / "tools" / "deep.py",
    }
    (folder / "pyproject.toml").touch()
    (folder / "tools" / "words.py").write_text(WORDS)
    for kind, path in files.items():
        path.write_text(content(kind, 0))
    return files


def content(kind: str, number: int) -> str:
    """The n-th version of a file."""
    if kind == "manifest":
        return MANIFEST.replace("(0)", f"({number})")
    return TOOL.replace("{n}", str(number)) if kind == "tool module" else f"SIGN = '{number}'\n"


async def saved(path: Path, text: str, changes: Changes) -> float:
    """Save a file; the seconds until the new generation is there."""
    path.write_text(text)  # noqa: ASYNC240  # nothing else runs
    begun = time.perf_counter()
    change = await anext(changes)
    if not isinstance(change, Reloaded):
        raise TypeError(str(change))
    return time.perf_counter() - begun


async def measured(rounds: int) -> dict[str, list[float]]:
    """The times of each kind of file."""
    with tempfile.TemporaryDirectory() as folder:
        files = project_in(Path(folder))
        times: dict[str, list[float]] = {kind: [] for kind in files}
        async with Project(files["manifest"]) as project:
            changes = project.changes()
            while not project.is_watching:  # noqa: ASYNC110  # it takes a moment
                await asyncio.sleep(0.01)
            await saved(files["tool module"], content("tool module", 10_000), changes)
            for number in range(1, rounds + 1):
                for kind, path in files.items():
                    times[kind].append(await saved(path, content(kind, number), changes))
        return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reload", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    times = asyncio.run(measured(parser.parse_args().rounds))
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {sys.platform}\n")
    print(f"| {'changed':24} | median | p95    | worst  | target p95 |\n| --- | ---: | ---: | ---: | ---: |")
    for kind, found in times.items():
        p95 = statistics.quantiles(found, n=20)[-1]
        row = (statistics.median(found), p95, max(found), TARGETS[kind])
        print(f"| {kind:24} | " + " | ".join(f"{value * 1000:.0f} ms" for value in row) + " |")


if __name__ == "__main__":
    main()
