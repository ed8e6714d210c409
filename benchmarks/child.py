"""One measurement in a process of its own: `python -m benchmarks.child MODULE ROW` prints a number."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys

from benchmarks.work import WORK


async def measure(contender: str, row: str) -> float:
    """The row's figure for one contender."""
    talk = importlib.import_module(contender).Talk()
    await talk.open()
    try:
        return await WORK[row](talk)
    finally:
        await talk.close()


if __name__ == "__main__":
    try:
        print(asyncio.run(measure(sys.argv[1], sys.argv[2])), flush=True)
        os._exit(0)  # the figure is taken; one client's threads crash the interpreter's own way out now and then
    except NotImplementedError as missing:
        sys.exit(f"not done: {missing}")
