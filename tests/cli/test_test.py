"""`agent-run test`: what is run, where results and progress go, what is written, and what the exit code says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from lxml import etree

from runner.cli.test import conversations
from runner.conversations.reports.text import MEANINGS
from tests.cli.conftest import ROOT
from tests.cli.tty import Terminal
from tests.servers import GeminiServer, error, text, usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Run

AGENT = "model: gemini-3.8-flash\ninstructions: Be brief.\ntools: [tools.weather]\n"
TOOLS = '''
import time

def get_weather(city: str) -> dict:
    """The weather of a city.

    Args:
        city: The city.
    """
    print("a tool prints")
    return {"temp_c": 18}

def wait(seconds: float) -> str:
    """Wait.

    Args:
        seconds: How long.
    """
    print("it waits")
    time.sleep(seconds)
    return "waited"
'''
GOOD = """
agent: weather.yaml
cases:
  - name: tells the temperature
    tags: [smoke]
    turns:
      - user: How warm is it in Paris?
        replies: [{call: get_weather, args: {city: Paris}}, It is 18 degrees.]
        expect: {calls: [get_weather], reply: "18"}
      - user: Thanks
        replies: [You are welcome.]
  - name: greets
    turns:
      - user: Hello
        replies: [Hello!]
"""
BAD = """
agent: weather.yaml
cases:
  - name: gets it wrong
    tags: [smoke, slow]
    turns:
      - user: How warm is it in Paris?
        replies: [It is 21 degrees.]
        expect:
          calls: [get_weather]
          reply: "18"
      - user: Thanks
        replies: [You are welcome.]
  - name: comes later
    skip: not yet
    turns: [{user: Hello}]
"""
KEYLESS = "agent: weather.yaml\ncases:\n  - name: asks\n    turns: [{user: Hello}]\n"


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of the commands' common project: an agent, and conversations that pass and that do not."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    write(folder, "pyproject.toml", "")
    write(folder, "agents/weather.yaml", AGENT)
    write(folder, "tools/weather.py", TOOLS)
    write(folder, "agents/good.conversations.yaml", GOOD)
    write(folder, "tests/bad.conversations.yaml", BAD.replace("weather.yaml", "../agents/weather.yaml"))
    return folder


def test_every_option_is_documented_and_no_other() -> None:
    section = (ROOT / "docs" / "cli.md").read_text("utf-8").partition("## `agent-run test`")[2].partition("\n## ")[0]
    table = "".join(re.findall(r"^\| (.*?) \|", section, re.MULTILINE))
    options = {name for option in conversations.params if isinstance(option, click.Option) for name in option.opts}
    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", table)) == options | {"-h", "--help"}


def test_every_exit_code_is_documented_with_what_the_reports_say_of_it() -> None:
    page = (ROOT / "docs" / "testing.md").read_text("utf-8").partition("## Exit codes")[2].partition("\n## ")[0]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert codes == {0, 1, 2, 3, 4, 5, 70, 130}
    assert codes <= MEANINGS.keys()


# what is run


def test_the_whole_project_is_run_without_paths(run: Run) -> None:
    ran = run("test")
    assert ran.code == 1
    lines = ran.out.splitlines()
    results = sorted(line.partition("  ")[0] for line in lines if line.startswith(("passed", "failed", "skipped")))
    assert results == ["failed", "passed", "passed", "skipped bad: comes later"]
    assert lines[-1].startswith("1 failed, 2 passed, 1 skipped; ")
    assert lines[-1].endswith("; exit 1: a check failed")


def test_results_and_progress_go_apart(run: Run) -> None:
    ran = run("test", "agents")
    assert ran.code == 0
    assert "passed  good: greets" in ran.out
    assert ran.err == "running 2 cases of 1 file\na tool prints\n"
    assert "a tool prints" not in ran.out


def test_every_failed_check_is_told_with_its_place_and_the_turn(run: Run) -> None:
    out = run("test", "tests").out
    assert "── failed: bad: gets it wrong\n   tests/bad.conversations.yaml:4\n" in out
    assert "   turn 1: calls: " in out
    assert "     tests/bad.conversations.yaml:10\n" in out
    assert "   turn 1: reply: " in out
    assert "     tests/bad.conversations.yaml:11\n" in out
    assert '     expected  contains "18"\n     actual    It is 21 degrees.\n' in out
    assert "   turn 1 as it was held:\n     > How warm is it in Paris?\n     < It is 21 degrees.\n" in out


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["-k", "wrong or greets"], ["gets it wrong", "greets"]),
        (["--tag", "smoke"], ["gets it wrong", "tells the temperature"]),
        (["--tag", "slow", "-k", "not temperature"], ["gets it wrong"]),
        (["agents/good.conversations.yaml"], ["greets", "tells the temperature"]),
        (
            ["agents", "tests/bad.conversations.yaml"],
            ["comes later", "gets it wrong", "greets", "tells the temperature"],
        ),
    ],
    ids=" ".join,
)
def test_list_shows_what_would_be_run_and_runs_nothing(options: list[str], names: list[str], run: Run) -> None:
    ran = run("test", "--list", *options)
    assert (ran.code, ran.err) == (0, "")
    assert sorted(line.split("  ")[1] for line in ran.out.splitlines()[:-1]) == names


def test_a_line_of_the_list_has_place_size_and_tags(run: Run) -> None:
    ran = run("test", "--list", "-k", "wrong", "--repeat", "3")
    assert ran.out == (
        "tests/bad.conversations.yaml:4  gets it wrong  (2 turns; 3 runs; tags smoke, slow)\n"
        "1 case in 1 file, 3 deselected\n"
    )


def test_shards_are_parts_of_the_whole(run: Run) -> None:
    found = [run("test", "--list", "--shard", f"{part}/3") for part in (1, 2, 3)]
    lines = [line for ran in found if ran.code == 0 for line in ran.out.splitlines()[:-1]]
    assert len(lines) == len(set(lines)) == 4


def test_only_what_failed_is_run_again(run: Run, project: Path) -> None:
    assert run("test", "--only-failed").code == 2
    assert run("test").code == 1
    ran = run("test", "--only-failed")
    assert (ran.code, ran.out.splitlines()[-1].partition(";")[0]) == (1, "1 failed, 3 deselected")
    write(project, "tests/bad.conversations.yaml", GOOD.replace("weather.yaml", "../agents/weather.yaml"))
    ran = run("test", "--only-failed")
    assert (ran.code, ran.out) == (2, "")


def test_a_model_given_answers_where_no_replies_are(run: Run, project: Path) -> None:
    write(project, "agents/offline.conversations.yaml", KEYLESS)
    assert run("test", "agents/offline.conversations.yaml", "--model", "offline").code == 0


def test_repeats_are_told_with_their_interval(run: Run) -> None:
    ran = run("test", "agents", "-k", "greets", "--repeat", "3")
    assert ran.code == 0
    assert "3/3 runs passed (43.9% to 100% at 95%), pass^3 100%" in ran.out
    assert ran.err == "running 1 case of 1 file, up to 3 runs\n"


# what keeps a run from beginning


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["-k", "nothing like this"], 'no case is selected of 4 cases in 2 files: "tells the temperature", "greets"'),
        (["--tag", "fast"], "tags: slow, smoke"),
        (["--shard", "6/5"], "Invalid value for --shard: write it as 2/5"),
        (["--shard", "half"], "Invalid value for --shard: write it as 2/5"),
        (["--timeout", "soon"], "Invalid value for --timeout: write it as 90s"),
        (["--record-tools"], "--record-tools needs --record"),
        (["--live", "--record", "all"], "--live and --record exclude each other"),
        (["-j", "0"], "-j"),
        (["--max-cost", "0"], "--max-cost"),
        (["tools"], "no conversations were found in tools"),
        (["--junit", "agents"], "agents cannot be written: it is a folder"),
        (["--html", "pyproject.toml/page.html"], "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_is_exit_2_and_starts_nothing(options: list[str], told: str, run: Run) -> None:
    ran = run("test", *options)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert ran.err.startswith("error: ")


def test_wrong_files_are_told_as_validate_tells_them_all_at_once(run: Run, project: Path) -> None:
    write(
        project,
        "agents/odd.conversations.yaml",
        "agent: weather.yaml\ncases:\n  - nmae: x\n    turns: [{user: Hello}]\n",
    )
    write(project, "agents/worse.conversations.yaml", "agent: nowhere.yaml\ncases: []\n")
    checked, ran = run("validate", "agents/odd.conversations.yaml", "agents/worse.conversations.yaml"), run("test")
    assert (checked.code, ran.code, ran.out) == (2, 2, "")
    assert ran.err.splitlines()[:-1] == checked.out.splitlines()[:-1]


def test_a_case_without_key_recording_or_replies_is_an_error_that_says_what_to_do(run: Run, project: Path) -> None:
    write(project, "agents/keyless.conversations.yaml", KEYLESS)
    ran = run("test", "agents")
    assert ran.code == 2
    assert "error   keyless: asks" in ran.out
    assert "GEMINI_API_KEY" in ran.out
    assert "--record once" in ran.out
    assert ran.out.splitlines()[-1].startswith("1 error, 2 passed; ")


def test_help_imports_nothing_heavy(env: dict[str, str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "runner", "test", "--help"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not imported & {"google", "httpx2", "rich", "jinja2", "pydantic", "asyncio", "yaml", "jsonschema_rs"}
    assert "--only-failed" in done.stdout


# forms and reports


def test_json_is_one_document_on_standard_output(run: Run) -> None:
    ran = run("test", "--format", "json")
    told = json.loads(ran.out)
    assert (ran.code, told["exit_code"], told["counts"]["failed"]) == (1, 1, 1)
    assert "running 4 cases of 2 files\n" in ran.err


def test_json_tells_what_kept_a_run_from_beginning(run: Run, project: Path) -> None:
    write(project, "agents/good.conversations.yaml", "agent: [")
    ran = run("test", "--format", "json")
    assert json.loads(ran.out)["exit_code"] == ran.code == 2


def test_every_report_is_written_into_folders_made_for_it(run: Run, project: Path) -> None:
    options = [f"--{name}=out/{name}/report" for name in ("junit", "html", "json", "summary")]
    assert run("test", *options).code == 1
    texts = {
        name: (project / "out" / name / "report").read_text("utf-8") for name in ("junit", "html", "json", "summary")
    }
    assert etree.fromstring(texts["junit"].encode()).get("failures") == "1"
    assert texts["html"].startswith("<!doctype html>")
    assert json.loads(texts["json"])["exit_code"] == 1
    assert texts["summary"].startswith("### ❌ agent-run test: 1 failed, 2 passed, 1 skipped\n")
    assert run("test", "--junit", "j.xml", "--junit-family", "extended").code == 1
    assert etree.parse(project / "j.xml").getroot().tag == "testsuites"


def test_github_gets_annotations_and_a_summary_and_obeys_no_text(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = project / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    ran = run("test")
    assert ran.code == 1
    lines = ran.out.splitlines()
    word = lines[0].removeprefix("::stop-commands::")
    end = lines.index(f"::{word}::")
    assert [line.partition(",")[0] for line in lines[end + 1 :]] == ["::error file=tests/bad.conversations.yaml"] * 2
    assert summary.read_text("utf-8").startswith("before\n### ❌ agent-run test")
    assert "::" not in run("test", "--format", "plain").out


def test_where_nothing_can_be_kept_the_results_are_told_all_the_same(run: Run, project: Path) -> None:
    (project / ".agent-run").write_text("a file where a folder should be")
    ran = run("test", "agents")
    assert ran.code == 4
    assert "2 passed" in ran.out
    assert "error: what failed cannot be kept for --only-failed" in ran.err


# a service, recordings


def test_what_is_recorded_once_is_replayed_without_key_and_network(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry is told while it runs and counted in the result."""
    write(project, "agents/keyless.conversations.yaml", KEYLESS.replace("Hello}", "Hello, expect: {reply: Hi}}"))
    with GeminiServer() as server:
        server.script(error(503), text("Hi ", "there.") + usage(prompt=12, candidates=3))
        with monkeypatch.context() as changed:
            server.stand_in(changed)
            ran = run("test", "agents/keyless.conversations.yaml", "--record", "once")
        assert (ran.code, len(server.requests)) == (0, 2), ran
        assert "1 retry" in ran.out
        assert "keyless: asks: turn 1: " in ran.err
    told = json.loads(run("test", "agents/keyless.conversations.yaml", "--format", "json").out)
    attempt = told["cases"][0]["attempts"][0]
    assert (told["exit_code"], attempt["source"], attempt["turns"][0]["reply"]) == (0, "replayed", "Hi there.")
    assert attempt["cassette"] == "agents/cassettes/keyless/asks.jsonl"
    assert told["spent"] == 0


# terminals and signals


def terminal(project: Path, env: dict[str, str], *arguments: str, columns: int = 60, **more: str) -> Terminal:
    return Terminal(["test", *arguments], cwd=project, env={**env, **more}, columns=columns, rows=40)


def test_a_narrow_terminal_shows_results_and_no_trace_of_the_drawing(project: Path, env: dict[str, str]) -> None:
    with terminal(project, env) as shown:
        assert shown.wait() == 1
    text = shown.text
    assert "✓ good: tells the temperature  ••  " in text
    assert "✗ bad: gets it wrong  ✗◦  " in text
    assert "- bad: comes later\n  not yet\n" in text
    assert " done" not in text
    assert b" done" in shown.raw
    assert b"\x1b[31m" in shown.raw


def test_no_color_and_dumb_terminals_are_respected(project: Path, env: dict[str, str]) -> None:
    with terminal(project, env, NO_COLOR="1") as shown:
        assert shown.wait() == 1
    assert b"\x1b[3" not in shown.raw
    assert "✗ bad: gets it wrong" in shown.text
    with terminal(project, env, TERM="dumb") as shown:
        assert shown.wait() == 1
    assert b"\x1b" not in shown.raw
    with terminal(project, env, "--format", "plain") as shown:
        assert shown.wait() == 1
    assert b"\x1b" not in shown.raw


def test_wide_characters_and_hostile_texts_are_shown_and_not_obeyed(project: Path, env: dict[str, str]) -> None:
    hostile = '"\\e]0;owned\\a\\e[2J\\u202e 東京の天気 ##[error]x"'
    case = f"  - name: {hostile}\n    turns: [{{user: {hostile}, replies: [{hostile}], expect: {{reply: 晴れ}}}}]\n"
    write(project, "agents/odd.conversations.yaml", f"agent: weather.yaml\ncases:\n{case}")
    with terminal(project, env, "agents/odd.conversations.yaml") as shown:
        assert shown.wait() == 1
    assert not [each for each in (b"\x07", b"\x1b]", b"\x1b[2J", "\u202e".encode()) if each in shown.raw]
    assert "\\x1b]0;owned\\x07" in shown.text
    assert "晴れ" in shown.text


def test_ctrl_c_stops_and_tells_what_is_done(project: Path, spawn: Callable[..., subprocess.Popen[bytes]]) -> None:
    slow = "  - name: waits\n    turns: [{user: Wait, replies: [{call: wait, args: {seconds: 60}}, Done.]}]\n"
    write(project, "agents/good.conversations.yaml", GOOD + slow)
    with spawn("test", "agents", "-j", "1", "--format", "json", "--html", "page.html") as process:
        assert process.stderr is not None
        assert any(b"it waits" in line for line in process.stderr)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    told = json.loads(out)
    assert (process.returncode, told["exit_code"], told["stopped"]) == (130, 130, "interrupted")
    assert [case["name"] for case in told["cases"]] == ["tells the temperature", "greets"]
    assert b"Traceback" not in err
    assert (project / "page.html").exists()


def test_a_file_of_another_kind_is_refused_with_the_one_that_was_meant(run: Run, project: Path) -> None:
    ran = run("test", "agents/weather.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: agents/weather.yaml is not called *.conversations.yaml (see ")
    write(project, "agents/weather.conversations.yaml", GOOD)
    assert "; did you mean agents/weather.conversations.yaml? (see " in run("test", "agents/weather.yaml").err


def test_where_nothing_failed_there_is_nothing_to_run_again(run: Run) -> None:
    assert run("test", "agents").code == 0
    ran = run("test", "--only-failed")
    assert (ran.code, ran.err) == (2, "error: no case is selected: none failed when they were run last\n")
