"""A run of many cases: outcomes and exit codes, repeats, cases that know nothing of one another, and early ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from runner.conversations.options import Options, Selection
from runner.conversations.progress import AttemptStarted, CaseId, Progress, RunEnded
from runner.conversations.session import Session, run_conversations
from runner.errors import ManifestError
from runner.loading.suites import load_suite
from tests.invariants import nothing_left_behind
from tests.servers import error, text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conversations.projects import Project
    from tests.servers import GeminiServer

GOOD = "{user: hi, replies: [yes]}"
BAD = "{user: hi, replies: [yes], expect: {reply: no}}"


def cases(*turns: str, head: str = "", **keys: str) -> str:
    """A file of one case for each turn, named a, b, c, ..."""
    own = "".join(f", {key}: {value}" for key, value in keys.items())
    lines = "\n".join(
        f"  - {{name: {name}{own}, turns: [{turn}]}}" for name, turn in zip("abcdefgh", turns, strict=False)
    )
    return f"{head}\ncases:\n{lines}\n"


# outcomes


async def test_the_outcomes_lead_to_the_exit_code(project: Project) -> None:
    project.write(cases(GOOD))
    assert (await project.run()).result.exit_code == 0
    project.write(cases(GOOD, BAD))
    failed = await project.run()
    assert ([case.outcome for case in failed.result.cases], failed.result.exit_code) == (["passed", "failed"], 1)
    project.write(cases(GOOD, BAD, "{user: hi}"))
    error_too = await project.run()
    assert [case.outcome for case in error_too.result.cases] == ["passed", "failed", "error"]
    assert error_too.result.exit_code == 2


async def test_without_key_cassette_and_replies_a_case_is_an_error_that_says_what_to_do(project: Project) -> None:
    project.write(cases("{user: hi}"))
    trouble = (await project.run()).attempt().trouble
    assert trouble is not None
    assert trouble.reason == "no_key"
    assert trouble.message == "no API key for Gemini, no cassette, and no `replies` in its turns"
    assert trouble.hint is not None
    assert trouble.hint.startswith("set GEMINI_API_KEY and record it: agent-run test ")
    assert "weather.conversations.yaml -k a --record once" in trouble.hint


async def test_only_a_replay_is_allowed_where_record_is_none(project: Project) -> None:
    project.write(cases("{user: hi}"))
    ran = await project.run(record="none")
    trouble = ran.attempt().trouble
    assert trouble is not None
    assert (trouble.reason, ran.result.exit_code) == ("cassette_missing", 2)
    assert "--record once" in str(trouble.hint)


async def test_a_case_may_be_left_out_for_now(project: Project) -> None:
    project.write(cases(BAD, skip="flaky"))
    ran = await project.run()
    assert (ran.case().outcome, ran.case().skip_reason, ran.result.exit_code) == ("skipped", "flaky", 0)
    assert ran.case().attempts == []


async def test_the_offline_model_needs_no_key_and_knows_the_time_of_the_case(project: Project) -> None:
    project.manifest.write_text("model: offline\ntools: [tools.weather]\n")
    project.write(
        cases('{user: "What is the weather in Paris?", expect: {calls: [{tool: get_weather, args: {city: Paris}}]}}')
    )
    ran = await project.run()
    assert (ran.attempt().source, ran.result.exit_code) == ("offline", 0), ran.attempt().trouble
    project.manifest.write_text("model: gemini-3.8-flash\ntools: [tools.weather]\n")
    assert (await project.run(model="offline")).attempt().source == "offline"


async def test_a_module_that_does_not_load_is_an_error_of_its_cases(project: Project) -> None:
    project.tools.write_text(project.tools.read_text() + "\nraise RuntimeError('broken')\n")
    project.write(cases(GOOD))
    ran = await project.run()
    trouble = ran.attempt().trouble
    assert trouble is not None
    assert (trouble.reason, ran.result.exit_code) == ("manifest", 2)
    assert "broken" in trouble.message


async def test_a_service_that_fails_is_an_error_and_not_a_failure(project: Project, server: GeminiServer) -> None:
    server.script(error(400), error(400))
    project.write(cases("{user: hi}", "{user: hi, expect: {status: failed}}"))
    ran = await project.run(concurrency=1)
    trouble = ran.attempt("a").trouble
    assert trouble is not None
    assert (trouble.reason, ran.result.exit_code) == ("model", 3)
    assert (ran.case("b").outcome, ran.attempt("b").source) == ("passed", "live")


async def test_retries_of_a_live_model_are_those_of_the_manifest_and_are_counted(
    project: Project, server: GeminiServer
) -> None:
    project.manifest.write_text(project.manifest.read_text().replace("retries: 1", "retries: 2"))
    server.script(error(429, retry_delay="0s"), error(503), text("hello"))
    project.write(cases("{user: hi, expect: {reply: hello}}"))
    ran = await project.run()
    assert ran.failures() == []
    turn = ran.turn()
    assert (turn.retries, turn.rate_limits, len(turn.notices)) == (2, 1, 2)
    assert turn.cost is not None
    assert turn.cost > 0
    assert ran.result.cost == ran.attempt().spent == turn.cost


async def test_a_wrong_file_and_an_empty_selection_end_the_run_before_it_begins(project: Project) -> None:
    project.write(cases(GOOD))
    with pytest.raises(ManifestError, match="no case is selected"):
        await project.run(selection=Selection(pattern="nothing"))
    project.write("cases: [{name: x}]")
    with pytest.raises(ManifestError, match="turns"):
        await project.run()
    empty = project.folder / "empty"
    empty.mkdir()
    with pytest.raises(ManifestError, match=r"no \*\.conversations\.yaml"):
        await project.run(empty)


async def test_folders_files_and_loaded_files_are_run_once_each(project: Project) -> None:
    path = project.write(cases(GOOD, BAD))
    result = await run_conversations([project.folder, path, load_suite(path)])
    assert [case.name for case in result.cases] == ["a", "b"]
    only = Selection(only={CaseId(path, "b")})
    chosen = await run_conversations([path], Options(selection=only))
    assert ([case.name for case in chosen.cases], chosen.deselected) == (["b"], 1)


# repeats


def counted(project: Project) -> str:
    """A turn that passes from the third time on it is run: a file counts."""
    project.tools.write_text(
        project.tools.read_text().replace('"wait_for_ever"]', '"wait_for_ever", "count"]')
        + '\n\n@tool(effects="none")\nasync def count() -> int:\n    """Count."""\n'
        + '    path = Path(__file__).parent / "count"\n'
        + "    number = int(path.read_text()) + 1 if path.exists() else 1\n"
        + "    path.write_text(str(number))\n    return number\n"
    )
    return "{user: hi, replies: [{call: count}, x], expect: {calls: [{tool: count, result: {result: {$gte: 3}}}]}}"


@pytest.mark.parametrize(
    ("repeat", "rate", "outcome", "attempts"),
    [
        (10, 0.5, "passed", 7),
        (10, 0.9, "failed", 2),
        (10, 0.8, "passed", 10),
        (3, 0.3, "passed", 3),
        (2, 0.0, "passed", 2),
    ],
)
async def test_a_case_is_repeated_until_it_is_decided(
    project: Project, repeat: int, rate: float, outcome: str, attempts: int
) -> None:
    project.write(cases(counted(project), repeat=str(repeat), pass_rate=str(rate)))
    case = (await project.run()).case()
    assert (case.outcome, len(case.attempts), case.repeats) == (outcome, attempts, repeat)
    assert [attempt.index for attempt in case.attempts] == list(range(1, attempts + 1))
    assert case.is_flaky is (outcome == "passed" and case.passes < attempts)


async def test_the_number_of_repeats_may_be_given_for_the_run(project: Project) -> None:
    project.write(cases(GOOD, repeat="5"))
    assert len((await project.run(repeat=2)).case().attempts) == 2


async def test_trouble_that_would_come_again_ends_the_repeats(project: Project) -> None:
    project.write(cases("{user: hi}", repeat="5"))
    assert len((await project.run()).case().attempts) == 1


async def test_trouble_that_passes_counts_as_a_run_that_did_not_pass(project: Project, server: GeminiServer) -> None:
    server.script(error(400), text("a"), text("a"), error(400), text("a"), error(400))
    project.write(cases("{user: hi}", repeat="3", pass_rate="0.6"))
    ran = await project.run()
    assert (ran.case().outcome, [each.outcome for each in ran.case().attempts]) == (
        "passed",
        ["error", "passed", "passed"],
    )
    again = await project.run()
    assert (again.case().outcome, again.result.exit_code) == ("error", 3)


# cases know nothing of one another


async def test_what_tools_keep_in_their_modules_is_not_shared(project: Project) -> None:
    """Neither between cases nor between the runs of one; but it is kept from turn to turn."""
    once = "{user: hi, replies: [{call: get_weather, args: {city: Paris}}, x], expect: {calls: [{tool: get_weather, "
    turns = f"{once}result: {{seen: [Paris]}}}}]}}}}, {once}result: {{seen: [Paris, Paris]}}}}]}}}}"
    project.write(cases(*[turns] * 5, repeat="2"))
    ran = await project.run(concurrency=5)
    assert ran.result.exit_code == 0, [case.attempts[0].failures for case in ran.result.cases]


async def test_the_manifest_s_storage_is_never_touched(project: Project) -> None:
    project.manifest.write_text(project.manifest.read_text() + "storage: sqlite:///chats.db\n")
    project.write(cases(GOOD))
    assert (await project.run()).result.exit_code == 0
    assert not list(project.folder.rglob("chats.db*"))


async def test_as_many_cases_run_at_once_as_may(project: Project) -> None:
    project.tools.write_text(
        project.tools.read_text().replace('"wait_for_ever"]', '"wait_for_ever", "meet"]')
        + '\n\n@tool(effects="none")\nasync def meet(me: str) -> int:\n    """Meet the others: two, and then none.\n\n'
        + '    Args:\n        me: Who.\n    """\n    here = Path(__file__).parent / "here"\n'
        + '    here.mkdir(exist_ok=True)\n    (here / me).touch()\n    met, enough = 0, here.with_name("enough")\n'
        + "    looks = 0\n    while looks < 15:\n        await asyncio.sleep(0.005)\n"
        + "        met = max(met, len(list(here.iterdir())))\n        looks += enough.exists()\n"
        + "        if met >= 3:\n            enough.touch()\n    (here / me).unlink()\n    return met\n"
    )
    turn = "{{user: hi, replies: [{{call: meet, args: {{me: x{}}}}}, y]}}"
    project.write(cases(*[turn.format(number) for number in range(6)]))
    ran = await project.run(concurrency=3)
    met = [case.attempts[0].turns[0].calls[0].result["result"] for case in ran.result.cases]
    assert max(met) == 3
    alone = await project.run(concurrency=1)
    assert {case.attempts[0].turns[0].calls[0].result["result"] for case in alone.result.cases} == {1}


async def test_results_are_in_the_order_of_the_files_whoever_ends_first(project: Project) -> None:
    slow = "{user: hi, replies: [{call: get_weather, args: {city: Paris}}, x]}"
    project.write(cases(slow, GOOD, GOOD, head="stubs: {get_weather: {return: 1, delay: 50ms}}"))
    ran = await project.run(concurrency=3)
    assert [case.name for case in ran.result.cases] == ["a", "b", "c"]


# early ends

HANGS = "{user: hi, replies: [{call: wait_for_ever}, x]}"


async def test_a_case_that_hangs_is_over_in_time_and_leaves_no_task(project: Project) -> None:
    project.write(cases(HANGS, GOOD).replace("name: a,", "name: a, timeout: 1,"))
    async with nothing_left_behind():
        ran = await project.run()
        trouble = ran.attempt("a").trouble
        assert trouble is not None
        assert (trouble.reason, ran.result.exit_code) == ("timeout", 5)
        assert trouble.message == "not over within 1 s: it stood in turn 1"
        assert ran.turn(1, "a").status == "interrupted"
        assert ran.case("b").outcome == "passed"
        assert ran.attempt("a").turns[0].user == "hi"


async def test_an_interrupt_cancels_what_runs_and_keeps_what_is_done(project: Project) -> None:
    path = project.write(cases(GOOD, HANGS, GOOD))
    events: list[Progress] = []
    async with nothing_left_behind():
        session = Session([path], Options(concurrency=1), events.append)
        running = asyncio.create_task(session.run())
        while sum(isinstance(event, AttemptStarted) for event in events) < 2:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        session.interrupt()
        result = await running
    assert [case.name for case in result.cases] == ["a"]
    assert (result.stopped, result.exit_code) == ("interrupted", 130)
    assert isinstance(events[-1], RunEnded)


async def test_an_interrupt_before_the_beginning_runs_nothing(project: Project) -> None:
    session = Session([project.write(cases(GOOD))])
    session.interrupt()
    result = await session.run()
    assert (result.cases, result.exit_code) == ([], 130)


async def test_after_a_failure_nothing_more_is_begun_where_that_is_wished_for(project: Project) -> None:
    project.write(cases(GOOD, BAD, GOOD))
    ran = await project.run(fail_fast=True, concurrency=1)
    assert [case.name for case in ran.result.cases] == ["a", "b"]
    assert (ran.result.stopped, ran.result.exit_code) == ("fail-fast", 1)


async def test_when_the_budget_is_reached_no_further_attempt_is_begun(project: Project, server: GeminiServer) -> None:
    server.script(*[text("hello")] * 6)
    project.write(cases("{user: hi}", "{user: hi}"))
    first = await project.run(concurrency=1)
    assert first.result.cost is not None
    assert first.result.cost > 0
    ran = await project.run(concurrency=1, max_cost=first.result.cost / 4)
    assert [case.name for case in ran.result.cases] == ["a"]
    assert (ran.result.stopped, ran.result.exit_code) == ("budget", 5)
    project.write(cases("{user: hi}", repeat="5"))
    case = (await project.run(max_cost=first.result.cost * 0.9)).case()
    assert (case.outcome, case.skip_reason) == ("skipped", "budget: stopped after 2 of 5 runs")


def test_a_run_in_a_thread_without_a_loop_of_its_own_is_one_call(project: Project, tmp_path: Path) -> None:
    project.write(cases(GOOD))
    assert project.run_now().result.exit_code == 0
