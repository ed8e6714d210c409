"""The example agents' conversations: they pass without key and network, and turn red when something breaks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from runner.models.cassettes import Cassette
from tests.conversations.record_examples import ROOT, record
from tests.servers.open_meteo import OpenMeteoServer

if TYPE_CHECKING:
    from collections.abc import Callable

XSD = Path(__file__).with_name("data") / "surefire-3.0.xsd"
NOWHERE = "http://127.0.0.1:9"
NO_NETWORK = """\
import socket

def refused(*_args, **_options):
    raise socket.gaierror(-3, "there is no network")

socket.getaddrinfo = socket.socket.connect = socket.socket.connect_ex = refused
"""
CASES = 17
REPLAYED = 8


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The examples as a fresh clone of this repository has them."""
    for name in ("agents", "docs", "tools"):
        shutil.copytree(ROOT / name, tmp_path / "clone" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "clone")
    return tmp_path / "clone"


def run_tests(clone: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`agent-run test` in the clone, with no key; the tools find nobody to ask, unless `env` says where."""
    (clone.parent / "without").mkdir(exist_ok=True)
    (clone.parent / "without" / "sitecustomize.py").write_text("" if env else NO_NETWORK)
    path = os.pathsep.join([str(clone.parent / "without"), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", "runner", "test", *options],
        cwd=clone,
        env={"PATH": os.environ["PATH"], "HOME": str(clone.parent), "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_they_pass_in_a_clone_without_key_and_network(clone: Path) -> None:
    before = sorted(clone.rglob("*"))
    done = run_tests(clone, "--junit", "reports/junit.xml", "--format", "plain")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{CASES} passed; ")
    assert done.stdout.splitlines()[-1].endswith("; exit 0: every check passed")
    document = etree.parse(clone / "reports" / "junit.xml")
    etree.XMLSchema(etree.parse(XSD)).assertValid(document)
    assert document.getroot().get("tests") == str(CASES)
    kept = (".agent-run", "reports", "__pycache__")
    assert [path for path in sorted(clone.rglob("*")) if not set(kept) & set(path.parts)] == before


def test_they_pass_where_the_tools_reach_their_service(clone: Path) -> None:
    with OpenMeteoServer() as server:
        done = run_tests(clone, OPEN_METEO_URL=server.url, OPEN_METEO_GEOCODING_URL=server.url)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_cassettes_hold_what_the_agent_asks_and_say_who_answered(clone: Path) -> None:
    """Recorded anew, they have the same requests and replies: nothing in them was written by hand."""
    kept = {path.name: Cassette.read(path) for path in (ROOT / "agents").rglob("*.jsonl")}
    assert len(kept) == REPLAYED
    record(clone / "agents")
    for path in (clone / "agents").rglob("*.jsonl"):
        old, new = kept.pop(path.name), Cassette.read(path)
        assert old.header.source.startswith("local http://127.0.0.1:")
        assert [_said(exchange) for exchange in old.exchanges()] == [_said(exchange) for exchange in new.exchanges()]
    assert not kept


def _said(exchange: Any) -> tuple[Any, ...]:
    reply = json.loads(re.sub(r'"(id|thoughtSignature)": "[^"]*"', r'"\1": ""', json.dumps(exchange.reply)))
    return exchange.role, exchange.turn, exchange.step, exchange.fingerprint, reply


# mutants


@pytest.fixture
def run_mutant(clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    """Run the clone's conversations in this process; the JSON report, or the error."""
    from tests.commands import command_in

    monkeypatch.setenv("OPEN_METEO_URL", NOWHERE)
    monkeypatch.setenv("OPEN_METEO_GEOCODING_URL", NOWHERE)
    run = command_in(clone, monkeypatch, capsys)

    def report() -> Any:
        ran = run("test", "--format", "json")
        return json.loads(ran.out)

    return report


def changed(clone: Path, file: str, old: str, new: str, count: int = 1) -> None:
    """Change a file of the clone, in the first so many places."""
    path = clone / file
    text = path.read_text("utf-8")
    assert text.count(old) >= count, f"{file} has no {old!r}"
    path.write_text(text.replace(old, new, count), "utf-8")


AGENT, SUITE, TOOLS = "agents/weather.yaml", "agents/weather.conversations.yaml", "tools/weather.py"
EXTRACT, DIAGNOSTICS = "agents/extract.yaml", "tools/diagnostics.py"
CASSETTES = "agents/cassettes/weather"
UNITS = "tells the temperature in both units"
AVERAGES = "says which values are no measurements"
BOTH = "looks up both cities before it compares them"
ATLANTIS = "does not make a place up"
OFFLINE = "can be asked about tomorrow, and then about another city"
FORECAST = "a forecast has each day that was asked for"
SEVERAL = "several cities are looked up at once"
UNKNOWN = "a place that nobody knows is an error that the model can read"
BOOKING = "reads a booking, and what is changed of it"
LEFT_OUT = "leaves out what a message does not say"
CODE = "a code is explained by the tool"
NO_CODE = "a code that does not exist is an error that the model can read"
CODES = "questions and codes can be mixed"
LUNCH = "says what is paid back of a lunch"
DINNER = "knows the rules before there is a receipt"
EVERY_REPLAYED = {UNITS, AVERAGES, BOTH, ATLANTIS}

CHECKS: list[Any] = [
    pytest.param(
        (f"{CASSETTES}/tells-the-temperature-in-both-units.jsonl", "It is 18 \\u00b0C", "It is 81 \\u00b0C"),
        {UNITS: {"reply"}},
        id="a recorded reply says something else",
    ),
    pytest.param(
        (SUITE, "          - I do not find that place.", "          - It is 20 degrees there."),
        {UNKNOWN: {"reply"}},
        id="a scripted reply says something else",
    ),
    pytest.param(
        (f"{CASSETTES}/says-which-values-are-no-measurements.jsonl", '\\"pass\\": true', '\\"pass\\": false'),
        {AVERAGES: {"judge"}},
        id="the judge says no",
    ),
    pytest.param(
        (SUITE, "args: {city: {$icontains: paris}, unit: fahrenheit}", "args: {city: {$icontains: rome}}"),
        {UNITS: {"calls"}},
        id="another argument is expected",
    ),
    pytest.param((SUITE, "{$len: 2}", "{$len: 3}"), {FORECAST: {"calls"}}, id="another length is expected"),
    pytest.param((SUITE, "max_steps: 2", "max_steps: 1"), {BOTH: {"limit"}}, id="fewer steps are allowed"),
    pytest.param((SUITE, 'reply: ["85%"', 'reply: ["15%"'), {OFFLINE: {"reply"}}, id="another value is expected"),
    pytest.param(
        (SUITE, "      get_forecast:\n", "      get_forecast:\n        when: {city: Rome}\n"),
        {OFFLINE: {"calls", "reply", "stub"}},
        id="a stub no longer answers",
    ),
    pytest.param(
        (TOOLS, "return await daily_forecast(city, days, unit)", 'raise RuntimeError("broken")'),
        {FORECAST: {"calls"}},
        id="a tool raises",
    ),
    pytest.param(
        ("tools/_averages.py", '        "unit": unit,\n        "days": [', '        "days": ['),
        {FORECAST: {"calls"}},
        id="a tool's result lacks a key",
    ),
    pytest.param(
        (TOOLS, "return usual_weather(city, unit, why=str(error))", "return {}"),
        {SEVERAL: {"calls"}, UNKNOWN: {"calls"}},
        id="a tool returns nothing",
    ),
    pytest.param(
        ("agents/cassettes/extract/leaves-out-what-a-message-does-not-say.jsonl", "2026-03-08", "2026-03-09"),
        {LEFT_OUT: {"reply"}},
        id="a recorded answer in JSON holds another value",
    ),
    pytest.param(
        (DIAGNOSTICS, '"code": code, "means": found.title', '"means": code'),
        {CODE: {"calls"}, CODES: {"calls"}},
        id="a tool mixes its values up",
    ),
    pytest.param(
        (DIAGNOSTICS, 'raise LookupError(f"there is no code {code}")', 'return {"code": "none"}'),
        {NO_CODE: {"calls"}},
        id="a tool tells an error as a result",
    ),
]  # fmt: skip
TROUBLES: list[Any] = [
    pytest.param(
        (AGENT, "  Always look values up with the tools; never guess one.\n", ""),
        dict.fromkeys(EVERY_REPLAYED, ("replay_miss", "instructions changed")),
        id="an instruction is dropped",
    ),
    pytest.param(
        (AGENT, "model: gemini-3.8-flash", "model: gemini-3.6-flash"),
        dict.fromkeys(EVERY_REPLAYED, ("replay_miss", "model gemini-3.8-flash -> gemini-3.6-flash")),
        id="another model is asked",
    ),
    pytest.param(
        (TOOLS, '"""Tell what the weather in a city is right now.', '"""The weather.'),
        dict.fromkeys(EVERY_REPLAYED, ("replay_miss", "tool get_weather: declaration changed")),
        id="a tool says something else of itself",
    ),
    pytest.param(
        (SUITE, "      get_weather: {error: 'no place", "      get_forecast: {error: 'no place"),
        {ATLANTIS: ("replay_miss", "message 3 differs")},
        id="a stub is removed",
    ),
    pytest.param(
        (SUITE, "temperature: 23\n", "temperature: 24\n"),
        {AVERAGES: ("replay_miss", "message 3 differs")},
        id="a stub returns another value",
    ),
    pytest.param(
        (SUITE, "user: What's the weather in Atlantis?", "user: And the weather in Atlantis?"),
        {ATLANTIS: ("replay_miss", "message 1 differs")},
        id="another message is sent",
    ),
    pytest.param(
        (EXTRACT, "guess nothing", "guess what is missing"),
        dict.fromkeys((BOOKING, LEFT_OUT), ("replay_miss", "instructions changed")),
        id="an instruction says the opposite",
    ),
    pytest.param(
        ("agents/receipts/rules.md", "at most 25.00 EUR", "at most 20.00 EUR"),
        dict.fromkeys((LUNCH, DINNER), ("replay_miss", "message 1 differs")),
        id="a file that is sent says something else",
    ),
    pytest.param(
        (EXTRACT, "required: [place, date, people]", "required: [place, date]"),
        dict.fromkeys((BOOKING, LEFT_OUT), ("replay_miss", "other instructions, tools or settings")),
        id="the form of the answers changed",
    ),
]
INVALID: list[Any] = [
    pytest.param((TOOLS, "city: str", "place: str"), 'get_weather has no argument "city"', id="an argument is renamed"),
    pytest.param(
        (TOOLS, 'Literal["celsius", "fahrenheit"]', 'Literal["celsius"]'),
        "unit of get_weather must be celsius",
        id="a choice is gone",
    ),
    pytest.param((TOOLS, "get_forecast", "forecast"), 'no tool "get_forecast"', id="a tool is renamed"),
    pytest.param(
        (DIAGNOSTICS, "explain_code(code:", "explain_code(number:"),
        'explain_code has no argument "code"',
        id="the argument of another tool is renamed",
    ),
    pytest.param((AGENT, "  - tools.weather", "  - tools.wether"), "the agent does not run", id="its module is gone"),
]


def test_the_examples_pass_before_they_are_changed(run_mutant: Callable[[], Any]) -> None:
    told = run_mutant()
    assert (told["exit_code"], told["counts"]["passed"]) == (0, CASES)


@pytest.mark.parametrize(("change", "kinds"), CHECKS)
def test_a_check_fails_where_behaviour_changed(
    change: tuple[str, str, str], kinds: dict[str, set[str]], clone: Path, run_mutant: Callable[[], Any]
) -> None:
    changed(clone, *change)
    told = run_mutant()
    wrong = {case["name"]: _failed(case) for case in told["cases"] if case["outcome"] != "passed"}
    assert (told["exit_code"], wrong) == (1, kinds)


def _failed(case: Any) -> set[str]:
    assert case["outcome"] == "failed", case["attempts"][0]["trouble"]
    attempt = case["attempts"][0]
    checks = [*attempt["checks"], *(check for turn in attempt["turns"] for check in turn["checks"])]
    return {check["kind"] for check in checks if not check["passed"]}


@pytest.mark.parametrize(("change", "reasons"), TROUBLES)
def test_a_recording_that_does_not_fit_any_more_is_an_error(
    change: tuple[str, str, str], reasons: dict[str, tuple[str, str]], clone: Path, run_mutant: Callable[[], Any]
) -> None:
    changed(clone, *change)
    told = run_mutant()
    troubles = {case["name"]: case["attempts"][0]["trouble"] for case in told["cases"] if case["outcome"] == "error"}
    assert told["exit_code"] == 2
    assert troubles.keys() == reasons.keys()
    for name, (reason, words) in reasons.items():
        assert troubles[name]["reason"] == reason
        assert words in troubles[name]["message"]
        assert "--record all" in troubles[name]["hint"]


def test_a_recording_that_is_gone_is_an_error_that_says_what_to_do(clone: Path, run_mutant: Callable[[], Any]) -> None:
    shutil.rmtree(clone / "agents" / "cassettes")
    told = run_mutant()
    troubles = [case["attempts"][0]["trouble"] for case in told["cases"] if case["outcome"] == "error"]
    assert (told["exit_code"], told["counts"]["passed"], len(troubles)) == (2, CASES - REPLAYED, REPLAYED)
    assert {trouble["reason"] for trouble in troubles} == {"no_key"}
    assert all("set GEMINI_API_KEY and record it: agent-run test " in trouble["hint"] for trouble in troubles)


@pytest.mark.parametrize(("change", "words"), INVALID)
def test_a_file_that_fits_its_agent_no_more_is_refused(
    change: tuple[str, str, str], words: str, clone: Path, run_mutant: Callable[[], Any], capsys: Any
) -> None:
    changed(clone, *change, 2 if change[0] == TOOLS else 1)
    told = run_mutant()
    assert (told["type"], told["exit_code"]) == ("error", 2)
    assert words in told["message"]
