"""Fields that a stream tells several times are put together, and model names compared."""

from __future__ import annotations

import json

import pytest

from runner.errors import GeminiAPIError
from runner.models.gemini.names import has_explicit_caching, same_model, short_name
from runner.models.gemini.reply import Reply
from runner.models.gemini.sse import Event
from runner.requests import Finish, ModelItem, Usage


def read(*chunks: object) -> list[ModelItem]:
    reply = Reply("m", str)
    items = [item for chunk in chunks for item in reply.read(Event(json.dumps(chunk).encode(), 0))]
    return [*items, *reply.end(0)]


def candidate(**fields: object) -> dict[str, object]:
    return {"candidates": [fields]}


def test_objects_and_lists_told_in_pieces_are_put_together() -> None:
    items = read(
        candidate(groundingMetadata={"queries": ["a"], "chunks": [1]}, safetyRatings=[{"x": 1}]),
        candidate(groundingMetadata={"chunks": [2], "score": 1}, safetyRatings=[{"x": 1}, {"y": 2}]),
        candidate(groundingMetadata={"score": 2}, finishReason="STOP"),
    )
    assert items == [
        Finish(
            details={
                "groundingMetadata": {"queries": ["a"], "chunks": [1, 2], "score": 2},
                "safetyRatings": [{"x": 1}, {"y": 2}],
            }
        )
    ]


def test_usage_is_told_when_it_changes() -> None:
    once = {"usageMetadata": {"totalTokenCount": 3}}
    items = read(once, once, {"usageMetadata": {"totalTokenCount": 5}}, candidate(finishReason="STOP"))
    assert items[:-1] == [Usage(total_tokens=3), Usage(total_tokens=5)]


def test_further_candidates_and_fields_of_a_content_are_kept_aside() -> None:
    other = {"index": 1, "content": {"parts": [{"text": "other"}]}}
    content = {"role": "model", "parts": [{"text": "a"}], "mood": "good"}
    items = read({"candidates": [{"content": content, "finishReason": "STOP"}, other]})
    assert items == [{"text": "a"}, Finish(details={"content": {"mood": "good"}, "otherCandidates": [other]})]


def test_a_blocked_prompt_finishes_with_the_block_reason() -> None:
    feedback = {"blockReason": "SAFETY", "blockReasonMessage": "no"}
    assert read({"promptFeedback": feedback}) == [Finish("SAFETY", "no", details={"promptFeedback": feedback})]


def test_feedback_without_a_block_does_not_finish_a_reply() -> None:
    assert read({"promptFeedback": {"safetyRatings": []}}, candidate(finishReason="STOP")) == [
        Finish(details={"promptFeedback": {"safetyRatings": []}})
    ]


def test_a_list_of_chunks_in_one_event_is_read_and_an_error_in_it_raised() -> None:
    items = read([candidate(content={"parts": [{"text": "a"}]}), candidate(finishReason="STOP")])
    assert items == [{"text": "a"}, Finish()]
    with pytest.raises(GeminiAPIError, match="429 RESOURCE_EXHAUSTED: no message"):
        read([{"error": {"code": 429}}])
    with pytest.raises(GeminiAPIError, match="500 INTERNAL: broken"):
        read({"error": "broken"})


@pytest.mark.parametrize(
    ("asked", "answered", "same"),
    [
        ("gemini-3.8-flash", "gemini-3.8-flash", True),
        ("projects/p/locations/l/publishers/google/models/gemini-3.8-flash", "gemini-3.8-flash-001", True),
        ("gemini-2.5-flash", "gemini-2.5-flash-preview-09-2025", True),
        ("gemini-2.5-flash", "gemini-2.5-flash-lite", False),
        ("gemini-2.5-flash", "gemini-3.8-flash", False),
        ("gemini-3.8-flash-001", "gemini-3.8-flash-002", False),
        ("gemini-flash-latest", "gemini-3.8-flash", False),
    ],
)
def test_versions_of_a_model_are_that_model_and_others_are_not(asked: str, answered: str, same: bool) -> None:
    assert same_model(asked, answered) is same


def test_caching_by_name_ended_with_gemini_3() -> None:
    names = ("gemini-2.5-flash", "models/gemini-3.8-flash", "tunedModels/mine")
    assert all(has_explicit_caching(name) for name in names)
    assert not any(has_explicit_caching(name) for name in ("gemini-4-argon", "models/Gemini-5-x", "gemini-10-y"))
    assert short_name("tunedModels/Mine") == "mine"
