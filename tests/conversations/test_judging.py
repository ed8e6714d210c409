"""Rubrics: what a judge is asked, what its verdict must be, and trouble that says nothing of the agent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import GeminiServer, Reply, calls, error, text, usage

if TYPE_CHECKING:
    from tests.conversations.projects import Project

JUDGE = "The rubric"  # how the judge's request begins: its first text is the rubric's


def verdict(passed: bool, quote: str, *, score: float = 0.9, reason: str = "because") -> Reply:
    told = {"pass": passed, "score": score, "reason": reason, "quote": quote}
    return text(json.dumps(told)) + usage(prompt=100, candidates=10)


def scripted(judge: str, *, defaults: str = "{}") -> str:
    return f"""
        defaults: {defaults}
        cases:
          - name: only
            turns:
              - user: What is the weather?
                replies: [{{call: get_weather, args: {{city: Paris}}}}, It is 18 degrees and sunny.]
                expect: {{reply: [{{judge: {judge}}}]}}
        """


async def test_a_rubric_is_judged_by_the_conversation_with_its_tool_calls(
    project: Project, server: GeminiServer
) -> None:
    server.script(verdict(True, "It is 18 degrees"), when=JUDGE)
    project.write(scripted("Names the temperature the tool gave."))
    ran = await project.run()
    assert ran.failures() == []
    (request,) = server.generations
    assert request.model == "gemini-3.8-flash"
    assert "Names the temperature the tool gave." in request.user_text
    assert 'call: get_weather({"city": "Paris"}) -> ok: {"temp": 18, "seen": ["Paris"]}' in request.user_text
    assert "assistant: It is 18 degrees and sunny." in request.user_text
    assert request.contents[-1]["role"] == "user"
    config = request.body["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert set(config["responseJsonSchema"]["required"]) == {"pass", "score", "reason", "quote"}
    (check,) = [each for each in ran.turn().checks if each.kind == "judge"]
    assert check.message == "the judge says yes (score 0.9): because"
    assert check.actual == "because\n> It is 18 degrees"


@pytest.mark.parametrize(
    ("judge", "reply"),
    [
        ("polite", verdict(False, "It is 18 degrees", score=0.9)),
        ("{rubric: polite, threshold: 0.95}", verdict(True, "It is 18 degrees", score=0.9)),
    ],
)
async def test_a_verdict_passes_with_its_word_and_its_score(
    project: Project, server: GeminiServer, judge: str, reply: Reply
) -> None:
    server.script(reply)
    project.write(scripted(judge))
    ran = await project.run()
    failure = ran.failure()
    assert (failure.kind, failure.expected, ran.result.exit_code) == ("judge", "polite", 1)
    assert failure.message == "the judge says no (score 0.9): because"


@pytest.mark.parametrize(("fors", "passes"), [(3, True), (2, True), (1, False)])
async def test_most_of_the_votes_decide(project: Project, server: GeminiServer, fors: int, passes: bool) -> None:
    server.script(*[verdict(number < fors, "18 degrees") for number in range(3)])
    project.write(scripted("polite", defaults="{judge: {votes: 3}}"))
    ran = await project.run()
    assert (ran.failures() == []) is passes
    (check,) = [each for each in ran.turn().checks if each.kind == "judge"]
    assert f"{max(fors, 3 - fors)} of 3 votes" in check.message


async def test_as_many_for_as_against_is_no(project: Project, server: GeminiServer) -> None:
    server.script(verdict(True, "18 degrees"), verdict(False, "18 degrees"))
    project.write(scripted("{rubric: polite, votes: 2}"))
    assert [kind for kind, _ in (await project.run()).failures()] == ["judge"]


UNUSABLE: list[tuple[Reply, str]] = [
    (text("yes"), "the answer is not JSON"),
    (text('{"pass": true}'), "its JSON is not as asked"),
    (verdict(True, "It is 20 degrees"), '"It is 20 degrees" does not stand in what is judged'),
    (verdict(True, "' '"), "does not stand in what is judged"),
    (verdict(True, "18 degrees", score=7), "its JSON is not as asked: score"),
]


@pytest.mark.parametrize(("reply", "problem"), UNUSABLE)
async def test_a_verdict_that_cannot_be_used_is_asked_for_once_more(
    project: Project, server: GeminiServer, reply: Reply, problem: str
) -> None:
    server.script(reply, verdict(True, "“It is  18\n degrees and sunny.”"))
    project.write(scripted("polite"))
    ran = await project.run()
    assert ran.failures() == []
    assert len(server.generations) == 2
    assert problem in server.generations[1].user_text


@pytest.mark.parametrize(("reply", "problem"), UNUSABLE)
async def test_twice_no_usable_verdict_is_trouble_and_not_a_failure(
    project: Project, server: GeminiServer, reply: Reply, problem: str
) -> None:
    server.script(reply, reply)
    project.write(scripted("polite"))
    ran = await project.run()
    trouble = ran.attempt().trouble
    assert trouble is not None
    assert (trouble.reason, ran.case().outcome, ran.result.exit_code) == ("judge", "error", 3)
    assert problem in trouble.message


async def test_a_judge_that_cannot_be_reached_is_trouble(project: Project, server: GeminiServer) -> None:
    server.script(error(400))
    project.write(scripted("polite"))
    ran = await project.run()
    trouble = ran.attempt().trouble
    assert trouble is not None
    assert (trouble.reason, ran.result.exit_code) == ("model", 3)


async def test_without_a_key_a_rubric_cannot_be_judged(project: Project) -> None:
    project.write(scripted("polite"))
    ran = await project.run()
    trouble = ran.attempt().trouble
    assert trouble is not None
    assert (trouble.reason, ran.result.exit_code) == ("no_key", 2)


async def test_an_agent_that_is_its_own_judge_is_warned_of(project: Project, server: GeminiServer) -> None:
    live = """
        cases:
          - name: only
            turns: [{user: hi, expect: {reply: {judge: polite}}}]
        """
    project.write(live)
    server.script(text("hello"), verdict(True, "hello"))
    (note,) = (await project.run()).attempt().notes
    assert note == "the judge gemini-3.8-flash is the agent's own model: it may be mild with itself"
    project.write(f"\n        defaults: {{judge: {{model: gemini-4-hydrogen}}}}{live}")
    server.script(text("hello"), verdict(True, "hello"))
    ran = await project.run()
    assert ran.attempt().notes == []
    assert server.generations[-1].model == "gemini-4-hydrogen"
    attempt = ran.attempt()
    assert attempt.judge_usage is not None
    assert attempt.judge_usage.prompt_tokens == 100
    assert attempt.cost is not None
    assert attempt.spent == pytest.approx(attempt.cost + 100 * 1.5e-6 + 10 * 7.5e-6)


async def test_the_whole_conversation_is_judged_once_at_its_end(project: Project, server: GeminiServer) -> None:
    server.script(verdict(False, "two", reason="units change"))
    project.write("""
        cases:
          - name: only
            turns: [{user: one, replies: [first]}, {user: two, replies: [second]}]
            finally: {judge: {rubric: the same units, threshold: 0.7}}
        """)
    failure = (await project.run()).failure()
    assert failure.message == "the judge says no (score 0.9): units change"
    (request,) = server.generations
    assert "Judge the whole conversation." in request.user_text
    assert "[turn 2]\nuser: two\nassistant: second" in request.user_text


async def test_an_argument_may_be_judged(project: Project, server: GeminiServer) -> None:
    server.script(verdict(True, "Paris"), verdict(False, "Paris", reason="no capital"))
    project.write("""
        cases:
          - name: only
            turns:
              - user: go
                replies: [{call: get_weather, args: {city: Paris}}, x]
                expect:
                  calls: [{tool: get_weather, args: {city: {$all: [{$judge: a city}, {$judge: a village}]}}}]
        """)
    ran = await project.run()
    assert "(no capital)" in ran.failure().message
    assert [request.user_text.count('"Paris"') for request in server.generations] == [1, 1]


def test_a_judge_is_recorded_and_replayed_beside_the_agent(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three votes are three exchanges; a scripted agent's judge is recorded as well."""
    judged = """
              - user: hi
                expect: {reply: [{judge: polite}, {judge: {rubric: short, votes: 3}}]}
        """
    project.write(f"""
        cases:
          - name: live
            turns: {judged}
          - name: scripted
            turns: {judged.rstrip()}
                replies: [hello]
        """)
    votes: list[Any] = [verdict(True, "hello"), *[verdict(True, "hello", score=n / 10) for n in (9, 8, 7)]]
    with GeminiServer() as server, monkeypatch.context() as patch:
        server.stand_in(patch)
        server.script(calls(("get_weather", {"city": "Paris"})), text("hello"), *votes, *votes)
        ran = project.run_now(record="once", concurrency=1)
        assert ran.result.exit_code == 0, [case.attempts[0].trouble for case in ran.result.cases]
        assert server.unused == 0
    assert len(list((project.folder / "agents" / "cassettes" / "weather").iterdir())) == 2
    replay = project.run_now()
    assert replay.result.exit_code == 0, [case.attempts[0].trouble for case in replay.result.cases]
    assert [case.attempts[0].source for case in replay.result.cases] == ["replayed", "scripted"]
    assert replay.result.cost == 0.0
    changed = project.suite.read_text().replace("judge: polite", "judge: rude")
    project.suite.write_text(changed)
    trouble = project.run_now().attempt("scripted").trouble
    assert trouble is not None
    assert trouble.reason == "replay_miss"
    assert "rude" in trouble.message
