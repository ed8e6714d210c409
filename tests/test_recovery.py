"""Closing what was left open."""

from __future__ import annotations

from typing import Any

import pytest

from runner.messages import ChatMessage, responses_to
from runner.recovery import closing, open_turn
from runner.rendering import history

NOW = "2026-11-22T08:00:00.000+00:00"


def user(turn: int = 1) -> ChatMessage:
    return ChatMessage.user("hi", meta={"kind": "user", "turn": turn})


def asked(*effects: str, turn: int = 1) -> ChatMessage:
    parts = [{"functionCall": {"name": f"f{i}", "args": {}, "id": f"c{i}"}} for i, _ in enumerate(effects)]
    meta: Any = {"kind": "model", "turn": turn, "step": 1, "effects": list(effects)}
    return ChatMessage({"role": "model", "parts": parts}, meta)


def started(*indices: int) -> ChatMessage:
    return ChatMessage(None, {"kind": "started", "turn": 1, "step": 1, "calls": list(indices)})


def answered(model: ChatMessage) -> ChatMessage:
    results = [{"ok": True}] * len(model.calls)
    return ChatMessage(responses_to(model.calls, results), {"kind": "responses", "turn": 1, "step": 1})


ENDED = ChatMessage.model("bye", meta={"kind": "model", "turn": 1, "status": "answered"})


@pytest.mark.parametrize(
    "log",
    [
        [],
        [user(), ENDED],
        [user(), ChatMessage(None, {"kind": "closed", "turn": 1, "status": "failed"})],
        [ChatMessage.user("from elsewhere"), ChatMessage.model("no meta at all")],
    ],
)
def test_a_log_whose_turns_have_ended_needs_no_closing(log: list[ChatMessage]) -> None:
    assert closing(log, NOW) == []


def test_a_message_without_answer_is_closed_as_interrupted() -> None:
    (entry,) = closing([user(), ENDED, user(2)], NOW)
    assert (entry.kind, entry.meta["status"], entry.meta["turn"]) == ("closed", "interrupted", 2)
    assert not entry.is_sent


def test_calls_are_answered_by_what_is_known_of_their_start() -> None:
    log = [user(), asked("once", "once", "none", "idempotent"), started(0)]
    responses, entry = closing(log, NOW)
    assert responses.meta["results"] == ["outcome_unknown", "not_started", "interrupted", "interrupted"]
    assert [(r["name"], r["id"]) for r in responses.responses] == [(f"f{i}", f"c{i}") for i in range(4)]
    assert entry.meta["status"] == "interrupted"


def test_starts_recorded_one_by_one_count() -> None:
    log = [user(), asked("once", "once", "once"), started(0), started(1)]
    assert closing(log, NOW)[0].meta["results"] == ["outcome_unknown", "outcome_unknown", "not_started"]


def test_calls_of_a_program_that_records_no_effects_are_of_unknown_outcome() -> None:
    foreign = ChatMessage({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]})
    responses, _ = closing([ChatMessage.user("x"), foreign], NOW)
    assert responses.meta["results"] == ["outcome_unknown"]
    assert "id" not in responses.responses[0]


def test_answered_calls_are_not_answered_again() -> None:
    model = asked("once")
    (entry,) = closing([user(), model, started(0), answered(model)], NOW)
    assert entry.kind == "closed"


def test_closing_a_second_time_changes_nothing() -> None:
    log = [user(), asked("once", "none"), started(0)]
    log += closing(log, NOW)
    assert closing(log, NOW) == []
    assert open_turn(log) == []


def test_only_the_last_turn_is_looked_at() -> None:
    log = [user(), ENDED] * 50 + [user(2)]
    assert open_turn(log) == [log[-1]]


def test_the_rendered_history_holds_only_what_is_sent() -> None:
    model = asked("once")
    log = [user(), model, started(0), answered(model)]
    log += closing(log, NOW)
    assert [entry.role for entry in history(log)] == ["user", "model", "user"]
