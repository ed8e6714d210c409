"""Streams that end too early or look odd: a whole answer is read, and nothing less is taken for one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from runner import (
    LocalChatStorage,
    Model,
    TextDelta,
)
from tests.reliability.talk import CHAT, ORDINARY, impatient, talking
from tests.servers import (
    Reply,
    echo,
    error_event,
    fragment,
    framing,
    no_finish,
    raw,
    text,
    thought,
    usage,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner import ChatStorage, GenerateContentRequest, TurnEnded
    from runner.requests import ModelItem
    from tests.reliability.talk import Talk
    from tests.servers import GeminiServer


# Streams that end too early

ANSWER = [f"Piece {number} of an answer that is long enough to be cut anywhere. " for number in range(12)]
RECORDED = thought("hm", "well") + text(*ANSWER, sign=False) + usage(12, 34)
SHOWN = "".join(ANSWER)
CUTS_A_CHAT = 10
LONG = "AGENT_RUN_LONG_TESTS" in os.environ


@pytest.mark.parametrize("how", ["close", "reset", "end"])
async def test_a_stream_cut_at_any_byte_is_no_answer(server: GeminiServer, how: Any) -> None:
    """Sent again while nothing was shown; failed, its text kept for display only, once something was; else whole.

    At every seventh byte and each of the last 200; with AGENT_RUN_LONG_TESTS set, at every single one.
    """
    length = await length_of(server, RECORDED)
    offsets = [offset for offset in range(length) if LONG or offset % 7 == 0 or offset > length - 200]
    seen = {"sent again": 0, "failed": 0, "answered": 0}
    async with talking(server, LocalChatStorage(), model=impatient(wait=0.0)) as talk:
        for first in range(0, len(offsets), CUTS_A_CHAT):
            talk.chat_id = f"from {first}"
            for offset in offsets[first : first + CUTS_A_CHAT]:
                server.clear()
                server.script(RECORDED.cut_after(offset, how))
                server.answer = lambda _: RECORDED
                seen[judged(talk, await talk.turn(), server)] += 1
            await assert_no_partial_content(talk)
            server.answer = echo
            assert (await talk.turn(ORDINARY)).text == f"echo: {ORDINARY}", f"cuts {first} to {offset}"
        server.clear()
    assert sum(seen.values()) == len(offsets)
    assert seen["sent again"] > 0
    assert seen["failed"] > 0
    assert (seen["answered"] > 0) == (how == "end"), "only a well-formed end may come a little early"


async def length_of(server: GeminiServer, reply: Reply) -> int:
    """The bytes of a reply's body as the server streams it."""
    import httpx2

    server.script(reply)
    url = f"{server.url}/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    body = {"contents": [{"role": "user", "parts": [{"text": "go"}]}]}
    async with httpx2.AsyncClient() as client:
        got = await client.post(url, json=body, headers={"x-goog-api-key": server.key})
    assert got.status_code == 200
    return len(got.content)


def judged(talk: Talk, ended: TurnEnded, server: GeminiServer) -> str:
    """What became of a turn whose first stream was cut; raises when it is anything but one of three things."""
    shown = "".join(event.text for event in talk.of(TextDelta))
    tries = len(server.generations)
    if ended.reason == "failed":
        assert tries == 1, "sent again after something was shown"
        assert ended.retryable, ended
        assert SHOWN.startswith(shown)
        return "failed"
    assert (ended.reason, ended.text, shown) == ("answered", SHOWN, SHOWN)
    return "sent again" if tries == 2 else "answered"


async def assert_no_partial_content(talk: Talk) -> None:
    for entry in await talk.log():
        assert entry.kind != "model" or entry.text in (SHOWN, f"echo: {ORDINARY}")
        partial = entry.meta.get("partial")
        assert partial is None or SHOWN.startswith(partial)


async def test_a_stream_without_a_finish_reason_is_no_answer(server: GeminiServer, storage: ChatStorage) -> None:
    """It ends well-formed and the text looks whole; still nobody said that it was."""
    server.script(text("It rains") + no_finish())
    async with talking(server, storage) as talk:
        ended = await talk.turn()
        assert (ended.reason, ended.code) == ("failed", "NO_FINISH")
        assert (await talk.log())[-1].meta["partial"] == "It rains"


class ModelWithoutEnd(Model):
    """A model of somebody else's that just stops."""

    name = "endless"

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        yield {"text": "It rains"}


async def test_a_model_that_says_no_finish_gave_no_answer(server: GeminiServer, storage: ChatStorage) -> None:
    async with talking(server, storage) as talk:
        ended = await talk.turn(model=ModelWithoutEnd())
        assert (ended.reason, ended.retryable) == ("failed", False)
        assert "without a finish" in str(ended.message)


# Odd streams

GOOD_STREAMS = {
    "bare line feeds": framing(newline="\n"),
    "carriage returns": framing(newline="\r"),
    "data: without a space": framing(prefix="data:"),
    "two objects in one event": framing(per_event=2),
    "two objects on two lines of one event": framing(per_event=2, join="\n"),
    "an object spread over lines": framing(lines=True),
    "one byte at a time": framing(split=1),
    "comments between events": framing(comment="keepalive"),
    "a byte order mark": framing(bom=True),
    "other fields": fragment(b"event: ping\r\nid: 7\r\nretry: 10\r\n\r\n"),
    "the end mark of other vendors": fragment(b"data: [DONE]\r\n\r\n"),
}


@pytest.mark.parametrize("oddity", GOOD_STREAMS)
async def test_an_odd_but_whole_stream_is_read(server: GeminiServer, storage: ChatStorage, oddity: str) -> None:
    answer = "Grüße aus 東京 🌧, "
    server.script(GOOD_STREAMS[oddity] + text(answer, answer, answer))
    async with talking(server, storage) as talk:
        ended = await talk.turn()
        assert (ended.reason, ended.text) == ("answered", answer * 3)


async def test_an_event_of_twenty_megabytes_is_read(server: GeminiServer) -> None:
    server.script(text("x" * 20_000_000))
    async with talking(server, LocalChatStorage()) as talk:
        ended = await talk.turn()
        assert (ended.reason, len(ended.text)) == ("answered", 20_000_000)
        await talk.client.chat_manager.storage.update_history(CHAT, [])  # the next turn need not carry it


BAD_STREAMS = {
    "half an object": fragment(b'data: {"candidates": [\r\n\r\n'),
    "no object": fragment(b"data: [1, 2]\r\n\r\n"),
    "not UTF-8": fragment(b'data: {"a": "\xff"}\r\n\r\n'),
    "NaN": fragment(b'data: {"a": NaN}\r\n\r\n'),
}


@pytest.mark.parametrize("oddity", BAD_STREAMS)
async def test_a_stream_that_cannot_be_read_fails_and_says_where(
    server: GeminiServer, storage: ChatStorage, oddity: str
) -> None:
    server.script(text("It ") + BAD_STREAMS[oddity] + text("rains"))
    async with talking(server, storage) as talk:
        ended = await talk.turn()
        assert (ended.reason, ended.code) == ("failed", "MALFORMED_REPLY")
        assert "at byte" in str(ended.message)


@pytest.mark.parametrize("shown", [False, True])
async def test_an_error_inside_a_stream_is_an_error(server: GeminiServer, storage: ChatStorage, shown: bool) -> None:
    """Sent again while nothing was shown, else the turn fails with the service's words."""
    broken = (text("It ") if shown else Reply()) + error_event(503, "overloaded just now")
    server.script(broken, *([] if shown else [text("It rains")]))
    async with talking(server, storage) as talk:
        ended = await talk.turn()
        if shown:
            assert (ended.reason, ended.code) == ("failed", "UNAVAILABLE")
            assert "overloaded just now" in str(ended.message)
        else:
            assert (ended.reason, ended.text) == ("answered", "It rains")


async def test_a_page_in_place_of_a_stream_is_an_error(server: GeminiServer, storage: ChatStorage) -> None:
    server.script(raw(b"<html><body>Please log in</body></html>", content_type="text/html"))
    async with talking(server, storage) as talk:
        ended = await talk.turn()
        assert ended.reason == "failed"
        assert "Please log in" in str(ended.message)
