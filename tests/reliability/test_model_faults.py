"""What a model and the way to it may do wrong: a turn is answered, or it is told why not; never less."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from runner import (
    GeminiAPIError,
    GeminiClient,
    GeminiResponseError,
    Limits,
    Notice,
    ToolReturned,
)
from tests.invariants import ending
from tests.reliability.talk import CHAT, impatient, look_up, talking
from tests.servers import (
    Reply,
    blocked,
    calls,
    comment,
    empty_content,
    error,
    error_event,
    finish,
    hang,
    looping,
    no_candidates,
    pause,
    per_chat,
    repeat,
    silence,
    text,
    thought,
)

if TYPE_CHECKING:
    from runner import ChatStorage, TurnEnded
    from tests.servers import GeminiServer


# Refusals and overload


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


# Replies that are no answer

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


# Calls that make no sense


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


# A model without an end


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
    async with talking(server, storage, model=impatient(1, idle_timeout=1.0)) as talk, asyncio.timeout(60):
        ended = await talk.turn()
        assert (ended.reason, ended.code, ended.retryable) == ("failed", "IDLE_TIMEOUT", True)
        assert len(server.generations) == tries


async def test_a_turn_ends_at_its_own_deadline(server: GeminiServer, storage: ChatStorage) -> None:
    """However patient the idle timeout is, and although the stream keeps giving signs of life."""
    drips = Reply()
    for _ in range(200):
        drips = drips + comment() + pause(0.05)
    server.script(drips + text("late"))
    async with talking(server, storage, limits=Limits(turn_timeout=0.3)) as talk, asyncio.timeout(60):
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
