"""`agent-run validate` and `agent-run explain`: every problem of every file, in four forms, with its exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.loading.codes import codes
from runner.loading.finding import conversations_in, manifests_of

if TYPE_CHECKING:
    from tests.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[2]


TALK = """\
agent: good.yaml
cases:
  - name: asks
    turns:
      - user: Will it rain in Paris?
        expect: {calls: [{tool: get_weather, args: {city: Paris}}]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """In the place of the commands' common project: one with a good agent, two bad ones, and other YAML files."""
    files = {
        "pyproject.toml": "",
        "agents/good.yaml": "model: gemini-3.8-flash\ntools: [tools.weather]\n",
        "agents/bad.yaml": "modle: gemini-3.8-flash\nretries: 9\n",
        "agents/deep/odd.yml": "description: yes\n",
        "agents/_fragment.yaml": "this: is never checked by itself\n",
        "agents/good.conversations.yaml": TALK,
        "tests/_broken.conversations.yml": TALK.replace("get_weather", "get_wether").replace("good", "../agents/good"),
        "support.agent.yaml": "tool_mode: sometimes\n",
        "other/more.agent.yaml": "{}\n",
        "beside.yaml": "instructions: Be brief.\n",
        "docker-compose.yaml": "services: {db: {image: x}}\n",
        ".github/workflows/ci.yaml": "on: push\nname: ci\njobs: {}\n",
        "node_modules/x/agents/y.agent.yaml": "wrong: 1\n",
        "tools/weather.py": 'def get_weather(city: str) -> str:\n    """Tell."""\n    raise SystemExit\n',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


FOUND = [
    "agents/bad.yaml",
    "agents/deep/odd.yml",
    "agents/good.yaml",
    "beside.yaml",
    "other/more.agent.yaml",
    "support.agent.yaml",
]


def test_all_manifests_of_a_project_are_found(project: Path) -> None:
    """In `agents/`, by their suffix, or by their keys; no fragments, conversations or other programs' files."""
    assert [path.relative_to(project).as_posix() for path in manifests_of(project)] == FOUND


def test_without_paths_the_whole_project_is_checked(run: Run) -> None:
    ran = run("validate")
    assert ran.code == 2
    assert [line for line in ran.out.splitlines() if "[" in line and "|" not in line] == [
        'agents/bad.yaml:1:1: error[E102]: unknown key "modle"',
        "agents/bad.yaml:2:10: error[E106]: retries must be at most 3, not 9",
        "agents/deep/odd.yml:1:14: warning[W201]: yes is text here, but true for readers of YAML 1.1",
        'support.agent.yaml:1:12: error[E105]: tool_mode must be auto, any, none or validated, not "sometimes"',
        'tests/_broken.conversations.yml:6:33: error[E181]: the agent has no tool "get_wether"',
    ]
    assert ran.out.endswith("4 errors, 1 warning in 8 files; more about a code: agent-run explain E102\n")
    assert ran.err == ""


def test_it_is_the_same_from_a_folder_inside(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "agents" / "deep")
    ran = run("validate")
    assert ran.code == 2
    assert "odd.yml:1:14: warning" in ran.out
    assert f"{project / 'agents' / 'bad.yaml'}:1:1: error" in ran.out


def test_paths_are_files_or_folders(run: Run) -> None:
    assert run("validate", "agents/good.yaml").out == "no problems in 1 file\n"
    assert run("validate", "agents/deep").code == 0
    ran = run("validate", "agents", "support.agent.yaml", "agents/bad.yaml")
    assert ran.out.splitlines()[-1].startswith("3 errors, 1 warning in 5 files")


def test_conversations_are_found_anywhere_in_the_project(project: Path) -> None:
    (project / "venv").mkdir()
    (project / "venv" / "x.conversations.yaml").touch()
    found = [path.relative_to(project).as_posix() for path in conversations_in(project)]
    assert found == ["agents/good.conversations.yaml", "tests/_broken.conversations.yml"]


def test_a_conversations_file_is_judged_as_one_by_its_name(run: Run, project: Path) -> None:
    assert run("validate", "agents/good.conversations.yaml").out == "no problems in 1 file\n"
    (project / "empty.conversations.yaml").write_text("model: offline\n")
    told = run("validate", "empty.conversations.yaml").out
    assert "a conversations file lacks the key" in told
    assert "E102" in told


def test_fix_renames_in_conversations_too(run: Run, project: Path) -> None:
    assert run("validate", "--fix", "tests").code == 0
    assert "tool: get_weather" in (project / "tests" / "_broken.conversations.yml").read_text()


def test_warnings_alone_are_exit_0(run: Run) -> None:
    ran = run("validate", "agents/deep/odd.yml")
    assert ran.code == 0
    assert ran.out.splitlines()[-1].startswith("1 warning in 1 file")


def test_a_file_that_is_not_there_is_told_like_any_problem(run: Run) -> None:
    ran = run("validate", "agents/goood.yaml", "agents/good.yaml")
    assert ran.code == 2
    assert ran.out.splitlines()[:2] == [
        "agents/goood.yaml: error[E100]: no such file",
        '   = hint: did you mean "good.yaml"?',
    ]


def test_a_place_without_manifests_is_wrong_use(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "empty").mkdir()
    assert run("validate", "empty").err.startswith("error: neither manifests nor conversations were found in empty")
    lonely = project / "lonely"
    lonely.mkdir()
    (lonely / "pyproject.toml").touch()
    monkeypatch.chdir(lonely)
    ran = run("validate")
    assert (ran.code, ran.out) == (2, "")
    assert "neither manifests nor conversations were found" in ran.err


def test_the_other_forms_are_whole_documents(run: Run) -> None:
    told = json.loads(run("validate", "--format", "json").out)
    assert (told["errors"], told["warnings"], told["files"], told["exit_code"]) == (4, 1, 8, 2)
    sarif = json.loads(run("validate", "--format", "sarif").out)
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["E102", "E106", "W201", "E105", "E181"]
    github = run("validate", "--format", "github")
    assert [line.partition(" ")[0] for line in github.out.splitlines()] == [
        "::error",
        "::error",
        "::warning",
        "::error",
        "::error",
    ]
    assert run("validate", "--format", "github", "agents/good.yaml").out == ""
    assert run("validate", "--format", "xml").code == 2


def test_fix_renames_what_is_certain_and_tells_the_rest(run: Run, project: Path) -> None:
    ran = run("validate", "--fix", "agents/bad.yaml")
    assert ran.code == 2
    assert ran.out.splitlines()[:3] == [
        "agents/bad.yaml:1:1: modle -> model",
        "1 name corrected",
        "agents/bad.yaml:2:10: error[E106]: retries must be at most 3, not 9",
    ]
    assert (project / "agents" / "bad.yaml").read_text() == "model: gemini-3.8-flash\nretries: 9\n"


def test_run_prints_the_same_text(run: Run) -> None:
    """On standard error, and nothing is started."""
    checked, ran = run("validate", "agents/bad.yaml"), run("agents/bad.yaml", "hello")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == checked.out


def test_conversations_that_are_run_as_an_agent_are_told_from_one(run: Run) -> None:
    ran = run("agents/good.conversations.yaml", "hello")
    assert ran.code == 2
    assert ran.err.splitlines()[:2] == [
        "agents/good.conversations.yaml: error[E115]: conversations, not a manifest",
        "   = hint: test the agent with them: agent-run test agents/good.conversations.yaml",
    ]


def test_an_error_of_a_hostile_file_is_shown_and_not_obeyed(run: Run, project: Path) -> None:
    (project / "evil.yaml").write_text('"\\e]0;owned\\a": 1\nname: "\\u202e"\ntool_mode: "\\e[2J"\n')
    ran = run("validate", "evil.yaml")
    assert ran.code == 2
    assert not {"\x1b", "\x07", "\u202e"} & set(ran.out)


def test_every_code_is_explained(run: Run) -> None:
    for code in codes():
        ran = run("explain", code.lower())
        assert ran.code == 0
        assert ran.out.startswith(f"{'error' if code[0] == 'E' else 'warning'}[{code}]: ")
    listed = run("explain").out.splitlines()
    assert [line[:4] for line in listed] == list(codes())
    wrong = run("explain", "E1O2")
    assert wrong.code == 2
    assert "did you mean E102?" in wrong.err


def test_the_examples_of_this_project_are_good(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "copy"
    for folder in ("agents", "docs", "tools"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "pyproject.toml").touch()
    monkeypatch.chdir(copy)
    ran = run("validate")
    assert (ran.code, ran.out.startswith("no problems in ")) == (0, True), ran.out


def test_warnings_are_told_beside_the_answer(run: Run, project: Path) -> None:
    (project / "odd.yaml").write_text("model: offline\ndescription: yes\n")
    ran = run("odd.yaml", "hello")
    assert ran.code == 0
    assert ran.err.startswith("odd.yaml:2:14: warning[W201]: yes is text here")
    assert run("odd.yaml", "hello", "--quiet").err == ""
