"""The oracle of I1: what Gemini accepts as a history, and the words with which it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers import history_fault
from tests.servers.conversation import call, model, response, responses, user

TEXT = {"text": "x"}


def fault(*contents: Any) -> str | None:
    found = history_fault({"contents": list(contents)})
    return None if found is None else found.message


VALID = {
    "one question": [user("hi")],
    "question, answer, question": [user("a"), model(TEXT), user("b")],
    "two questions in a row (a failed turn keeps its text)": [user("a"), user("b")],
    "call and response": [user("a"), model(call()), responses(response())],
    "parallel calls": [
        user("a"),
        model(call("f", "1"), call("g", "2"), call("f", "3")),
        responses(response("f", "1"), response("g", "2"), response("f", "3")),
    ],
    "two steps": [user("a"), model(call()), responses(response()), model(call("g")), responses(response("g"))],
    "a text after an interrupted turn": [user("a"), model(call()), responses(response()), user("b")],
    "thought, text and call": [
        user("a"),
        model({"text": "hm", "thought": True}, TEXT, call()),
        responses(response()),
    ],
    "an empty text that bears a signature": [
        user("a"),
        model(TEXT, {"text": "", "thoughtSignature": "AA=="}),
        user("b"),
    ],
    "a call without args": [user("a"), model({"functionCall": {"name": "f"}}), responses(response())],
    "the same id twice, in order": [
        user("a"),
        model(call("f", "1"), call("f", "1")),
        responses(response("f", "1"), response("f", "1")),
    ],
    "snake case": [
        user("a"),
        model({"function_call": {"name": "f", "args": {}}, "thought_signature": "-__-"}),
        responses({"function_response": {"name": "f", "response": {"snake_key": {"camelKey": None}}}}),
    ],
    "an image": [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "AAAA"}}, TEXT]}],
}


@pytest.mark.parametrize("contents", VALID.values(), ids=VALID.keys())
def test_a_valid_history_has_no_fault(contents: list[Any]) -> None:
    assert fault(*contents) is None


COUNT = "number of function response parts is equal"
AFTER_CALL = "function response turn comes immediately after a function call turn"
INVALID = {
    "no contents": ([], "contents is not specified"),
    "begins with the model": ([model(TEXT), user("a")], "first content has the role user"),
    "ends with the model": ([user("a"), model(TEXT)], "Requests ending with a model turn are not supported."),
    "ends with a call": ([user("a"), model(call())], "Requests ending with a model turn are not supported."),
    "no role": ([{"parts": [TEXT]}], "Please use a valid role: user, model."),
    "role tool": ([user("a"), model(call()), {"role": "tool", "parts": [response()]}], "valid role"),
    "no parts": ([{"role": "user"}], "contents[0].parts: contents.parts must not be empty."),
    "empty parts": ([user("a"), model(), user("b")], "contents[1].parts: contents.parts must not be empty."),
    "an empty part": ([user("a"), model({}), user("b")], "contents[1].parts[0].data: required oneof field 'data'"),
    "an empty text": ([user("")], "contents[0].parts[0].data: required oneof field 'data'"),
    "only a signature": ([user("a"), model({"thoughtSignature": "AA=="}), user("b")], "required oneof field 'data'"),
    "two payloads": (
        [{"role": "user", "parts": [{"text": "a", "inlineData": {}}]}],
        "oneof field 'data' is already set",
    ),
    "call unanswered": ([user("a"), model(call()), user("b")], COUNT),
    "call answered by the model": ([user("a"), model(call()), model(TEXT), user("b")], COUNT),
    "too few responses": ([user("a"), model(call(), call()), responses(response())], COUNT),
    "too many responses": ([user("a"), model(call()), responses(response(), response())], COUNT),
    "responses in two contents": (
        [user("a"), model(call(), call()), responses(response()), responses(response())],
        COUNT,
    ),
    "a text among the responses": ([user("a"), model(call()), responses(response(), TEXT)], COUNT),
    "a stray response": ([user("a"), model(TEXT), responses(response())], AFTER_CALL),
    "a response first": ([responses(response())], AFTER_CALL),
    "a response twice": ([user("a"), model(call()), responses(response()), responses(response())], AFTER_CALL),
    "a response of the model": ([user("a"), model(response()), user("b")], AFTER_CALL),
    "a call of the user": ([responses(call()), user("b")], "come from the role model"),
    "call after model": (
        [user("a"), model(TEXT), model(call()), responses(response())],
        "immediately after a user turn",
    ),
    "other name": ([user("a"), model(call("f")), responses(response("g"))], "the name of each function response"),
    "swapped names": (
        [user("a"), model(call("f"), call("g")), responses(response("g"), response("f"))],
        "has 'g', expected 'f'",
    ),
    "other id": ([user("a"), model(call("f", "1")), responses(response("f", "2"))], "the id of each function response"),
    "id lost": ([user("a"), model(call("f", "1")), responses(response("f"))], "has None, expected '1'"),
    "id invented": ([user("a"), model(call("f")), responses(response("f", "1"))], "has '1', expected None"),
    "call without name": (
        [user("a"), model(call("")), responses(response(""))],
        "function_call.name: Name cannot be empty",
    ),
    "response without name": (
        [user("a"), model(call()), responses(response(""))],
        "function_response.name: Name cannot",
    ),
    "response without response": (
        [user("a"), model(call()), responses({"functionResponse": {"name": "f"}})],
        "Response cannot be empty",
    ),
    "args a list": (
        [user("a"), model({"functionCall": {"name": "f", "args": [1]}}), responses(response())],
        "Invalid value at 'contents[1].parts[0].function_call.args' (type.googleapis.com/google.protobuf.Struct), [1]",
    ),
    "response a text": (
        [user("a"), model(call()), responses({"functionResponse": {"name": "f", "response": "x"}})],
        "Invalid value at 'contents[2].parts[0].function_response.response'",
    ),
    "text a number": ([{"role": "user", "parts": [{"text": 1}]}], "'contents[0].parts[0].text' (TYPE_STRING), 1"),
    "unknown key": ([{"role": "user", "parts": [{"txt": "a"}]}], "Unknown name \"txt\" at 'contents[0].parts[0]'"),
    "signature not base64": ([user("a"), model({"text": "a", "thoughtSignature": "!"}), user("b")], "Base64 decoding"),
    "both spellings": ([user("a"), model({"functionCall": {}, "function_call": {}}), user("b")], "already set"),
}


@pytest.mark.parametrize(("contents", "said"), INVALID.values(), ids=INVALID.keys())
def test_an_invalid_history_is_refused_in_the_words_of_the_service(contents: list[Any], said: str) -> None:
    found = fault(*contents)
    assert found is not None
    assert said in found


@st.composite
def histories(draw: st.DrawFn) -> list[Any]:
    """Histories as a correct client makes them: turns of 0-3 steps, each a batch of 1-4 calls."""
    contents: list[Any] = []
    for turn in range(draw(st.integers(1, 4))):
        contents.append(user(f"turn {turn}"))
        for _ in range(draw(st.integers(0, 3))):
            names = draw(st.lists(st.sampled_from(["f", "g", "h"]), min_size=1, max_size=4))
            ids = [draw(st.none() | st.text("abc", min_size=1, max_size=2)) for _ in names]
            contents.append(model(*[call(*pair) for pair in zip(names, ids, strict=True)]))
            contents.append(responses(*[response(*pair) for pair in zip(names, ids, strict=True)]))
        if draw(st.booleans()):
            contents.append(model(TEXT))
    return contents if contents[-1]["role"] == "user" else [*contents, user("more")]


@settings(max_examples=150, deadline=None)
@given(histories())
def test_what_a_correct_client_makes_is_accepted(contents: list[Any]) -> None:
    assert fault(*contents) is None


@settings(max_examples=150, deadline=None)
@given(histories(), st.data())
def test_losing_a_call_content_or_its_responses_is_always_noticed(contents: list[Any], data: st.DataObject) -> None:
    batches = [at for at, each in enumerate(contents) if "functionCall" in each["parts"][0]]
    if not batches:
        return
    lost = data.draw(st.sampled_from(batches + [at + 1 for at in batches]))
    assert fault(*contents[:lost], *contents[lost + 1 :]) is not None
