"""Uploads on a bad way, and turns cut off in them: what is stored is never half of a message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import pytest

from runner import TurnEnded
from runner.files import INLINE_LIMIT
from tests.servers import Fault, TcpProxy

if TYPE_CHECKING:
    from tests.attachments.conftest import Scene


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("offset", [300, 100_000, INLINE_LIMIT + 2000])
async def test_an_upload_that_breaks_off_begins_anew(scene: Scene, offset: int, how: Literal["close", "reset"]) -> None:
    path = scene.file()
    with TcpProxy(scene.server.url) as proxy:
        proxy.plan(Fault(cut_request_after=offset, cut=how))
        async with scene.client(scene.gemini(base_url=proxy.url)) as chat:
            await chat.answered("What is it?", path)
    (stored,) = scene.server.files.by_name.values()
    assert stored.content == path.read_bytes()


async def test_a_lost_reply_to_the_last_piece_costs_another_upload_and_nothing_else(scene: Scene) -> None:
    """Whether the service has taken a file cannot be known then; the one that nobody names expires."""
    with TcpProxy(scene.server.url) as proxy:
        proxy.plan(Fault(cut_after=800))
        async with scene.client(scene.gemini(base_url=proxy.url)) as chat:
            await chat.answered("What is it?", scene.file())
    assert scene.uris[-1] in {file.uri for file in scene.server.files.by_name.values()}


@pytest.mark.parametrize("requests", [1, 2, 3, 4])
async def test_a_turn_interrupted_at_any_request_stores_a_message_or_none(scene: Scene, requests: int) -> None:
    path = scene.file()
    async with scene.client() as chat:
        events = chat.client.events(query="What is it?", chat_id="c", files=[path])
        reading = asyncio.create_task(_last(events))
        await scene.server.arrived(requests)
        events.interrupt()
        ended = await reading
        kinds = [entry.kind for entry in await chat.log()]
        if ended.reason == "interrupted":
            assert kinds in ([], ["user", "closed"])
        else:
            assert (ended.reason, kinds) == ("answered", ["user", "model"])
        await chat.answered("What is it?", path)
    assert scene.server.refused == []


async def _last(events: object) -> TurnEnded:
    last = [event async for event in events][-1]  # type: ignore[attr-defined]
    assert isinstance(last, TurnEnded)
    return last
