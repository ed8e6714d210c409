"""Stubs stand in for tools, and a call that none answers fails the test without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conversations.projects import Project


def case(stubs: str, *calls: str, expect: str = "{}", top: str = "") -> str:
    made = ", ".join(calls)
    return f"""
        {top}
        cases:
          - name: only
            vars: {{city: Paris}}
            stubs: {stubs}
            turns:
              - user: go
                replies: [{{calls: [{made}]}}, done]
                expect: {expect}
        """


def weather(city: str) -> str:
    return f"{{call: get_weather, args: {{city: {city}}}}}"


MAIL = "{call: send_mail, args: {to: me}}"


async def test_the_first_stub_that_fits_answers(project: Project) -> None:
    stubs = "{get_weather: [{when: {city: {$regex: '^P'}}, return: {temp: 1}}, {return: {temp: 2}}]}"
    project.write(case(stubs, weather("Paris"), weather("Rome"), weather("Prague")))
    ran = await project.run()
    assert ran.failures() == []
    assert [(call.result, call.stub) for call in ran.turn().calls] == [
        ({"temp": 1}, "cases[0].stubs.get_weather[0]"),
        ({"temp": 2}, "cases[0].stubs.get_weather[1]"),
        ({"temp": 1}, "cases[0].stubs.get_weather[0]"),
    ]
    assert list(ran.attempt().stub_calls.values()) == [2, 1]


async def test_a_call_that_no_stub_answers_fails_and_the_tool_is_not_run(project: Project) -> None:
    project.write(case("{send_mail: {when: {to: you}, return: sent}}", MAIL))
    ran = await project.run()
    failure = ran.failure()
    assert (failure.kind, failure.message) == ("stub", "no stub of send_mail answers these arguments")
    assert failure.actual == 'send_mail(to="me")'
    (call,) = ran.turn().calls
    assert (call.kind, call.stub) == ("error", None)
    assert call.result == {"error": "the test has no answer for send_mail with these arguments"}
    assert not (project.folder / "tools" / "mails").exists()


async def test_an_error_is_what_the_model_is_told(project: Project) -> None:
    project.write(
        case(
            "{get_weather: {error: 'no such city as ${city}'}}",
            weather("Paris"),
            expect="{calls: [{tool: get_weather, status: error, result: {error: no such city as Paris}}]}",
        )
    )
    assert (await project.run()).failures() == []


async def test_passthrough_runs_the_tool_and_counts(project: Project) -> None:
    project.write(case("{send_mail: [{when: {to: me}, passthrough: true}]}", MAIL))
    ran = await project.run()
    assert ran.failures() == []
    assert (project.folder / "tools" / "mails").read_text() == "me\n"
    assert ran.turn().calls[0].result == {"result": "sent"}
    assert ran.attempt().stub_calls == {"cases[0].stubs.send_mail[0]": 1}


async def test_a_case_s_stubs_are_tried_before_the_file_s(project: Project) -> None:
    top = "stubs: {get_weather: {return: {temp: 9}}, send_mail: {return: never}}"
    project.write(
        case("{get_weather: {when: {city: Rome}, return: {temp: 1}}}", weather("Rome"), weather("Oslo"), top=top)
    )
    ran = await project.run()
    assert ran.failures() == []
    assert [call.stub for call in ran.turn().calls] == ["cases[0].stubs.get_weather[0]", "stubs.get_weather[0]"]
    assert ran.attempt().stub_calls["stubs.send_mail[0]"] == 0


async def test_variables_stand_in_conditions_and_answers(project: Project) -> None:
    stubs = "{get_weather: {when: {city: '${city}'}, return: {at: '${city}'}}}"
    project.write(case(stubs, weather("Paris")))
    ran = await project.run()
    assert ran.failures() == []
    assert ran.turn().calls[0].result == {"at": "Paris"}


async def test_an_answer_may_take_its_time(project: Project) -> None:
    project.write(case("{get_weather: {return: {temp: 1}, delay: 20ms}}", weather("Paris")))
    ran = await project.run()
    assert ran.failures() == []
    assert ran.turn().calls[0].ms >= 19


async def test_null_and_plain_values_are_returned_as_a_function_s_would_be(project: Project) -> None:
    project.write(case("{get_weather: {return: null}, send_mail: {return: [1]}}", weather("Paris"), MAIL))
    ran = await project.run()
    assert [call.result for call in ran.turn().calls] == [{"result": None}, {"result": [1]}]


@pytest.mark.parametrize(("value", "problem"), [("{n: x}", '"n"'), ("{}", '"n" is a required property')])
async def test_an_answer_is_checked_against_what_the_tool_declares_to_return(
    project: Project, value: str, problem: str
) -> None:
    """A declaration that is written out is seen by the loader; one that is made at run time is seen when it is used."""
    source = project.tools.read_text().replace('"INTEGER"', '"INT" + "EGER"')
    project.tools.write_text(source)
    project.write(case(f"{{typed: {{return: {value}}}}}", "{call: typed}"))
    failure = (await project.run()).failure()
    assert failure.kind == "stub"
    assert failure.message.startswith("cases[0].stubs.typed[0] returns what typed never does: ")
    assert problem in failure.message


async def test_a_stub_of_a_tool_that_is_not_there_is_an_error_of_the_file(project: Project) -> None:
    """Where the loader cannot tell which tools there are, the run does."""
    project.tools.write_text(
        "from runner import tool\n\ndef made(name):\n    async def f(city: str) -> str:\n"
        '        """Do."""\n        return city\n    return tool(name=name)(f)\n\nit = made("get_" + "weather")\n'
    )
    project.write(case("{get_wether: {return: 1}}", weather("Paris")))
    ran = await project.run()
    trouble = ran.attempt().trouble
    assert trouble is not None
    assert (trouble.reason, ran.result.exit_code) == ("manifest", 2)
    assert 'a stub stands in for "get_wether"' in trouble.message
