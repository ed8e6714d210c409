"""`python -m benchmarks.peers.start PEER`: one framework asked once in a new chat, its answer printed."""

from __future__ import annotations

import asyncio
import importlib
import sys


async def main(peer: str) -> None:
    talk = importlib.import_module(f"benchmarks.peers.{peer}").Talk()
    await talk.open()
    print(await talk.turn(await talk.chat(0, "memory"), "hello", "", streamed=True))
    await talk.close()


asyncio.run(main(sys.argv[1]))
