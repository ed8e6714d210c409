"""Scripted conversations from end to end: what is said, called, checked, kept and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.conversations.progress import (
    AttemptEnded,
    AttemptStarted,
    CaseEnded,
    CaseStarted,
    Noticed,
    RunEnded,
    RunStarted,
    TurnEnded,
)
from runner.requests import Usage
from tests.servers import calls, text

if TYPE_CHECKING:
    from tests.conversations.projects import Project
    from tests.servers import GeminiServer

CALL = "{call: get_weather, args: {city: Paris}}"


async def test_the_first_case_of_the_documentation_passes(project: Project) -> None:
    """Three turns with arguments, a stub and a reply check, in 20 lines."""
    project.write("""
        cases:
          - name: asks for the unit, then answers
            vars: {city: Paris}
            stubs: {get_weather: {return: {temp: 18}}}
            turns:
              - user: What is the weather in ${city}?
                replies: [In which unit?]
                expect: {calls: none, reply: unit}
              - user: Celsius.
                replies: [{call: get_weather, args: {city: "${city}", unit: c}}, It is 18 degrees.]
                expect:
                  calls: [{tool: get_weather, args: {city: {$icontains: paris}}}]
                  reply: "18"
                save: {temp: "(\\\\d+)"}
              - user: And in Fahrenheit? It was ${temp}.
                replies: [That is 64.]
                expect: {reply: {regex: "6[34]"}}
        """)
    ran = await project.run()
    assert ran.result.exit_code == 0, ran.failures()
    attempt = ran.attempt()
    assert (attempt.source, attempt.outcome, attempt.cost, attempt.spent) == ("scripted", "passed", 0.0, 0.0)
    assert [turn.reply for turn in attempt.turns] == ["In which unit?", "It is 18 degrees.", "That is 64."]
    assert ran.turn(3).user == "And in Fahrenheit? It was 18."
    assert [(call.name, call.args, call.stub) for call in ran.turn(2).calls] == [
        ("get_weather", {"city": "Paris", "unit": "c"}, "cases[0].stubs.get_weather[0]")
    ]
    assert attempt.stub_calls == {"cases[0].stubs.get_weather[0]": 1}


async def test_a_run_tells_what_happens_in_order(project: Project) -> None:
    project.turn("{}", "{fail: 503}", "done")
    ran = await project.run()
    assert [type(event) for event in ran.events] == [
        RunStarted,
        CaseStarted,
        AttemptStarted,
        Noticed,
        TurnEnded,
        AttemptEnded,
        CaseEnded,
        RunEnded,
    ]
    started, case, attempt, notice, turn, *_ = ran.events
    assert isinstance(started, RunStarted)
    assert (started.cases, started.suites, started.attempts, started.deselected) == (1, 1, 1, 0)
    assert isinstance(case, CaseStarted)
    assert (case.case.name, case.repeats, case.turns) == ("only", 1, 1)
    assert isinstance(attempt, AttemptStarted)
    assert attempt.source == "scripted"
    assert isinstance(notice, Noticed)
    assert (notice.code, notice.turn) == ("retry", 1)
    assert isinstance(turn, TurnEnded)
    assert (turn.turn.retries, turn.turn.reply) == (1, "done")


async def test_a_turn_is_recorded_with_steps_calls_usage_and_its_line(project: Project) -> None:
    path = project.turn("{}", f"{{calls: [{CALL}, {{call: send_mail, args: {{to: me}}}}]}}", CALL, "done")
    ran = await project.run()
    turn = ran.turn()
    assert (turn.steps, turn.status, turn.usage) == (3, "answered", Usage(30, 0, 15, 0, 0, 45))
    assert [(call.step, call.index, call.name, call.kind) for call in turn.calls] == [
        (1, 0, "get_weather", "ok"),
        (1, 1, "send_mail", "ok"),
        (2, 0, "get_weather", "ok"),
    ]
    assert "user: go" in path.read_text().splitlines()[turn.line - 1]
    assert ran.case().line == path.read_text().splitlines().index("  - name: only") + 1


FAILING: list[tuple[str, list[str], str, str]] = [
    ("status: failed", ["hi"], "status", "the turn ended answered"),
    ("{}", ["{fail: 400}"], "status", "the turn ended failed: 400 INVALID_ARGUMENT: the script says so"),
    ("calls: none", [CALL, "x"], "calls", "1 tool calls were made, none were expected"),
    ("calls: [send_mail]", ["x"], "calls", "not called: send_mail(...)"),
    ("calls: [{tool: get_weather, args: {city: Rome}}]", [CALL, "x"], "calls", "get_weather: args.city: expected"),
    ("no_calls: [send_mail, get_weather]", [CALL, "x"], "calls", "get_weather was called"),
    ("reply: {equals: yes indeed}", ["yes"], "reply", 'the reply is not: equals "yes indeed"'),
    ("reply: {contains: [yes, no]}", ["yes"], "reply", 'the reply is not: contains "no"'),
    ("reply: {icontains: NO}", ["yes"], "reply", 'the reply is not: icontains "NO"'),
    ("reply: {not_contains: [no, yes]}", ["yes"], "reply", 'the reply is not: not contains "yes"'),
    ("reply: {starts_with: es}", ["yes"], "reply", 'the reply is not: starts with "es"'),
    ("reply: {regex: '^e'}", ["yes"], "reply", 'the reply is not: regex "^e"'),
    ("reply: {not_regex: '(?i)YES'}", ["yes"], "reply", 'the reply is not: not regex "(?i)YES"'),
    ("reply: {json: {a: 1}}", ["yes"], "reply", "the reply is no JSON: "),
    ("reply: {json: {a: 1}}", ["'{\"a\": 2}'"], "reply", "a: expected 1, got 2"),
    ("max_tokens: 29", [CALL, "x"], "limit", "max_tokens: 30 tokens"),
    ("max_steps: 1", [CALL, "x"], "limit", "max_steps: 2 steps"),
    ("max_latency: 1ms", ["{call: wait_a_bit}", "x"], "limit", "max_latency: "),
]


@pytest.mark.parametrize(("expect", "replies", "kind", "message"), FAILING)
async def test_what_is_not_as_expected_fails_with_both_sides_and_its_line(
    project: Project, expect: str, replies: list[str], kind: str, message: str
) -> None:
    project.tools.write_text(
        project.tools.read_text().replace('"wait_for_ever"]', '"wait_for_ever", "wait_a_bit"]')
        + '\n\n@tool(effects="none")\nasync def wait_a_bit() -> str:\n    """Wait."""\n'
        + '    await asyncio.sleep(0.005)\n    return "over"\n'
    )
    path = project.turn(expect, *replies)
    ran = await project.run()
    failure = ran.failure()
    assert failure.kind == kind
    assert failure.message.startswith(message)
    assert failure.expected is not None
    assert failure.actual is not None
    assert failure.line is not None
    lines = path.read_text().splitlines()
    assert lines[failure.line - 1].strip() in {expect, "expect:"}
    assert (ran.case().outcome, ran.result.exit_code) == ("failed", 1)


async def test_all_failed_checks_of_a_turn_are_told(project: Project) -> None:
    project.turn("calls: none\nno_calls: [get_weather]\nreply: [a, b]\nmax_tokens: 1", CALL, "done")
    ran = await project.run()
    assert [kind for kind, _ in ran.failures()] == ["calls", "calls", "reply", "reply", "limit"]
    assert sum(check.passed for check in ran.turn().checks) == 1


@pytest.mark.parametrize("reply", ["'```json\\n{\"a\": [1]}\\n```'", '\' {"a": [1], "b": 2} \''])
async def test_a_reply_of_json_may_stand_in_a_fence(project: Project, reply: str) -> None:
    project.turn(
        "reply: {json: {a: [{$gt: 0}]}}", reply.replace("'", '"').replace('{"a"', '{\\"a\\"').replace('"b"', '\\"b\\"')
    )
    assert (await project.run()).failures() == []


async def test_a_failure_that_is_expected_passes_and_the_next_turn_is_held(project: Project) -> None:
    project.write("""
        cases:
          - name: down
            turns:
              - user: one
                replies: [{fail: 503}]
                expect: {status: failed}
              - user: two
                replies: [back]
                expect: {reply: back}
        """)
    ran = await project.run()
    assert ran.result.exit_code == 0, ran.failures()
    assert ran.turn(1).retries == 1
    assert str(ran.turn(1).message).startswith("503 UNAVAILABLE: ")


async def test_a_turn_that_reaches_a_limit_may_be_expected(project: Project) -> None:
    project.manifest.write_text(project.manifest.read_text() + "limits: {max_iterations: 1}\n")
    project.turn("status: limit\ncalls: [{tool: get_weather, args: {city: Paris}, status: not_started}]", CALL)
    ran = await project.run()
    assert ran.failures() == []
    assert ran.turn().calls[0].args == {"city": "Paris"}


async def test_turns_after_one_that_failed_are_skipped_or_held(project: Project) -> None:
    text = """
        defaults: {{on_turn_failure: {how}}}
        cases:
          - name: three
            turns:
              - {{user: one, replies: [a], expect: {{reply: b}}}}
              - {{user: two, replies: [b]}}
            finally: {{max_tokens: 1}}
        """
    project.write(text.format(how="stop"))
    stopped = await project.run()
    assert [turn.status for turn in stopped.attempt().turns] == ["answered", "skipped"]
    assert [kind for kind, _ in stopped.failures()] == ["reply"]
    project.write(text.format(how="continue"))
    went_on = await project.run()
    assert [turn.status for turn in went_on.attempt().turns] == ["answered", "answered"]
    assert [kind for kind, _ in went_on.failures()] == ["reply", "limit"]


async def test_a_pinned_answer_stands_in_the_history_and_the_agent_is_not_asked(project: Project) -> None:
    project.write("""
        cases:
          - name: pinned
            vars: {city: Oslo}
            turns:
              - {user: What do you like?, assistant: "I like ${city}."}
              - {user: Why?, replies: [because]}
        """)
    ran = await project.run()
    assert ran.failures() == []
    assert [(turn.status, turn.reply, turn.user) for turn in ran.attempt().turns] == [
        ("pinned", "I like Oslo.", "What do you like?"),
        ("answered", "because", "Why?"),
    ]


async def test_what_is_to_be_saved_and_is_not_there_fails_the_turn(project: Project) -> None:
    project.write("""
        cases:
          - name: saving
            turns:
              - {user: one, replies: [nothing], save: {n: "(7)"}}
              - {user: "${n}", replies: [x]}
        """)
    failure = (await project.run()).failure()
    assert (failure.kind, failure.message) == ("reply", "nothing to save as n: the reply does not match '(7)'")


async def test_finally_looks_at_the_whole_conversation(project: Project) -> None:
    text = """
        cases:
          - name: whole
            turns:
              - {{user: one, replies: [{{call: get_weather, args: {{city: Paris}}}}, a]}}
              - {{user: two, replies: [{{call: send_mail, args: {{to: me}}}}, b]}}
            finally: {finals}
        """
    project.write(
        text.format(finals="{calls: [get_weather, send_mail], reply: [a, b], max_tokens: 60, no_calls: [typed]}")
    )
    assert (await project.run()).failures() == []
    project.write(text.format(finals="{calls: [send_mail, get_weather], reply: c, max_tokens: 59}"))
    ran = await project.run()
    assert [message for _, message in ran.failures()] == [
        "the calls are those expected, but not in this order",
        'the reply is not: contains "c"',
        "max_tokens: 60 tokens",
    ]
    assert all(turn.checks and all(check.passed for check in turn.checks) for turn in ran.attempt().turns)


async def test_a_scripted_reply_that_nobody_asked_for_fails_the_turn(project: Project) -> None:
    project.manifest.write_text(project.manifest.read_text() + "limits: {max_iterations: 1}\n")
    project.turn("status: limit", CALL, "x")
    assert (await project.run()).failures() == [("status", "1 of the turn's scripted replies were not asked for")]


async def test_the_time_of_a_case_is_what_its_instructions_tell(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the zone it is written in, wherever the machine stands."""
    monkeypatch.setenv("TZ", "America/New_York")
    project.manifest.write_text("model: offline\nvariables: {who: {default: you}}\ninstructions: x{{ now }}{{ who }}\n")
    seen = await _instructions(project, "now: 2026-03-01T23:30+05:00")
    assert seen == "x2026-03-01 23:30you"
    assert await _instructions(project, "now: 2026-03-01") == "x2026-03-01 00:00you"
    assert await _instructions(project, "now: 2026-03-01T12:00Z, variables: {who: me}") == "x2026-03-01 12:00me"


async def _instructions(project: Project, given: str) -> str:
    from runner.conversations import attempts

    seen: list[str] = []
    case = project.write(f"cases: [{{name: one, {given}, turns: [{{user: hi, replies: [x]}}]}}]")

    class Spy(attempts.Agent):
        async def __aexit__(self, *args: object) -> None:
            instruction: Any = self.chat_manager.system_instruction()
            seen.append(instruction["parts"][0]["text"])
            await super().__aexit__(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempts, "Agent", Spy)
        assert (await project.run(case)).failures() == []
    return seen[0]


async def test_every_real_call_is_checked_against_its_declaration_unasked(
    project: Project, server: GeminiServer
) -> None:
    """Also one that a stub would have answered; the tool is not run, and the model is told."""
    wrong = calls(("get_weather", {"town": "Paris"}), ("get_weather", {"city": 3}), ("get_wether", {}))
    server.script(wrong, calls(("get_weather", {"city": "Paris"})), text("18"))
    project.write("""
        cases:
          - name: only
            stubs: {get_weather: {return: 1}}
            turns: [{user: hi, expect: {reply: "18"}}]
        """)
    ran = await project.run()
    assert [kind for kind, _ in ran.failures()] == ["schema"] * 3
    first, second, third = [message for _, message in ran.failures()]
    assert first.startswith('get_weather: argument "city" is missing')
    assert "town" in first
    assert second == 'get_weather: argument "city" should be a valid string, not 3'
    assert third.startswith("get_wether: there is no such tool; the tools are: get_weather")
    assert [call.stub for call in ran.turn().calls] == [None, None, None, "cases[0].stubs.get_weather[0]"]


async def test_files_are_sent_with_the_message(project: Project, server: GeminiServer) -> None:
    (project.folder / "agents" / "note.txt").write_text("It rains.")
    server.script(text("rain"))
    project.write("""
        cases:
          - name: only
            turns: [{user: "What does it say?", files: [note.txt], expect: {reply: rain}}]
        """)
    assert (await project.run()).failures() == []
    (part,) = [part for part in server.generations[0].contents[0]["parts"] if "inlineData" in part]
    assert part["inlineData"]["mimeType"] == "text/plain"
