from __future__ import annotations

import pytest

from runner.cli.lines import call_line, context_line, ended_line, interrupted_line, returned_line, usage_line
from runner.events import ToolReturned, TurnEnded
from runner.requests import CacheUse, ContextSize, Usage


def test_a_call_is_shown_as_it_would_be_written() -> None:
    assert call_line("get_weather", {"city": "Paris", "days": 2}) == 'get_weather(city="Paris", days=2)'


def test_long_and_hostile_arguments_stay_on_one_short_line() -> None:
    line = call_line("f\x1b]0;x\x07", {"a\n": "x" * 1000, "b": "\x1b[2J\u202e", "c": {"deep": [1, 2]}, "d": "z" * 500})
    assert len(line) <= 120
    assert line.isprintable()
    assert "\\u001b[2J" in line  # JSON has escaped it already
    assert "\\u202e" in line


def returned(kind: str, **result: object) -> ToolReturned:
    return ToolReturned("1", 0, "book", kind, result, 412.0)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (returned("ok", output="fine"), "book(n=1) 0.4 s"),
        (returned("error", error="no such\nhotel\x1b"), "book(n=1) 0.4 s error: no such hotel\\x1b"),
        (returned("timeout", error="took longer than 60 s"), "book(n=1) 0.4 s timeout: took longer than 60 s"),
        (returned("outcome_unknown", error="long advice to the model"), "book(n=1) 0.4 s outcome unknown"),
        (returned("not_started", error="long advice to the model"), "book(n=1) 0.4 s not started"),
    ],
)
def test_a_result_is_one_line_with_its_time_and_what_went_wrong(event: ToolReturned, line: str) -> None:
    assert returned_line(event, {"n": 1}) == line


def test_an_interruption_counts_what_became_of_the_calls() -> None:
    kinds = ["ok", "error", "ok", "outcome_unknown", "outcome_unknown", "not_started", "not_started", "not_started"]
    assert interrupted_line(kinds) == "interrupted: 3 done, 2 unknown, 3 not started"
    assert interrupted_line(["interrupted", "cancelled"]) == "interrupted: 2 cut off"
    assert interrupted_line([]) == "interrupted"


@pytest.mark.parametrize(
    ("ended", "line"),
    [
        (TurnEnded("answered", "Hi", Usage()), None),
        (TurnEnded("stopped", "Hi", Usage()), None),
        (TurnEnded("limit", "", Usage(), "max_iterations", "no answer in 10 steps"), "stopped: no answer in 10 steps"),
        (TurnEnded("failed", "", Usage(), "UNAVAILABLE", "503\nUNAVAILABLE"), "error: 503 UNAVAILABLE"),
        (TurnEnded("interrupted", "", Usage(), "interrupted", "the turn was interrupted"), "interrupted"),
    ],
)
def test_the_end_of_a_turn_is_told_where_the_answer_does_not_tell_it(ended: TurnEnded, line: str | None) -> None:
    assert ended_line(ended, []) == line


def test_tokens_are_counted_by_what_they_were_spent_on() -> None:
    usage = Usage(prompt_tokens=1000, cached_tokens=200, output_tokens=34, thoughts_tokens=200, total_tokens=1234)
    assert usage_line(usage) == "1,234 tokens: 1,000 in (200 cached), 34 out, 200 thinking"
    told = usage_line(usage, CacheUse("off", "it is being made"))
    assert told.endswith("200 thinking; cache: off, it is being made")


def test_a_chat_s_length_is_told_beside_what_the_model_takes() -> None:
    told = context_line(ContextSize(12_345, 1_048_576))
    assert told == "12,345 tokens, 1.2% of the 1,048,576 that the model takes"
    assert context_line(ContextSize(12)) == "12 tokens"
