"""One message, one answer: what goes to stdout, what to stderr, and the exit code."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


def test_the_answer_alone_is_on_stdout(run: Run) -> None:
    ran = run("agent.yaml", "hello there")
    assert (ran.code, ran.out, ran.err) == (0, "hello there \n", "")


def test_tool_calls_are_told_on_stderr_and_set_texts_apart(run: Run) -> None:
    ran = run("agent.yaml", "weather Paris")
    assert ran.code == 0
    assert ran.out == "Let me look.\n\nIt is **18 °C** in Paris.\n"
    assert re.fullmatch(r'⋅ get_weather\(city="Paris"\) \d\.\d s\n', ran.err)


def test_a_failed_tool_is_told_and_the_turn_goes_on(run: Run) -> None:
    ran = run("agent.yaml", "weather Atlantis")
    assert ran.code == 0
    assert "error: LookupError: unknown city: Atlantis" in ran.err


def test_quiet_says_nothing_beside_the_answer(run: Run) -> None:
    assert run("agent.yaml", "weather Paris", "-q").err == ""


def test_verbose_says_more(run: Run) -> None:
    err = run("agent.yaml", "weather Paris", "-v").err
    assert re.search(r"^chat \S+, turn 1, actor$", err, re.MULTILINE)
    assert "step 2: 1,030 tokens: 1,000 in (200 cached), 30 out\n" in err


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ('["no newline"]', "no newline\n"),
        ('["one\\n"]', "one\n"),
        ('["two\\n", "\\n"]', "two\n\n"),
        ('["a\\n", "\\n", "b"]', "a\n\nb\n"),
        ('["\\n lead"]', "\n lead\n"),
        ('["tab\\t\\u001b[31mred\\u0007 \\u202e \\r\\n"]', "tab\t\x1b[31mred\x07 \u202e \r\n"),
    ],
)
def test_a_pipe_gets_the_text_byte_for_byte_and_a_newline_at_its_end(text: str, out: str, run: Run) -> None:
    assert run("agent.yaml", f"json {text}").out == out


def test_half_a_surrogate_is_escaped_and_not_a_crash(run: Run) -> None:
    ran = run("agent.yaml", 'json ["a\\ud83d"]')
    assert (ran.code, ran.out) == (0, "a\\ud83d\n")


def test_a_failure_keeps_the_partial_text_and_says_why_in_one_line(run: Run) -> None:
    ran = run("agent.yaml", "refuse bad request")
    assert (ran.code, ran.out) == (3, "Half an \n")
    assert ran.err == "error: 400 INVALID_ARGUMENT: bad request\n"


def test_a_failure_is_told_even_where_quiet_was_asked_for(run: Run) -> None:
    ran = run("agent.yaml", "refuse bad request", "--quiet")
    assert (ran.code, ran.err) == (3, "error: 400 INVALID_ARGUMENT: bad request\n")


def test_reaching_the_limit_of_steps_is_exit_5_and_no_text_the_model_did_not_say(run: Run) -> None:
    ran = run("agent.yaml", "loop", "-q")
    assert (ran.code, ran.out) == (5, "")
    assert ran.err == "stopped: no answer in 10 steps\n"


def test_a_missing_key_is_exit_2_with_the_two_ways_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    ran = run("agent.yaml", "hello", "--model", "gemini-3.8-flash")
    assert (ran.code, ran.out) == (2, "")
    assert "GEMINI_API_KEY" in ran.err
    assert "--model offline" in ran.err
    assert ran.err.count("\n") == 1


def test_a_wrong_manifest_is_told_with_its_place_and_the_nearest_name(run: Run, project: Path) -> None:
    (project / "wrong.yaml").write_text("toolz: []\n")
    ran = run("wrong.yaml", "hello")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith('wrong.yaml:1:1: error[E102]: unknown key "toolz"')
    assert 'did you mean "tools"?' in ran.err


def test_a_storage_that_cannot_be_opened_is_exit_4(run: Run, project: Path) -> None:
    (project / ".agent-run").write_text("in the way")
    ran = run("agent.yaml", "hello")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1


def test_a_named_chat_is_continued(run: Run) -> None:
    assert "turn 1" in run("agent.yaml", "one", "--chat", "mine", "-v").err
    assert "chat mine, turn 2" in run("agent.yaml", "two", "--chat", "mine", "-v").err


def test_continue_takes_the_last_chat(run: Run) -> None:
    run("agent.yaml", "one", "--chat", "first")
    run("agent.yaml", "two", "--chat", "second")
    assert "chat second, turn 2" in run("agent.yaml", "three", "-c", "-v").err


def test_without_a_chat_to_continue_a_new_one_begins_and_says_so(run: Run) -> None:
    ran = run("agent.yaml", "one", "-c")
    assert (ran.code, ran.out) == (0, "one \n")
    assert ran.err == "there is no chat to continue: this is a new one\n"


# --json


def events_of(out: str) -> list[dict[str, object]]:
    assert out.isascii()
    return [json.loads(line) for line in out.splitlines()]


def test_json_is_one_event_a_line_and_nothing_else(run: Run) -> None:
    ran = run("agent.yaml", "weather Paris", "--json", "--chat", "c")
    events = events_of(ran.out)
    assert (ran.code, ran.err) == (0, "")
    kinds = "turn_started text_delta usage_reported tool_called tool_returned text_delta usage_reported turn_ended"
    assert [event["type"] for event in events] == kinds.split()
    assert events[0] == {"type": "turn_started", "chat_id": "c", "turn": 1, "model": "actor"}
    assert events[-1]["reason"] == "answered"


def test_json_holds_control_characters_exactly(run: Run) -> None:
    ran = run("agent.yaml", 'json ["\\u001b[2J\\u202e\\ud83d"]', "--json")
    assert events_of(ran.out)[1] == {"type": "text_delta", "text": "\x1b[2J\u202e\ud83d"}


def test_json_tells_a_failed_turn_as_its_last_event_and_one_line_on_stderr(run: Run) -> None:
    ran = run("agent.yaml", "refuse bad", "--json")
    last = events_of(ran.out)[-1]
    assert ran.code == 3
    assert (last["type"], last["reason"], last["code"], last["retryable"]) == (
        "turn_ended",
        "failed",
        "INVALID_ARGUMENT",
        False,
    )
    assert ran.err == "error: 400 INVALID_ARGUMENT: bad\n"


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [(["gone.yaml", "hello"], "MANIFEST", 2), (["agent.yaml", "break it"], "BUG", 70)],
)
def test_json_tells_what_went_wrong_outside_a_turn(arguments: list[str], code: str, exit_code: int, run: Run) -> None:
    ran = run(*arguments, "--json")
    last = events_of(ran.out)[-1]
    assert ran.code == exit_code
    assert (last["type"], last["code"], last["exit_code"], last["retryable"]) == ("error", code, exit_code, False)
    assert ran.err.startswith("error: ")
