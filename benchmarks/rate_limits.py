"""`python -m benchmarks.rate_limits`: 50 chats against a service that gives 10 requests a second.

Each chat holds turns of two model calls, one of them asking for a tool. The service is the strict local server: it
answers ten requests at once, then ten a second, and refuses all else with a 429 that names a second. The ideal time is
that of a client which knows exactly when each request will be accepted. `told` knows the limit from its settings,
`learnt` only from the refusals, and `alone` has resends but no limit that its chats share.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner import GeminiClient, TurnEnded, tool
from runner.models.gemini.model import GeminiModel
from runner.models.limiting.ledger import Rates
from runner.models.limiting.model import RateLimit
from runner.models.retry import Retry
from tests.servers import GeminiServer, RecordedRequest, Reply, calls, limited, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.models.base import Model

RATE = 10
MODEL = "gemini-3.8-flash"
WAYS: dict[str, Callable[[GeminiModel], Model]] = {
    "told": lambda model: RateLimit(model, Rates(requests=RATE * 60)),
    "learnt": RateLimit,
    "alone": Retry,
}


@tool(effects="none")
async def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is known"


@dataclass(slots=True)
class Figures:
    """What came of one way."""

    seconds: float = 0.0
    turns: list[float] = field(default_factory=list)
    failed: int = 0
    requests: int = 0
    refused: int = 0


def main() -> None:
    """Measure each way, and print a line for it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rate_limits", description=__doc__)
    parser.add_argument("--chats", type=int, default=50)
    parser.add_argument("--turns", type=int, default=2, help="of each chat")
    parser.add_argument("ways", nargs="*", default=list(WAYS), help=f"of {', '.join(WAYS)}")
    options = parser.parse_args()
    needed = options.chats * options.turns * 2
    ideal = (needed - RATE) / RATE
    print(
        f"{options.chats} chats of {options.turns} turns, {needed} requests at {RATE} a second: ideal {ideal:.1f} s\n"
    )
    print("| way    | time   | of ideal | answered | requests | refused (429) | longest turn |")
    print("| ------ | -----: | -------: | -------: | -------: | ------------: | -----------: |", flush=True)
    for way in options.ways:
        found = asyncio.run(measured(way, options.chats, options.turns))
        answered = options.chats * options.turns - found.failed
        print(
            f"| {way:6} | {found.seconds:4.1f} s | {found.seconds / ideal:8.2f} | {answered:8} | {found.requests:8} "
            f"| {found.refused:13} | {max(found.turns):10.1f} s |",
            flush=True,
        )


def answering(request: RecordedRequest) -> Reply:
    """A call first, then the answer, each after a fifth of a second."""
    return (words("It is known.") if request.step else calls(("look_up", {"word": "rain"}))).but(delay=0.2)


async def measured(way: str, chats: int, turns: int) -> Figures:
    """Hold all chats at once."""
    found = Figures()
    with GeminiServer(answer=limited(RATE, answering)) as server:
        model = GeminiModel(MODEL, api_key=server.key, base_url=server.url)
        async with GeminiClient(model=WAYS[way](model)) as client:
            began = time.perf_counter()
            await asyncio.gather(*(_chat(client, f"chat {number}", turns, found) for number in range(chats)))
            found.seconds = time.perf_counter() - began
        await model.aclose()
        found.requests = len(server.generations)
        found.refused = sum(request.status == 429 for request in server.generations)
    return found


async def _chat(client: GeminiClient, name: str, turns: int, found: Figures) -> None:
    for _ in range(turns):
        began = time.perf_counter()
        async for event in client.events(query=name, chat_id=name, tools=[look_up]):
            if isinstance(event, TurnEnded):
                found.failed += event.reason != "answered"
        found.turns.append(time.perf_counter() - began)


if __name__ == "__main__":
    main()
