"""`python -m tests.reliability.writer`: a process that runs one turn of a chat, prints its events, and exits as the
command does."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import aclosing
from pathlib import Path


async def turn(options: argparse.Namespace) -> int:
    from runner import (
        ChatManager,
        GeminiClient,
        Limits,
        RateLimitingAsyncExecutor,
        TurnEnded,
        tool,
    )
    from runner.cli.exits import exit_for_turn
    from tests.storages.child import opened, patient

    @tool(effects=options.effects)
    def record(entry: str) -> str:
        """Record an entry; then wait until one may go on."""
        with options.ledger.open("a") as file:
            file.write(f"{entry}\n")
        while options.gate is not None and not options.gate.exists():
            time.sleep(0.01)
        return f"{entry} is recorded"

    storage = opened(options.database, lease_time=options.lease_time, **patient(options.database))
    limits = Limits(busy_timeout=options.busy_timeout)
    code = 1
    async with storage, GeminiClient(chat_manager=ChatManager(storage), limits=limits) as client:
        executor = RateLimitingAsyncExecutor(1)
        events = client.events(query=options.query, chat_id="chat", tools=[record], tool_executor=executor)
        async with aclosing(events):
            async for event in events:
                print(json.dumps(event.to_json()), flush=True)
                if isinstance(event, TurnEnded):
                    code = exit_for_turn(event)
    return code


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.writer", description=__doc__)
    parser.add_argument("query")
    parser.add_argument("--database", required=True, help="a path, or a URL")
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--effects", default="once")
    parser.add_argument("--lease-time", type=float, default=0.6)
    parser.add_argument("--busy-timeout", type=float, default=30.0)
    parser.add_argument("--gate", type=Path, help="its tools wait until this file is there")
    return asyncio.run(turn(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
