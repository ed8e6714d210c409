"""`python -m benchmarks.reload_soak`: what a thousand reloads leave behind, in memory, descriptors, threads, modules.

Every third edit is of the manifest, the others are of a tool module and of a helper; before every tenth comes a
mistake. The quiet time after a save is shortened, so that a thousand take minutes; a turn is run now and then.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path

from benchmarks.reload import content, project_in
from runner.project import Project
from runner.reload import touches

WARM_UP = 50  # reloads before the first look


def memory() -> float:
    """The resident memory of this process, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def left() -> dict[str, float]:
    """What may grow."""
    gc.collect()
    return {
        "MB": round(memory(), 1),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "modules": sum(name.startswith("_agent_run_") for name in sys.modules),
        "finders": len(sys.meta_path),
        "objects": len(gc.get_objects()),
    }


async def soaked(reloads: int) -> tuple[dict[str, float], dict[str, float], int, float]:
    """What was there after the first reloads and at the end, how many old agents still are, and the seconds taken."""
    touches.QUIET = 0.02
    agents: list[weakref.ref[object]] = []
    before: dict[str, float] = {}
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        files = project_in(Path(folder))
        async with Project(files["manifest"]) as project:
            changes = project.changes()
            while not project.is_watching:  # noqa: ASYNC110  # it takes a moment
                await asyncio.sleep(0.01)
            for number in range(1, reloads + 1):
                if number == WARM_UP:
                    before = left()
                agents.append(weakref.ref(project.agent))
                kind = list(files)[number % len(files)]
                if number % 10 == 0:
                    files[kind].write_text("(: not [ right")
                    await anext(changes)
                files[kind].write_text(content(kind, number))
                await anext(changes)
                if number % 20 == 0:
                    async for _ in project.run("hello", chat_id="one chat" if number % 40 else f"chat {number}"):
                        pass
            after = left()
            reachable = sum(agent() is not None and agent() is not project.agent for agent in agents)
    return before, after, reachable, time.perf_counter() - begun


def main() -> None:
    """Reload, and print what is left."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reload_soak", description=__doc__)
    parser.add_argument("--reloads", type=int, default=1000)
    reloads = parser.parse_args().reloads
    before, after, reachable, seconds = asyncio.run(soaked(reloads))
    print(f"{reloads} reloads in {seconds:.0f} s; old agents still reachable: {reachable}\n")
    print(f"| {'':12} | after {WARM_UP} | after {reloads} |\n| --- | ---: | ---: |")
    for name, value in before.items():
        print(f"| {name:12} | {value:g} | {after[name]:g} |")


if __name__ == "__main__":
    main()
