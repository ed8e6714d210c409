"""Messages keep Gemini's JSON exactly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.events import Notice, TextDelta, ToolCalled, TurnEnded
from runner.messages import ChatMessage
from runner.requests import GenerateContentRequest, Usage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON), st.dictionaries(st.text(), JSON))
def test_a_message_survives_its_json_bit_for_bit(extra: dict[str, object], meta: dict[str, object]) -> None:
    content = {"role": "user", "parts": [{"text": "x\x00\ud800"}, extra]}
    message = ChatMessage(content, {"kind": "user", **meta})  # type: ignore[typeddict-item]  # unknown keys are kept
    text = message.to_json()
    assert text.isascii()
    back = ChatMessage.from_json(text)
    assert (json.dumps(back.content), json.dumps(back.meta)) == (json.dumps(message.content), json.dumps(message.meta))
    stored = ChatMessage.from_stored(message.content_json, message.meta_json)
    assert stored == message
    assert stored.to_json() == text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_have_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        _ = ChatMessage({"role": "user", "parts": [{"x": number}]}).content_json


def test_a_stored_message_knows_whether_it_is_sent_without_being_decoded() -> None:
    assert ChatMessage.from_stored('{"role":"user"}', "{}").is_sent
    assert not ChatMessage.from_stored("null", "{}").is_sent


def test_visible_text_leaves_thoughts_out() -> None:
    parts = [{"text": "hm", "thought": True}, {"text": "a"}, {"functionCall": {"name": "f"}}, {"text": "b"}]
    message = ChatMessage({"role": "model", "parts": parts})
    assert (message.text, message.kind) == ("ab", "model")


def test_a_request_is_joined_from_stored_texts_and_equals_its_body() -> None:
    messages = [ChatMessage.from_stored('{"role":"user","parts":[{"text":"\\u00e9"}]}', "{}"), ChatMessage.model("x")]
    request = GenerateContentRequest(model="m", messages=messages, system_instruction={"parts": [{"text": "s"}]})
    assert json.loads(request.encoded()) == request.body()
    bare = GenerateContentRequest(model="m", messages=messages)
    assert json.loads(bare.encoded()) == bare.body()


def test_events_have_their_documented_json_form() -> None:
    assert TextDelta("x").to_json() == {"type": "text_delta", "text": "x"}
    assert ToolCalled("1.1.0", 0, "f", {"a": 1}).to_json()["type"] == "tool_called"
    assert Notice("retry", "again").to_json() == {"type": "notice", "code": "retry", "message": "again"}
    ended = TurnEnded("failed", "", Usage(prompt_tokens=1, total_tokens=1), "X", "y", True, RuntimeError())  # type: ignore[arg-type]  # any error
    assert ended.to_json() == {
        "type": "turn_ended",
        "reason": "failed",
        "text": "",
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
        "code": "X",
        "message": "y",
        "retryable": True,
        "cost": None,
    }
