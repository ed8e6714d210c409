"""Conversations recorded against a server, and replayed when it is gone."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from runner.conversations.options import Options
from runner.conversations.session import run_conversations
from tests.servers import GeminiServer, calls, error, finish, text, usage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conversations.projects import Project

CASES = """
    cases:
      - name: weather
        repeat: {repeat}
        turns:
          - user: What is the weather in Paris?
            expect:
              calls: [{{tool: get_weather, args: {{city: Paris}}}}]
              reply: "18"
          - user: Thank you.
            expect: {{reply: welcome}}
    """
CALL = calls(("get_weather", {"city": "Paris"}))


@pytest.fixture
def recorded(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording of the weather case; the server is gone."""
    return record(project, monkeypatch)


def record(project: Project, monkeypatch: pytest.MonkeyPatch, *, repeat: int = 1, **options: object) -> Path:
    project.write(CASES.format(repeat=repeat))
    with GeminiServer() as server, monkeypatch.context() as patch:
        server.stand_in(patch)
        for _ in range(repeat):
            server.script(CALL, text("It is ", "18.") + usage(prompt=1000, candidates=100), text("You are welcome."))
        ran = project.run_now(record="once", **options)
        assert ran.result.exit_code == 0, (ran.attempt().trouble, ran.attempt().failures)
        assert (ran.attempt().source, server.unused) == ("recorded", 0)
        assert ran.result.cost is not None
        assert ran.result.cost > 0
    return project.folder / "agents" / "cassettes" / "weather" / "weather.jsonl"


def test_what_was_recorded_is_replayed_without_server_and_key(project: Project, recorded: Path) -> None:
    ran = project.run_now()
    assert ran.result.exit_code == 0, ran.attempt().trouble
    attempt = ran.attempt()
    assert (attempt.source, attempt.cassette, attempt.notes) == ("replayed", recorded, [])
    assert [turn.reply for turn in attempt.turns] == ["It is 18.", "You are welcome."]
    assert attempt.cost is not None
    assert attempt.cost >= 1000 * 0.75e-6 + 100 * 3.75e-6  # what it cost when it was recorded
    assert (attempt.spent, ran.result.cost) == (0.0, 0.0)


def test_the_header_tells_what_the_agent_was_made_from(recorded: Path) -> None:
    header = json.loads(recorded.read_text().splitlines()[0])
    assert header["agent"] == "weather"
    assert header["source"].startswith("local http://127.0.0.1:")
    assert header["made_from"]["model"] == "gemini-3.8-flash"
    assert set(header["made_from"]["tools"]) == {"get_weather", "send_mail", "typed", "wait_for_ever"}
    assert header["made_from"]["instructions"].startswith("#")
    assert header["agent_hash"].startswith("#")


def test_a_replay_is_run_at_the_time_of_the_recording(
    project: Project, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The instructions tell the time to the minute, in the zone they were recorded in: another one would be a miss."""
    lines = recorded.read_text().splitlines()
    before = json.loads(lines[0])["clock"]
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert project.run_now().result.exit_code == 0
    lines[0] = lines[0].replace(before, "2001-01-01T00:00:00+00:00")
    recorded.write_text("\n".join(lines) + "\n")
    trouble = project.run_now().attempt().trouble
    assert trouble is not None
    assert trouble.reason == "replay_miss"


def test_a_miss_shows_the_first_difference_what_changed_and_the_command(project: Project, recorded: Path) -> None:
    project.write(project.suite.read_text().removeprefix("agent: weather.yaml\n").replace("in Paris?", "in Rome?"))
    project.manifest.write_text(project.manifest.read_text().replace("briefly", "at length"))
    ran = project.run_now()
    trouble = ran.attempt().trouble
    assert trouble is not None
    assert (trouble.reason, ran.result.exit_code, ran.case().outcome) == ("replay_miss", 2, "error")
    assert "briefly" in trouble.message
    assert "instructions changed" in trouble.message
    assert trouble.hint is not None
    assert trouble.hint.endswith("agents/weather.conversations.yaml -k weather --record all")
    assert "since it was recorded: instructions changed" in ran.attempt().notes


def test_a_tool_that_answers_otherwise_is_a_miss_of_the_next_request(project: Project, recorded: Path) -> None:
    project.tools.write_text(project.tools.read_text().replace('"temp": 18', '"temp": 3'))
    ran = project.run_now()
    trouble = ran.attempt().trouble
    assert trouble is not None
    assert trouble.reason == "replay_miss"
    assert '"temp": 3' in trouble.message
    assert ran.turn().calls[0].result["temp"] == 3


def test_results_of_tools_are_replayed_where_they_were_recorded(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(project, monkeypatch, record_tools=True)
    project.tools.write_text(project.tools.read_text().replace('"temp": 18', '"temp": 3'))
    ran = project.run_now()
    assert ran.result.exit_code == 0, ran.attempt().trouble
    assert ran.turn().calls[0].result["temp"] == 18


def test_each_repeat_has_a_recording_of_its_own(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = record(project, monkeypatch, repeat=3)
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "weather.2.jsonl",
        "weather.3.jsonl",
        "weather.jsonl",
    ]
    ran = project.run_now()
    assert [attempt.source for attempt in ran.case().attempts] == ["replayed"] * 3
    (path.parent / "weather.3.jsonl").unlink()
    again = project.run_now()
    assert [attempt.outcome for attempt in again.case().attempts] == ["passed", "passed", "error"]
    assert again.result.exit_code == 2


def test_what_is_recorded_already_is_replayed_and_not_asked_again(
    project: Project, recorded: Path, server: GeminiServer
) -> None:
    before = recorded.read_bytes()
    assert project.run_now(record="once").attempt().source == "replayed"
    assert (server.requests, recorded.read_bytes()) == ([], before)
    server.script(CALL, text("18 again."), text("welcome"))
    anew = project.run_now(record="all")
    assert (anew.attempt().source, anew.result.exit_code) == ("recorded", 0), anew.attempt().trouble
    assert recorded.read_bytes() != before


def test_a_case_that_grew_is_recorded_from_where_it_is_new(
    project: Project, recorded: Path, server: GeminiServer
) -> None:
    more = "          - {user: Bye., expect: {reply: bye}}\n"
    project.suite.write_text(project.suite.read_text().rstrip() + "\n" + more.replace("          -", "      -", 1))
    server.script(text("bye"))
    ran = project.run_now(record="new")
    assert ran.result.exit_code == 0, ran.attempt().trouble
    assert ran.attempt().source == "recorded"
    assert len(server.generations) == 1
    assert project.run_now(record="none").attempt().source == "replayed"
    assert len(recorded.read_text().splitlines()) > 5


def test_live_asks_the_service_whatever_was_recorded(project: Project, recorded: Path, server: GeminiServer) -> None:
    before = recorded.read_bytes()
    server.script(CALL, text("18."), text("welcome"))
    ran = project.run_now(live=True)
    assert (ran.attempt().source, ran.attempt().cassette, server.unused) == ("live", None, 0)
    assert recorded.read_bytes() == before


def test_a_recording_of_a_service_that_failed_is_not_kept(project: Project, server: GeminiServer) -> None:
    server.script(CALL, finish("SAFETY"))
    project.write(CASES.format(repeat=1))
    ran = project.run_now(record="once")
    trouble = ran.attempt().trouble
    assert trouble is not None
    assert (trouble.reason, ran.result.exit_code) == ("model", 3)
    assert not (project.folder / "agents" / "cassettes").exists()


def test_retries_are_replayed_without_waiting(project: Project, server: GeminiServer) -> None:
    server.script(error(503), text("hello"))
    project.write("cases: [{name: x, turns: [{user: hi, expect: {reply: hello}}]}]")
    assert project.run_now(record="once").turn().retries == 1
    server.clear()
    ran = project.run_now()
    assert (ran.turn().retries, ran.attempt().source, server.requests) == (1, "replayed", [])


def test_what_was_recorded_and_is_not_asked_for_any_more_is_a_note(project: Project, recorded: Path) -> None:
    whole = project.suite.read_text()
    project.suite.write_text(whole[: whole.index("      - user: Thank you.")])
    ran = project.run_now()
    assert ran.result.exit_code == 0
    (note,) = ran.attempt().notes
    assert note.startswith("recorded, and not asked for: line ")


def test_a_cassette_that_is_torn_is_an_error_with_its_line(project: Project, recorded: Path) -> None:
    recorded.write_text(recorded.read_text()[:-20])
    ran = project.run_now()
    trouble = ran.attempt().trouble
    assert trouble is not None
    assert (trouble.reason, ran.result.exit_code) == ("cassette", 2)
    assert "weather.jsonl:" in trouble.message


def test_no_key_stands_in_a_cassette(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_TOKEN", "very-secret-word")
    project.manifest.write_text(project.manifest.read_text() + "description: x\n")
    path = record(project, monkeypatch)
    assert "test-key" not in path.read_text()
    assert "very-secret-word" not in path.read_text()
    assert os.environ["MY_API_TOKEN"] == "very-secret-word"


async def test_many_cases_are_recorded_and_replayed_at_once(project: Project, server: GeminiServer) -> None:
    names = [f"city {n}" for n in range(6)]
    for name in names:
        server.script(calls(("get_weather", {"city": name})), text(f"18 in {name}"), when=f"({name})")
    lines = [
        f'  - {{name: {name}, turns: [{{user: "Weather? ({name})", expect: {{reply: "18 in {name}", '
        f"calls: [{{tool: get_weather, args: {{city: {name}}}, result: {{seen: [{name}]}}}}]}}}}]}}"
        for name in names
    ]
    path = project.write("cases:\n" + "\n".join(lines))
    recording = await run_conversations([path], Options(record="once", concurrency=6))
    assert recording.exit_code == 0, [case.attempts[0].trouble for case in recording.cases]
    server.clear()
    replay = await run_conversations([path], Options(concurrency=6))
    assert replay.exit_code == 0, [case.attempts[0].trouble for case in replay.cases]
    assert {attempt.source for case in replay.cases for attempt in case.attempts} == {"replayed"}
    assert server.requests == []
