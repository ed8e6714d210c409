"""`python -m benchmarks.long_chats`: what a turn of a long chat costs, with all of it sent and with old turns left out.

One process, SQLite, the local server in a process of its own. A turn is a tool call and an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from benchmarks.work import QUESTION, weather
from runner import ChatManager, GeminiClient, HistoryPolicy, SqliteChatStorage, tool
from tests.servers import GeminiProcess

WEATHER = tool(weather, name="get_weather", effects="none")
WAYS = {
    "all is sent": None,
    "40 turns": HistoryPolicy(turns=40),
    "60% of 40,000": HistoryPolicy(share=0.6, window=40_000),
}
AROUND = 25  # turns on either side; told is the least of them, which a busy moment of the machine does not change


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_chats", description=__doc__)
    parser.add_argument("--turns", type=int, nargs="*", default=[10, 100, 400, 1000], help="the turns to tell")
    options = parser.parse_args()
    print(f"| {'CPU ms of a turn':16} |" + "".join(f" turn {turn:4} |" for turn in options.turns))
    print("| --- |" + " ---: |" * len(options.turns), flush=True)
    with GeminiProcess("--behaviour", "weather", "--no-check") as server:
        os.environ.update(server.env)
        for name, policy in WAYS.items():
            spent = asyncio.run(_spent(policy, max(options.turns) + AROUND))
            around = [spent[max(0, turn - AROUND) : turn + AROUND] for turn in options.turns]
            print(f"| {name:16} |" + "".join(f" {min(each):9.2f} |" for each in around), flush=True)


async def _spent(policy: HistoryPolicy | None, turns: int) -> list[float]:
    """The CPU milliseconds of each turn of one chat."""
    spent = []
    with tempfile.TemporaryDirectory() as folder:
        async with (
            SqliteChatStorage(Path(folder) / "chats.db") as storage,
            GeminiClient(chat_manager=ChatManager(storage), history=policy) as client,
        ):
            for _ in range(turns):
                began = time.process_time()
                async for _ in client.chat(query=QUESTION, chat_id="long", tools=[WEATHER]):
                    pass
                spent.append((time.process_time() - began) * 1000)
    return spent


if __name__ == "__main__":
    main()
