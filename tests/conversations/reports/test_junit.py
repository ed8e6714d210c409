"""JUnit XML: valid by Surefire's schema, and what CI systems look for in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from runner.conversations.reports.junit import as_junit, writable
from tests.conversations.reports.samples import (
    HOSTILE,
    ROOT,
    attempt,
    case,
    error_case,
    failed_case,
    flaky_case,
    hostile_case,
    mixed_run,
    run,
    turn,
)

if TYPE_CHECKING:
    from runner.conversations.reports.junit import Family
    from runner.conversations.results import CaseResult, RunResult

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parents[1] / "data" / "surefire-3.0.xsd"))


def parsed(result: RunResult, family: Family = "surefire") -> etree._Element:
    return etree.fromstring(as_junit(result, ROOT, family).encode())


def rerun_case() -> CaseResult:
    return case(
        "never works",
        "failed",
        *(attempt(turn(), index=number, outcome="failed" if number < 3 else "error") for number in (1, 2, 3)),
        repeats=3,
    )


@pytest.mark.parametrize(
    "result",
    [mixed_run(), run(), run(hostile_case()), run(flaky_case()), run(rerun_case()), run(error_case(), ms=1234567.8)],
    ids=["each outcome", "no case", "hostile", "flaky", "rerun", "error"],
)
def test_it_is_valid_by_the_surefire_schema(result: RunResult) -> None:
    SCHEMA.assertValid(etree.fromstring(as_junit(result, ROOT).encode()))


def test_the_schema_of_the_tests_is_strict() -> None:
    """The guard itself: what Surefire does not know is refused."""
    for extra in ('file="x"', 'time="1.2345"'):
        text = f'<testsuite name="" tests="" errors="" skipped="" failures="" {extra}/>'
        assert not SCHEMA.validate(etree.fromstring(text))


def test_outcomes_are_failures_errors_skipped_and_flaky() -> None:
    found = {each.get("name"): [child.tag for child in each] for each in parsed(mixed_run()).iter("testcase")}
    assert found["asks for the unit, then answers"] == ["failure", "system-out"]
    assert found["survives a slow service"] == ["flakyFailure", "flakyFailure", "system-out"]
    assert found["greets in plain words"] == ["system-out"]
    assert found["books a flight"] == ["error", "system-out"]
    assert found["cancels a flight"] == ["skipped"]
    suite = parsed(mixed_run())
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "2",
        "errors": "1",
        "skipped": "1",
    }
    again = parsed(run(rerun_case()))
    assert [child.tag for child in next(again.iter("testcase"))] == [
        "failure",
        "rerunFailure",
        "rerunError",
        "system-out",
    ]


def test_a_failure_says_what_kind_where_and_all_of_it() -> None:
    (failure,) = parsed(run(failed_case())).iter("failure")
    assert failure.get("type") == "calls"
    assert failure.get("message") == "turn 2: calls: the calls are not those expected (and 1 more)"
    text = failure.text or ""
    assert text.startswith("agents/weather.conversations.yaml:14\n")
    assert 'does not contain "18"\n     agents/weather.conversations.yaml:27' in text
    (error,) = parsed(run(error_case())).iter("error")
    assert error.get("type") == "replay_miss"
    assert "record it again" in (error.text or "")


def test_names_and_properties_tell_the_agent_the_file_and_the_repeats() -> None:
    suite = parsed(run(flaky_case()))
    assert suite.get("name") == "agents/weather.conversations.yaml"
    assert {each.get("classname") for each in suite.iter("testcase")} == {"weather.weather"}
    properties = {each.get("name"): each.get("value") for each in suite.iter("property")}
    prefix = "weather.weather: survives a slow service: "
    assert properties["exit_code"] == "0"
    assert properties[f"{prefix}place"] == "agents/weather.conversations.yaml:28"
    assert (properties[f"{prefix}passes"], properties[f"{prefix}repeats"]) == ("8", "10")
    assert properties[f"{prefix}wilson_low"] == "0.4902"


def test_the_extended_family_has_places_properties_and_a_suite_for_each_file() -> None:
    root = parsed(mixed_run(), "extended")
    assert [each.get("name") for each in root] == [
        "agents/weather.conversations.yaml",
        "tests/travel.conversations.yaml",
    ]
    flight = next(each for each in root.iter("testcase") if each.get("name") == "books a flight")
    assert (flight.get("file"), flight.get("line")) == ("tests/travel.conversations.yaml", "9")
    names = {each.get("name") for each in flight.iter("property")}
    assert {"passes", "repeats", "pass_rate", "wilson_low", "tokens", "cost"} <= names


def test_the_transcript_is_in_system_out_and_capped() -> None:
    long = case("long", "passed", attempt(*(turn(number, reply="x" * 3_900) for number in range(1, 20))))
    (out,) = parsed(run(long)).iter("system-out")
    assert (out.text or "").startswith("> What's the weather in Paris?\n")
    assert len(out.text or "") < 21_000
    assert "characters left out" in (out.text or "")


def test_characters_that_xml_has_not_are_escaped() -> None:
    assert writable("a\x00\x1b\ud800\uffff\tb\n") == "a\\x00\\x1b\\ud800\\uffff\tb\n"
    (found,) = parsed(run(hostile_case())).iter("testcase")
    assert found.get("name") == writable(HOSTILE)
    assert not [each for each in found.iter() if each.tag in {"script", "img"}]
