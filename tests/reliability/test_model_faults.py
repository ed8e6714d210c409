"""What a model and the way to it may do wrong (M1 to M8): a turn is answered, or it is told why not; never less."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from runner import (
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
from tests.invariants import ending
from tests.reliability.talk import CHAT, ORDINARY, impatient, talking
from tests.servers import (
    SENTINEL,
    Reply,
    blocked,
    calls,
    comment,
    echo,
    empty_content,
    error,
    error_event,
    finish,
    fragment,
    framing,
    hang,
    looping,
    no_candidates,
    no_finish,
    part,
    pause,
    per_chat,
    raw,
    repeat,
    silence,
    text,
    thought,
    usage,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from runner import ChatStorage, FunctionCall, GeminiClientError, GenerateContentRequest, TurnEnded
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
RECORDED = thought("hm", "well") + text(*ANSWER, sign=False) + usage(12, 34)
SHOWN = "".join(ANSWER)
CUTS_A_CHAT = 10
LONG = "AGENT_RUN_LONG_TESTS" in os.environ


@pytest.mark.parametrize("how", ["close", "reset", "end"])
async def test_a_stream_cut_at_any_byte_is_no_answer(server: GeminiServer, how: Any) -> None:
    """Sent again while nothing was shown; failed, its text kept for display only, once something was; else whole.

    The bytes where something begins or ends and every seventh; with AGENT_RUN_LONG_TESTS set, every single one.
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
        calls(
            ("look_down", {}),
            ("look_up", {"wrod": "rain"}),
            ("look_up", {"word": "rain"}),
            ("look_up", {"word": 7}),
        ),
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
    part({"text": "é\u0000\ud800", "thoughtSignature": "AA+/"}, {"inlineData": {"mimeType": "a/b", "data": "+/8="}}),
]


@pytest.mark.parametrize("kept", ["in memory", "in SQLite"])
async def test_signatures_come_back_byte_for_byte(server: GeminiServer, tmp_path: Path, kept: str) -> None:
    """From step to step: each is made by a new client from what the storage gives back, SQLite's opened anew."""
    memory = LocalChatStorage()
    options: dict[str, Any] = {"tools": [look_up], "tool_executor": OneStepATurn()}
    for reply in [*SIGNED, text("done")]:
        server.script(reply)
        storage = memory if kept == "in memory" else SqliteChatStorage(tmp_path / "chats.db")
        async with talking(server, storage) as talk:
            ended = await talk.turn("go", **options)
            assert ended.reason in ("answered", "stopped")


async def test_signatures_come_back_byte_for_byte_within_a_turn(server: GeminiServer, storage: ChatStorage) -> None:
    """Where the strict server demands each: on the first of parallel calls, beside text, on an empty text."""
    server.script(*SIGNED[:4])
    async with talking(server, storage, tools=[look_up]) as talk:
        assert (await talk.turn()).reason == "answered"
        assert len(server.generations) == 4


class SwitchingModel(Model):
    """Gemini that answers the first call of a turn with one model and the rest with another, as a fallback would."""

    family = "gemini"

    def __init__(self) -> None:
        self._gemini = GeminiModel()
        self.name = self._gemini.name

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        if request.messages[-1].responses:
            request = replace(request, model="gemini-3.5-flash")
        async for item in self._gemini.generate(request):
            yield item

    def amended(self, request: GenerateContentRequest, error: GeminiClientError) -> Any:
        return self._gemini.amended(request, error)

    async def aclose(self) -> None:
        await self._gemini.aclose()


@pytest.mark.parametrize("server", [{"verbatim": False}], indirect=True)
async def test_the_signatures_of_another_model_are_left_out_once_refused(
    server: GeminiServer, storage: ChatStorage
) -> None:
    """The server refuses them as corrupted; the same step is sent once with the sentinel, and the record is kept."""
    server.script(text("before"), calls(("look_up", {"word": "a"}), ("look_up", {"word": "b"})), text("found"))
    async with talking(server, storage, model=SwitchingModel(), tools=[look_up]) as talk:
        await talk.turn("say something")
        assert (await talk.turn("look it up")).text == "found"
        assert [notice.code for notice in talk.of(Notice) if notice.code != "model_version"] == ["signatures_reset"]
        refused, amended = server.generations[-2:]
        assert "Corrupted thought signature" in str(refused.error)
        assert signatures(amended.contents) == [SENTINEL]
        assert signatures(refused.contents) == signatures([entry.content for entry in (await talk.log())[:5]])
        refused.error = None  # this refusal was meant to be


def signatures(contents: list[Any]) -> list[str]:
    """The thought signatures of a history."""
    return [part["thoughtSignature"] for each in contents for part in each["parts"] if "thoughtSignature" in part]


@pytest.mark.parametrize("server", [{"verbatim": False}], indirect=True)
async def test_signatures_that_are_refused_again_fail_the_turn(server: GeminiServer, storage: ChatStorage) -> None:
    server.script(text("before"), repeat(error(400, "Corrupted thought signature."), 2))
    async with talking(server, storage) as talk:
        await talk.turn("say something")
        ended = await talk.turn("go on")
        assert (ended.reason, ended.code) == ("failed", "INVALID_ARGUMENT")
        assert len(server.generations) == 3


# M8: a model without an end


async def test_a_model_that_calls_for_ever_ends_as_a_limit(server: GeminiServer, storage: ChatStorage) -> None:
    """After `max_iterations` calls; those of the last reply are answered without being run."""
    server.answer = looping("look_up", {"word": "rain"})
    async with talking(server, storage, tools=[look_up], max_iterations=10) as talk:
        ended = await talk.turn()
        assert (ended.reason, ended.code, ended.message) == ("limit", "max_iterations", "no answer in 10 steps")
        assert len(server.generations) == 10
        assert [event.kind for event in talk.of(ToolReturned)] == ["ok"] * 9 + ["not_started"]


@pytest.mark.parametrize("reply", [silence(), hang(), text("It ") + hang()])
async def test_silence_ends_at_the_idle_timeout(server: GeminiServer, storage: ChatStorage, reply: Reply) -> None:
    """Before the reply, in it before anything was shown (asked again then), or after."""
    tries = 1 if len(reply.events) == 2 else 2
    server.script(repeat(reply, tries))
    async with talking(server, storage, model=impatient(1, idle_timeout=0.2)) as talk, asyncio.timeout(10):
        ended = await talk.turn()
        assert (ended.reason, ended.code, ended.retryable) == ("failed", "IDLE_TIMEOUT", True)
        assert len(server.generations) == tries


async def test_a_turn_ends_at_its_own_deadline(server: GeminiServer, storage: ChatStorage) -> None:
    """However patient the idle timeout is, and although the stream keeps giving signs of life."""
    drips = Reply()
    for _ in range(200):
        drips = drips + comment() + pause(0.05)
    server.script(drips + text("late"))
    async with talking(server, storage, limits=Limits(turn_timeout=0.3)) as talk, asyncio.timeout(10):
        ended = await talk.turn()
        assert (ended.reason, ended.code) == ("limit", "turn_timeout")


# and `chat()`

FAILURES: dict[str, tuple[Reply, type[Exception]]] = {
    "refused": (error(403), GeminiAPIError),
    "no answer": (text("It ") + finish("SAFETY"), GeminiResponseError),
    "broken off": (text("It ") + error_event(503), GeminiAPIError),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_chat_raises_what_the_events_tell(server: GeminiServer, storage: ChatStorage, failure: str) -> None:
    """Its text may have begun, but it never just ends; and a limit is no failure."""
    reply, kind = FAILURES[failure]
    server.script(reply, reply)
    async with talking(server, storage) as talk:
        ended = await talk.turn("once")
        with pytest.raises(kind) as raised:
            [text async for text in talk.client.chat(query="twice", chat_id=CHAT)]
        assert type(raised.value) is type(ended.error)
        assert str(raised.value) == ended.message
        assert (await talk.log())[-1].meta["status"] == "failed"
