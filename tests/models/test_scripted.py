"""The scripted model says, calls and fails as it was told to."""

from __future__ import annotations

import pytest

from runner.errors import GeminiAPIError, GeminiResponseError
from runner.models.scripted import Reply, ScriptedModel, call, calls, error, finish, say
from runner.requests import Finish, GenerateContentRequest, Usage
from tests.models.asking import Answer, answer, asking


async def test_each_call_is_answered_by_the_next_reply_and_remembered() -> None:
    model = ScriptedModel(say("one"), say("two"))
    assert [(await answer(model, asking("a"))).text, (await answer(model, asking("b"))).text] == ["one", "two"]
    assert [request.contents[0]["parts"][0]["text"] for request in model.requests] == ["a", "b"]


async def test_a_text_streams_in_words_or_in_the_pieces_asked_for() -> None:
    model = ScriptedModel(
        say("to be or"), say("abcdef", pieces=2), say("ab", pieces=["", "a", "b"]), say("x", thought="hm")
    )
    texts = [[part["text"] for part in (await answer(model)).parts] for _ in range(4)]
    assert texts == [["to", " be", " or"], ["abc", "def"], ["", "a", "b"], ["hm", "x"]]


def test_pieces_that_are_not_the_text_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="not the text"):
        say("abc", pieces=["a", "b"])


async def test_calls_get_ids_in_order_unless_they_have_one() -> None:
    model = ScriptedModel.repeating(calls(call("f", {"x": 1}), call("g", id="mine", signature="c2ln"), call("h")))
    first, second = await answer(model), await answer(model)
    assert [part["functionCall"]["id"] for part in first.parts] == ["call-1", "mine", "call-2"]
    assert [part["functionCall"]["id"] for part in second.parts] == ["call-3", "mine", "call-4"]
    assert first.parts[1]["thoughtSignature"] == "c2ln"


async def test_it_fails_with_the_error_it_was_given_after_what_was_said_before() -> None:
    model = ScriptedModel(error(503), error(400, "INVALID_ARGUMENT"), error(ValueError("bug"), after=say("partly")))
    with pytest.raises(GeminiAPIError) as unavailable:
        await answer(model)
    with pytest.raises(GeminiAPIError) as invalid:
        await answer(model)
    got = Answer()
    with pytest.raises(ValueError, match="bug"):
        await answer(model, into=got)
    assert (unavailable.value.retryable, invalid.value.retryable, got.text) == (True, False, "partly")


async def test_a_reply_may_be_made_from_the_request() -> None:
    def echo(request: GenerateContentRequest) -> Reply:
        return say(request.contents[-1]["parts"][0]["text"].upper())

    assert (await answer(ScriptedModel(echo), asking("abc"))).text == "ABC"


async def test_usage_and_finish_are_told() -> None:
    model = ScriptedModel(say("a", usage=Usage(total_tokens=7)), finish("MAX_TOKENS", after=say("cut")))
    first, second = await answer(model), await answer(model)
    assert (first.usages, first.finish) == ([Usage(total_tokens=7)], Finish("STOP"))
    assert (second.text, second.finish.reason) == ("cut", "MAX_TOKENS")


async def test_a_call_too_many_says_so_at_once() -> None:
    model = ScriptedModel(say("only"))
    await answer(model)
    with pytest.raises(GeminiResponseError, match="no reply left: it was given 1, this is call 2"):
        await answer(model)


async def test_other_replies_may_take_the_place_of_those_that_are_left() -> None:
    """Ids of calls go on counting, so no two of a chat are alike."""
    model = ScriptedModel(call("f"), say("never"))
    ids = [(await answer(model)).parts[0]["functionCall"]["id"]]
    model.rescript([call("g")], 1)
    ids.append((await answer(model)).parts[0]["functionCall"]["id"])
    assert ids == ["call-1", "call-2"]
    with pytest.raises(GeminiResponseError, match="it was given 1, this is call 2"):
        await answer(model)
