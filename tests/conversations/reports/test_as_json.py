"""The JSON report: a stable form that docs/testing.md describes."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from runner.conversations.reports.as_json import as_json, run_json
from tests.conversations.reports.samples import ROOT, attempt, call, case, hostile_case, mixed_run, run, turn
from tests.docs.fences import ROOT as PROJECT

KEYS = {
    "run": "format agent_run started ms exit_code exit_meaning stopped counts usage spent cases",
    "counts": "passed failed error skipped flaky deselected",
    "case": "suite line agent name tags outcome flaky skip_reason ms passes runs repeats pass_rate wilson_low "
    "wilson_high pass_hat tokens cost spent attempts",
    "attempt": "index source outcome trouble cassette notes stub_calls usage judge_usage cost spent ms checks turns",
    "trouble": "reason message hint",
    "turn": "number line user files reply status message calls notices steps retries usage cost ms checks",
    "call": "step index name args kind result ms stub",
    "check": "kind passed message expected actual line",
}


WANTED = {name: set(keys.split()) for name, keys in KEYS.items()}


def told() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(as_json(mixed_run(), ROOT))
    return found


def samples() -> dict[str, dict[str, Any]]:
    whole = told()
    failed, error = whole["cases"][0], whole["cases"][4]
    turn_with_calls = failed["attempts"][0]["turns"][1]
    return {
        "run": whole,
        "counts": whole["counts"],
        "case": failed,
        "attempt": failed["attempts"][0],
        "trouble": error["attempts"][0]["trouble"],
        "turn": turn_with_calls,
        "call": turn_with_calls["calls"][0],
        "check": turn_with_calls["checks"][1],
    }


def test_every_object_has_always_the_same_keys() -> None:
    assert {name: set(value) for name, value in samples().items()} == WANTED


def test_every_key_is_documented() -> None:
    page = (PROJECT / "docs" / "testing.md").read_text("utf-8")
    table = dict(re.findall(r"^\| (\w+) \| (.*) \|$", page.partition("## The JSON report")[2], re.MULTILINE))
    told = {name: set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", row))) for name, row in table.items()}
    assert told == {"object": set(), **WANTED}


def test_the_exit_code_and_the_counts_are_in_it() -> None:
    whole = told()
    assert (whole["exit_code"], whole["exit_meaning"]) == (2, "a case could not be run: see its error")
    assert whole["counts"] == {"passed": 2, "failed": 2, "error": 1, "skipped": 1, "flaky": 1, "deselected": 2}
    assert [each["suite"] for each in whole["cases"]][-1] == "tests/travel.conversations.yaml"
    assert whole["cases"][1]["pass_hat"][:3] == [0.8, 0.6222, 0.4667]


def test_any_text_and_any_value_can_be_read_again() -> None:
    odd = call(args={"n": math.nan, "i": math.inf}, result={1, 2})
    text = as_json(run(hostile_case(), case("odd", "passed", attempt(turn(calls=[odd])))), ROOT)
    whole = json.loads(text, parse_constant=refuse)
    assert whole["cases"][0]["name"] == hostile_case().name
    assert whole["cases"][1]["attempts"][0]["turns"][0]["calls"][0]["args"] == {"n": None, "i": None}


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_it_is_data_before_it_is_text() -> None:
    assert run_json(run(), ROOT)["cases"] == []
