"""Runs made by hand: what the reports have to tell, hostile texts included."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner.conversations.results import Attempt, CallRecord, CaseResult, Check, RunResult, Trouble, TurnRecord
from runner.requests import Usage

ROOT = Path("/project")
WEATHER = ROOT / "agents" / "weather.conversations.yaml"
TRAVEL = ROOT / "tests" / "travel.conversations.yaml"
HOSTILE = (
    "</script><script>window.owned = 1</script><img src=x onerror=window.owned=1>\n"
    "::error file=x::owned\n##[error]owned\n"
    "]]> & \" ' <b>\x1b]0;owned\x07\x00\ud800\u202etxt.exe `</pre>` | cell | [x](javascript:owned)"
)


def call(name: str = "get_weather", *, step: int = 1, index: int = 0, **given: Any) -> CallRecord:
    values: dict[str, Any] = {"args": {"city": "Paris"}, "kind": "ok", "result": {"temp_c": 21}, "ms": 12.4, **given}
    return CallRecord(step=step, index=index, name=name, **values)


def turn(number: int = 1, **given: Any) -> TurnRecord:
    values: dict[str, Any] = {
        "line": 10 + 6 * number,
        "user": "What's the weather in Paris?",
        "reply": "It is 21 °C in Paris, with a clear sky.",
        "status": "answered",
        "steps": 2,
        "usage": Usage(prompt_tokens=120, output_tokens=30, total_tokens=150),
        "cost": 0.0004,
        "ms": 812.0,
    }
    return TurnRecord(number=number, **{**values, **given})


def attempt(*turns: TurnRecord, index: int = 1, outcome: str = "passed", **given: Any) -> Attempt:
    values: dict[str, Any] = {
        "source": "live",
        "usage": Usage(total_tokens=300),
        "cost": 0.0008,
        "spent": 0.0009,
        "ms": 1624.0,
    }
    return Attempt(index=index, outcome=outcome, turns=list(turns), **{**values, **given})  # type: ignore[arg-type]


def case(name: str, outcome: str, *attempts: Attempt, suite: Path = WEATHER, **given: Any) -> CaseResult:
    values: dict[str, Any] = {"agent": suite.name.partition(".")[0], "line": 14, "tags": ("smoke",), **given}
    return CaseResult(suite=suite, name=name, outcome=outcome, attempts=list(attempts), **values)  # type: ignore[arg-type]


CALLS_EXPECTED = 'get_weather(city=$icontains "paris", unit=$in ["c", "f"])\nget_forecast(city="Paris", days=3)'
CALLS_ACTUAL = 'get_weather(city="Paris", unit="k")\nget_forecast(city="Paris", days=3)\nsend_mail(to="a@example.org")'


def failing_turn(number: int = 2) -> TurnRecord:
    return turn(
        number,
        user="And tomorrow?",
        reply="Tomorrow it will be 19 °C.\n\nAs an AI, I cannot be sure. " + "It may rain in the afternoon. " * 5,
        calls=[
            call(args={"city": "Paris", "unit": "k"}, stub="stubs.get_weather[0]"),
            call("get_forecast", index=1, args={"city": "Paris", "days": 3}, kind="error", result={"error": "no data"}),
        ],
        notices=["429 RESOURCE_EXHAUSTED: asked again after 2 s"],
        retries=1,
        checks=[
            Check(kind="status", passed=True, message="answered"),
            Check(
                kind="calls",
                passed=False,
                message="the calls are not those expected",
                expected=CALLS_EXPECTED,
                actual=CALLS_ACTUAL,
                line=24,
            ),
            Check(
                kind="reply",
                passed=False,
                message='does not contain "18"',
                expected='contains "18"',
                actual="Tomorrow it will be 19 °C.",
                line=27,
            ),
        ],
    )


def failed_case(name: str = "asks for the unit, then answers") -> CaseResult:
    unheard = turn(3, status="skipped", reply="", user="Thanks!")
    return case(name, "failed", attempt(turn(), failing_turn(), unheard, outcome="failed"))


def flaky_case() -> CaseResult:
    attempts = [
        attempt(turn(calls=[call()]), index=number, source="live", outcome="failed" if number in {3, 6} else "passed")
        for number in range(1, 11)
    ]
    for each in attempts:
        if each.outcome == "failed":
            each.turns[0].checks.append(
                Check(kind="limit", passed=False, message="took 9.1 s", expected="at most 8 s", actual="9.1 s", line=30)
            )
    return case("survives a slow service", "passed", *attempts, repeats=10, pass_rate=0.8, line=28)


def error_case() -> CaseResult:
    trouble = Trouble(
        reason="replay_miss",
        message="request 2 is not in the cassette\n- Be brief.\n+ Be very brief.",
        hint="record it again: agent-run test --record all -k 'books a flight'",
    )
    told = attempt(turn(), outcome="error", trouble=trouble, notes=["recorded under an older manifest: instructions"])
    return case("books a flight", "error", told, suite=TRAVEL, line=9)


def skipped_case() -> CaseResult:
    return case("cancels a flight", "skipped", suite=TRAVEL, line=40, skip_reason="the airline's API is down", tags=())


def hostile_case() -> CaseResult:
    check = Check(kind="reply", passed=False, message=HOSTILE, expected=HOSTILE, actual=f"{HOSTILE}!", line=3)
    broken = turn(
        user=HOSTILE,
        reply=HOSTILE,
        calls=[call(HOSTILE, args={HOSTILE: HOSTILE}, result=HOSTILE)],
        checks=[check],
        notices=[HOSTILE],
        message=HOSTILE,
        status="failed",
    )
    return case(HOSTILE, "failed", attempt(broken, outcome="failed", notes=[HOSTILE]), tags=(HOSTILE,), line=3)


def wide_case() -> CaseResult:
    check = Check(
        kind="reply",
        passed=False,
        message='does not contain "晴れ"',
        expected='contains "晴れ"',
        actual="東京の天気は曇りです。最高気温は二十一度、最低気温は十五度の見込みです。" * 3,
        line=51,
    )
    told = turn(user="東京の天気は?", reply=check.actual, checks=[check])
    return case("東京の天気を尋ねる", "failed", attempt(told, outcome="failed"), line=48)


def run(*cases: CaseResult, exit_code: int | None = None, **given: Any) -> RunResult:
    values: dict[str, Any] = {
        "started": datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
        "ms": 4210.0,
        "usage": Usage(prompt_tokens=2800, output_tokens=620, total_tokens=3420),
        "cost": 0.0132,
    }
    outcomes = {each.outcome for each in cases}
    code = 2 if "error" in outcomes else 1 if "failed" in outcomes else 0
    return RunResult(cases=list(cases), exit_code=code if exit_code is None else exit_code, **{**values, **given})


def mixed_run() -> RunResult:
    """A case of each outcome, in two files."""
    passed = case("greets in plain words", "passed", attempt(turn(calls=[call(stub="default")])))
    return run(failed_case(), flaky_case(), passed, wide_case(), error_case(), skipped_case(), deselected=2)
