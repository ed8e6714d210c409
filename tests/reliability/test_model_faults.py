"""What a model and the way to it may do wrong (M1 to M8): a turn is answered, or it is told why not; never less."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from runner import (
    ChatManager,
    GeminiAPIError,
    GeminiClient,
    GeminiResponseError,
    Limits,
    LocalChatStorage,
    Model,
    Notice,
    SqliteChatStorage,
    TextDelta,
    ToolReturned,
    ToolsExecutionResult,
    tool,
)
from runner.executors.parallel import AsyncToolExecutor
from runner.models.gemini.model import GeminiModel
from tests.invariants import assert_sound, ending
from tests.reliability.talk import CHAT, ORDINARY, impatient, talking
from tests.servers import (
    SENTINEL,
    Reply,
    blocked,
    calls,
    echo,
    empty_content,
    error,
    error_event,
    finish,
    fragment,
    framing,
    looping,
    no_candidates,
    no_finish,
    part,
    per_chat,
    raw,
    repeat,
    silence,
    text,
    thought,
    usage,
    words,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from runner import ChatStorage, FunctionCall, GenerateContentRequest, TurnEnded
    from runner.requests import ModelItem
    from tests.reliability.talk import Talk
    from tests.servers import GeminiServer


@tool(effects="none")
async def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is known"


# M1, M2: refusals and overload


async def test_fifty_chats_wait_as_long_as_the_service_asks(server: GeminiServer) -> None:
    """Each waits at least the `retryDelay` of its 429, and not all come back at the same moment."""
    server.answer = per_chat(error(429, retry_delay="0.3s"), text("done"))
    async with GeminiClient() as client:

        async def turn(name: str) -> TurnEnded:
            return ending([event async for event in client.events(query=name, chat_id=name)])

        names = [f"<{index}>" for index in range(50)]
        ended = await asyncio.gather(*[turn(name) for name in names])
    assert {each.reason for each in ended} == {"answered"}
    arrivals = {name: [each.at for each in server.generations if each.first_text == name] for name in names}
    waits = [second - first for first, second in arrivals.values()]
    assert min(waits) >= 0.3
    assert max(waits) - min(waits) > 0.1, "without jitter"


async def test_a_rate_limit_for_ever_ends_after_four_tries(server: GeminiServer, storage: ChatStorage) -> None:
    """The wait asked for is a floor under every wait; the turn fails, and the user's text stays."""
    server.script(repeat(error(429, retry_delay="0.2s"), 4))
    async with talking(server, storage) as talk:
        ended = await talk.turn("remember me")
        assert (ended.reason, ended.code, ended.retryable) == ("failed", "RESOURCE_EXHAUSTED", True)
        assert "gave up after 4 tries" in str(ended.message)
        assert len(talk.of(Notice)) == 3
        assert len(server.generations) == 4
        assert all(after.at - before.at >= 0.2 for before, after in pairwise(server.generations))
        assert await talk.texts() == ["remember me"]


@pytest.mark.parametrize("code", [408, 500, 502, 503, 504])
async def test_a_service_that_fails_twice_is_asked_three_times(
    server: GeminiServer, storage: ChatStorage, code: int
) -> None:
    server.script(error(code), error(code), text("at last"))
    async with talking(server, storage) as talk:
        ended = await talk.turn()
        assert (ended.reason, ended.text) == ("answered", "at last")
        assert [notice.code for notice in talk.of(Notice)] == ["retry", "retry"]
        assert len(server.generations) == 3


@pytest.mark.parametrize("code", [400, 401, 403, 404])
async def test_a_refusal_is_told_at_once_and_without_the_key(
    server: GeminiServer, storage: ChatStorage, code: int
) -> None:
    """It is not sent again, and a key that the service repeats in its message is hidden."""
    server.script(error(code, f"the key {server.key} may not do this"))
    async with talking(server, storage) as talk:
        ended = await talk.turn()
        assert isinstance(ended.error, GeminiAPIError)
        assert (ended.reason, ended.error.code, ended.retryable) == ("failed", code, False)
        assert "may not do this" in str(ended.message)
        assert server.key not in str(ended.message)
        assert len(server.generations) == 1


# M3: streams that end too early

ANSWER = [f"Piece {number} of an answer that is long enough to be cut anywhere. " for number in range(12)]
RECORDED = thought("hm", "well") + text(*ANSWER) + usage(12, 34)
SHOWN = "".join(ANSWER)
CUTS_A_CHAT = 10


@pytest.mark.parametrize("how", ["close", "reset", "end"])
async def test_a_stream_cut_at_any_byte_is_no_answer(server: GeminiServer, how: Any) -> None:
    """Sent again while nothing was shown; failed, its text kept for display only, once something was; else whole."""
    length = await length_of(server, RECORDED)
    storage, seen = LocalChatStorage(), {"sent again": 0, "failed": 0, "answered": 0}
    async with talking(server, storage, model=impatient(wait=0.0)) as talk:
        for first in range(0, length, CUTS_A_CHAT):
            talk.chat_id = f"from {first}"
            for offset in range(first, min(first + CUTS_A_CHAT, length)):
                server.clear()
                server.script(RECORDED.cut_after(offset, how))
                server.answer = lambda _: RECORDED
                seen[judged(talk, await talk.turn(), server)] += 1
            await assert_no_partial_content(talk)
            server.answer = echo
            assert (await talk.turn(ORDINARY)).text == f"echo: {ORDINARY}", (f"cuts {first} to {offset}", [(e.kind, e.text[-20:], len(e.text), e.meta.get("reason")) for e in await talk.log()])
        server.clear()
    assert sum(seen.values()) == length > 2_500
    assert min(seen.values()) > 0, seen


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


# M4: odd streams

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


# M5: replies that are no answer

NO_ANSWERS: dict[str, tuple[Reply, int, str]] = {
    "MALFORMED_FUNCTION_CALL": (empty_content("MALFORMED_FUNCTION_CALL", "look_up(word="), 2, "cannot be read"),
    "UNEXPECTED_TOOL_CALL": (finish("UNEXPECTED_TOOL_CALL"), 1, "although none may be called"),
    "SAFETY": (finish("SAFETY"), 1, "safety"),
    "RECITATION": (text("Once upon") + finish("RECITATION"), 1, "published text"),
    "MAX_TOKENS": (text("It ra") + finish("MAX_TOKENS"), 1, "cut off"),
    "FUTURE_REASON": (text("It ra") + finish("FUTURE_REASON"), 1, "unknown reason FUTURE_REASON"),
    "EMPTY": (Reply(), 2, "answered nothing"),
    "only thoughts": (thought("hm"), 1, "only thought"),
    "no candidates": (no_candidates(), 4, "finish reason"),
    "blocked": (blocked("SAFETY"), 1, "refused the message for safety reasons"),
}


@pytest.mark.parametrize("case", NO_ANSWERS)
async def test_a_reply_that_is_no_answer_fails_in_plain_words(
    server: GeminiServer, storage: ChatStorage, case: str
) -> None:
    """What may go better a second time is asked once more; nothing empty or partial gets into the history."""
    reply, requests, said = NO_ANSWERS[case]
    server.script(repeat(reply, requests))
    async with talking(server, storage, tools=[look_up]) as talk:
        ended = await talk.turn()
        assert isinstance(ended.error, GeminiResponseError)
        assert ended.reason == "failed"
        assert said in str(ended.message)
        assert len(server.generations) == requests
        assert [entry.kind for entry in await talk.log()] == ["user", "closed"]


@pytest.mark.parametrize("reply", [empty_content(), calls(("", {})), calls(("look_up", ["a"])), Reply()])
async def test_a_malformed_call_is_asked_for_once_more(
    server: GeminiServer, storage: ChatStorage, reply: Reply
) -> None:
    """An empty name and arguments that are no object count as malformed, whatever the finish reason says."""
    server.script(reply, calls(("look_up", {"word": "rain"})), text("found"))
    async with talking(server, storage, tools=[look_up]) as talk:
        ended = await talk.turn()
        assert (ended.reason, ended.text) == ("answered", "found")
        assert len(server.generations) == 3


# M6: calls that make no sense


async def test_unknown_tools_and_bad_arguments_are_answered_and_the_loop_goes_on(
    server: GeminiServer, storage: ChatStorage
) -> None:
    server.script(
        calls(("look_down", {}), ("look_up", {"wrod": "rain"}), ("look_up", {"word": "rain"}), ("look_up", {"word": 7})),
        text("found"),
    )
    async with talking(server, storage, tools=[look_up]) as talk:
        ended = await talk.turn()
        assert (ended.reason, ended.text) == ("answered", "found")
        assert [event.kind for event in talk.of(ToolReturned)].count("ok") == 1
        answers = [each["response"] for each in server.generations[1].responses]
        assert "look_down" in answers[0]["error"]
        assert "word" in answers[1]["error"]
        assert answers[2] == {"result": "rain is known"}
        assert "word" in answers[3]["error"]
        assert "Traceback" not in str(answers)


async def test_three_hundred_calls_at_once_are_too_many(server: GeminiServer, storage: ChatStorage) -> None:
    """None is run, each is answered, and the turn ends as a limit."""
    server.script(calls(*[("look_up", {"word": str(number)}) for number in range(300)]))
    async with talking(server, storage, tools=[look_up]) as talk:
        ended = await talk.turn()
        assert (ended.reason, ended.code) == ("limit", "max_tool_calls")
        assert {event.kind for event in talk.of(ToolReturned)} == {"not_started"}


async def test_two_calls_with_the_same_id_get_a_result_each(server: GeminiServer, storage: ChatStorage) -> None:
    server.script(
        calls(("look_up", {"word": "a"}), ("look_up", {"word": "b"}), ids=["same", "same"]),
        calls(("look_up", {"word": "c"}), ("look_up", {"word": "d"}), ids=False),
        text("found"),
    )
    async with talking(server, storage, tools=[look_up]) as talk:
        assert (await talk.turn()).text == "found"
        results = [each["response"]["result"] for each in server.generations[2].turn_responses]
        assert results == ["a is known", "b is known", "c is known", "d is known"]


# M7: thought signatures


class OneStepATurn(AsyncToolExecutor[Any]):
    """Ends the turn after its calls, so that the next step begins in another turn, from the stored history."""

    async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
        done = await super().execute_tools(function_calls)
        return ToolsExecutionResult(should_proceed=False, function_call_results=done.function_call_results)


SIGNED = [
    thought("hm") + calls(("look_up", {"word": "a"}), ("look_up", {"word": "b"})),
    text("So ", "far") + calls(("look_up", {"word": "c"})),
    calls(("look_up", {"word": "d"})) + text("and"),
    text("It ", "rains", sign="empty"),
    text("It ", "rains", sign="last"),
    part({"text": "é\u0000\ud800", "thoughtSignature": "AA+/"}, {"futureKind": {"x": 1.0}}),
]


@pytest.mark.parametrize("reload", [False, True])
async def test_signatures_come_back_byte_for_byte(server: GeminiServer, tmp_path: Path, reload: bool) -> None:
    """With the history as it was kept, and as every step's new client and storage read it back."""
    steps: dict[str, Any] = {"tools": [look_up], "tool_executor": OneStepATurn() if reload else None}
    for number, reply in enumerate([*SIGNED, text("done")]):
        server.script(reply)
        if not reload and reply.events and number < 3:
            continue  # one turn of four steps
        async with talking_on(server, SqliteChatStorage(tmp_path / "chats.db")) as client:
            ended = ending([event async for event in client.events(query="go", chat_id=CHAT, **steps)])
            assert ended.reason in ("answered", "stopped"), ended
    assert server.unused == 0
    assert not server.refused, server.refused[0].error
    server.answer = echo
    async with talking(server, SqliteChatStorage(tmp_path / "chats.db")) as talk:
        assert_sound(await talk.log())


def talking_on(server: GeminiServer, storage: ChatStorage) -> Any:
    """A client of its own on a storage of its own, both closed at the end."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def opened() -> Any:
        async with storage, GeminiClient(chat_manager=ChatManager(storage)) as client:
            yield client

    return opened()
