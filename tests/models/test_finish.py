"""What a reply is worth, and how its parts are stored."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.models.finish import is_malformed, joined, refusal
from runner.requests import Finish

if TYPE_CHECKING:
    from runner.messages import Part

CALL: Part = {"functionCall": {"name": "f", "args": {}}}
PARTS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"text": st.text(max_size=3)}, optional={"thought": st.booleans()}),
        st.fixed_dictionaries({"text": st.text(max_size=3), "thoughtSignature": st.text("ab", min_size=1)}),
        st.just(CALL),
        st.just({**CALL, "thoughtSignature": "c2ln"}),
        st.just({"text": "a", "partMetadata": {}}),
        st.just({"newKind": {"x": 1}}),
        st.just({}),
    ),
    max_size=12,
)


def plain(part: Part) -> bool:
    return part.keys() <= {"text", "thought"} and "text" in part


def text_of(parts: list[Part], *, thought: bool) -> str:
    return "".join(part.get("text", "") for part in parts if bool(part.get("thought")) is thought)


@given(PARTS)
def test_joining_keeps_every_character_and_every_other_part_in_order(parts: list[Part]) -> None:
    result = joined(parts)
    assert [part for part in result if not plain(part)] == [part for part in parts if part and not plain(part)]
    for thought in (True, False):
        assert text_of(result, thought=thought) == text_of(parts, thought=thought)


@given(PARTS)
def test_joining_leaves_no_two_adjacent_plain_texts_of_one_kind_and_no_empty_one(parts: list[Part]) -> None:
    result = joined(parts)
    assert all(part["text"] for part in result if plain(part))
    for left, right in itertools.pairwise(result):
        assert not (plain(left) and plain(right) and bool(left.get("thought")) is bool(right.get("thought")))


@given(PARTS)
def test_joining_twice_is_joining_once_and_changes_no_argument(parts: list[Part]) -> None:
    before = [dict(part) for part in parts]
    once = joined(parts)
    assert joined(once) == once
    assert parts == before


def test_a_signed_text_is_never_joined_even_when_empty() -> None:
    parts: list[Part] = [
        {"text": "a"},
        {"text": "b"},
        {"text": "", "thoughtSignature": "s"},
        {"text": "c"},
        {"text": "d"},
    ]
    assert joined(parts) == [{"text": "ab"}, {"text": "", "thoughtSignature": "s"}, {"text": "cd"}]


@pytest.mark.parametrize(
    "parts",
    [
        [{"text": "hello"}],
        [{"text": "hm", "thought": True}, {"text": "hello"}],
        [CALL],
        [{"functionCall": {"name": "f"}}],
        [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}],
        [{"kindOfTomorrow": {}}],
    ],
)
def test_a_finished_reply_with_content_is_usable(parts: list[Part]) -> None:
    assert refusal(Finish("STOP"), parts) is None


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([], "EMPTY"),
        ([{"text": ""}], "EMPTY"),
        ([{"text": "", "thoughtSignature": "c2ln"}], "EMPTY"),
        ([{"text": "hm", "thought": True}], "EMPTY"),
        ([{"functionCall": {"name": "", "args": {}}}], "MALFORMED_FUNCTION_CALL"),
        ([{"functionCall": {"args": {}}}], "MALFORMED_FUNCTION_CALL"),
        ([{"functionCall": {"name": "f", "args": [1]}}], "MALFORMED_FUNCTION_CALL"),
        ([{"functionCall": {"name": "f", "args": "{}"}}], "MALFORMED_FUNCTION_CALL"),
        ([{"functionCall": None}], "MALFORMED_FUNCTION_CALL"),
        ([CALL, {"functionCall": {"name": 5}}], "MALFORMED_FUNCTION_CALL"),
    ],
)
def test_a_reply_without_content_or_with_a_broken_call_is_refused_whatever_its_finish_says(
    parts: list[Part], reason: str
) -> None:
    problem = refusal(Finish("STOP"), parts)
    assert problem is not None
    assert problem.reason == reason
    assert is_malformed(problem)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("MAX_TOKENS", "cut off at the output limit"),
        ("SAFETY", "safety"),
        ("RECITATION", "published text"),
        ("LANGUAGE", "language"),
        ("BLOCKLIST", "forbidden word"),
        ("PROHIBITED_CONTENT", "prohibited"),
        ("SPII", "personal data"),
        ("MALFORMED_FUNCTION_CALL", "cannot be read"),
        ("UNEXPECTED_TOOL_CALL", "although none"),
        ("TOO_MANY_TOOL_CALLS", "too many"),
        ("MISSING_THOUGHT_SIGNATURE", "signature"),
        ("MALFORMED_RESPONSE", "cannot be read"),
        ("OTHER", "without saying why"),
        ("NEXT_YEARS_REASON", "unknown reason NEXT_YEARS_REASON"),
    ],
)
def test_every_other_finish_is_told_in_plain_words_with_the_services_own(reason: str, words: str) -> None:
    problem = refusal(Finish(reason, "because\nof this"), [{"text": "part of an answer"}])
    assert problem is not None
    assert problem.reason == reason
    assert words in str(problem)
    assert str(problem).endswith(": because of this")
    assert "\n" not in str(problem)


def test_a_blocked_message_is_told_apart_from_a_stopped_answer() -> None:
    blocked = Finish("SAFETY", details={"promptFeedback": {"blockReason": "SAFETY"}})
    assert "refused the message for safety" in str(refusal(blocked, []))
    assert "unknown reason NEW" in str(refusal(Finish("NEW", details={"promptFeedback": {"blockReason": "NEW"}}), []))
