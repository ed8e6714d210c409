"""Rate limits over the wire: what the service sees, what the chats are told."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from asyncio.subprocess import PIPE
from typing import TYPE_CHECKING

import pytest

from runner import GeminiClient, Limits, Notice, TurnEnded
from runner.models.gemini.model import GeminiModel
from runner.models.limiting.ledger import Rates
from runner.models.limiting.model import RateLimit
from tests.servers import GeminiServer, echo, error, limited, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner import Event, Model

MODEL = "gemini-3.8-flash"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    with GeminiServer(answer=echo) as running:
        running.stand_in(monkeypatch)
        yield running


async def turn(client: GeminiClient, chat: str, model: Model) -> list[Event]:
    return [event async for event in client.events(query=chat, chat_id=chat, model=model)]


def ends(told: list[list[Event]]) -> set[str]:
    return {event.reason for events in told for event in events if isinstance(event, TurnEnded)}


async def test_all_chats_together_keep_to_the_rate(server: GeminiServer) -> None:
    """In the order in which they came: none arrives before its own moment."""
    async with GeminiClient() as client, RateLimit(GeminiModel(MODEL), Rates(requests=600)) as model:
        began = time.monotonic()
        told = await asyncio.gather(*(turn(client, f"chat {number}", model) for number in range(15)))
    assert ends(told) == {"answered"}
    arrived = {request.first_text: request.at - began for request in server.generations}
    assert len(arrived) == 15
    assert [number for number in range(15) if arrived[f"chat {number}"] < number * 0.1] == []


async def test_a_wait_of_more_than_a_second_is_told_before_it_begins(server: GeminiServer) -> None:
    """And it ends when the turn is interrupted."""
    async with GeminiClient() as client, RateLimit(GeminiModel(MODEL), Rates(requests=1)) as model:
        first = await turn(client, "one", model)
        told: list[Event] = []
        events = client.events(query="two", chat_id="two", model=model)
        async for event in events:
            told.append(event)
            if isinstance(event, Notice):
                events.interrupt()
    assert not [event for event in first if isinstance(event, Notice)]
    (notice,) = [event for event in told if isinstance(event, Notice)]
    assert notice.code == "rate_limit"
    assert re.fullmatch(rf"{MODEL}: waiting \d\d s, for it may be asked once a minute", notice.message)
    assert ends([told]) == {"interrupted"}
    assert len(server.generations) == 1


async def test_a_wait_ends_with_the_turns_deadline(server: GeminiServer) -> None:
    hasty = GeminiClient(limits=Limits(turn_timeout=0.2))
    async with GeminiClient() as client, hasty, RateLimit(GeminiModel(MODEL), Rates(requests=1)) as model:
        await turn(client, "one", model)
        ended = (await turn(hasty, "two", model))[-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.reason, ended.code) == ("limit", "turn_timeout")
    assert len(server.generations) == 1


async def test_a_refusal_of_one_chat_is_a_pause_for_all(server: GeminiServer) -> None:
    """Nobody wrote a limit down: that the service refuses one request is enough."""
    server.script(error(429, retry_delay="0.6s"), when="first")
    told: list[Event] = []

    async def first() -> list[Event]:
        async for event in client.events(query="first", chat_id="first", model=GeminiModel(MODEL)):
            told.append(event)  # noqa: PERF401  # it is looked at meanwhile
        return told

    async with GeminiClient() as client:
        refused_one = asyncio.create_task(first())
        while not any(isinstance(event, Notice) for event in told):
            await asyncio.sleep(0.005)
        others = await asyncio.gather(*(turn(client, f"other {n}", GeminiModel(MODEL)) for n in range(5)))
        assert ends([await refused_one, *others]) == {"answered"}
    refused, *rest = server.generations
    assert all(request.at - refused.ended >= 0.55 for request in rest)


async def test_fifty_chats_against_an_unknown_limit_are_refused_once_and_no_more(server: GeminiServer) -> None:
    """One burst of refusals teaches the rate; nearly nothing that comes later is refused."""
    server.answer = limited(20, lambda _: words("fine"), retry_delay="0.5s", burst=20)
    async with GeminiClient() as client:
        told = await asyncio.gather(*(turn(client, f"chat {n}", GeminiModel(MODEL)) for n in range(50)))
        assert ends(told) == {"answered"}
    refused = sum(request.status == 429 for request in server.generations)
    assert refused < 50, "each was refused more than once on the average"


CHILD = """
import asyncio, sys
from runner import ChatManager, GeminiClient, SqliteChatStorage
from runner.models.gemini.model import GeminiModel
from runner.models.limiting.ledger import Rates
from runner.models.limiting.model import RateLimit

async def talk(path, name):
    async with SqliteChatStorage(path) as storage, GeminiClient(chat_manager=ChatManager(storage)) as client:
        model = RateLimit(GeminiModel("gemini-3.8-flash"), Rates(requests=600), storage.shared)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        async def chat(number):
            said = client.chat(query=f"{name} {number}", chat_id=f"{name} {number}", model=model)
            return [text async for text in said]
        await asyncio.gather(*map(chat, range(8)))
        await model.aclose()

asyncio.run(talk(*sys.argv[1:]))
"""


async def test_processes_that_share_a_storage_share_the_rate(server: GeminiServer, tmp_path: Path) -> None:
    """Each alone would keep to it; together they would be twice as fast, if they did not share it."""
    command = [sys.executable, "-c", CHILD, str(tmp_path / "chats.db")]
    pipes = {"stdin": PIPE, "stdout": PIPE}
    children = [await asyncio.create_subprocess_exec(*command, name, **pipes) for name in ("one", "two")]
    for child in children:
        assert child.stdout is not None
        assert await child.stdout.readline() == b"ready\n"
    began = time.monotonic()
    assert await asyncio.gather(*(child.communicate(b"go\n") for child in children)) == [(b"", None)] * 2
    assert [child.returncode for child in children] == [0, 0]
    assert {request.status for request in server.generations} == {200}
    assert len(server.generations) == 16
    assert [n for n, request in enumerate(server.generations) if request.at - began < n * 0.1] == []
