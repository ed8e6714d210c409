"""`python -m benchmarks.instructions [CONTENDER]`: the Python instructions of a turn with one tool, file by file.

They are the same on a busy machine and on an idle one, so a change can be judged where times are noise. What runs in C
(the parser, JSON, the sockets) is counted as the one instruction that calls it.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.work import QUESTION
from tests.servers import GeminiProcess

if TYPE_CHECKING:
    from types import CodeType, FrameType

TURNS = 10
ROOT = f"{Path(__file__).resolve().parents[1]}{os.sep}"


async def counted(contender: str) -> Counter[CodeType]:
    """Instructions by the code they belong to, of `TURNS` turns."""
    talk = importlib.import_module(f"benchmarks.contenders.{contender}").Talk()
    await talk.open()
    instructions: Counter[CodeType] = Counter()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            instructions[frame.f_code] += 1
        return trace

    async def turns() -> None:
        for _ in range(TURNS):
            await talk.turn(await talk.chat(0, "memory"), QUESTION, "weather", streamed=True)

    await turns()
    sys.settrace(trace)
    await asyncio.create_task(turns())
    sys.settrace(None)
    await talk.close()
    return instructions


def main() -> None:
    """Count, and print the files with the most."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("contender", nargs="?", default="engine", help="a module of benchmarks/contenders")
    with GeminiProcess("--behaviour", "weather", "--no-check") as server:
        os.environ.update(server.env)
        instructions = asyncio.run(counted(parser.parse_args().contender))
    files: Counter[str] = Counter()
    for code, count in instructions.items():
        name = code.co_filename.removeprefix(ROOT)
        files["/".join(Path(name).parts[-2:]) if Path(name).is_absolute() else name] += count
    print(f"{instructions.total() / TURNS:8,.0f} a turn")
    for name, count in files.most_common(40):
        print(f"{count / TURNS:8,.0f} {name}")


if __name__ == "__main__":
    main()
