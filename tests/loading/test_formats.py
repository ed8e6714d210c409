"""The four ways in which diagnostics are printed, and the codes they name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from runner.loading import check_manifest
from runner.loading.codes import codes
from runner.loading.formats import as_github, as_json, as_text
from runner.loading.sarif import as_sarif
from runner.loading.secrets import is_secret_name, masked

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    return Path("agent.yaml")


def text_of(agent: Path, text: str) -> str:
    agent.write_text(text, encoding="utf-8")
    return as_text(check_manifest(agent))


def test_the_first_line_is_what_editors_and_consoles_know(agent: Path) -> None:
    """file:line:column: severity: message, as compilers have it."""
    first = text_of(agent, "retries: 9\n").splitlines()[0]
    assert re.fullmatch(r"agent\.yaml:1:10: error\[E106\]: .+", first)


def test_the_caret_stands_below_what_it_is_about(agent: Path) -> None:
    """Also behind wide and combining characters and tabs, and in long lines, which are cut around it."""
    assert text_of(agent, "{description: 日本語 e\u0301, retries: 9}\n").splitlines()[1:3] == [
        "   1 | {description: 日本語 e\u0301, retries: 9}",
        "     |                                  ^",
    ]
    lines = text_of(agent, f"{{description: {'x' * 500}, retries: 9, welcome: {'y' * 500}}}\n").splitlines()
    assert lines[1].startswith("   1 | …xxx")
    assert lines[1].endswith("yyy…")
    assert len(lines[1]) < 125
    assert lines[1][lines[2].index("^")] == "9"


def test_the_key_above_is_shown_with_what_is_between_if_that_is_little(agent: Path) -> None:
    near = text_of(agent, "limits:\n  max_tool_calls: 3\n  max_iterations: 0\n")
    assert "   1 | limits:\n   2 |   max_tool_calls: 3\n   3 |   max_iterations: 0\n" in near
    far = text_of(agent, "limits:\n" + "  # a comment\n" * 9 + "  max_iterations: 0\n")
    assert "   1 | limits:\n ... |\n  11 |   max_iterations: 0\n" in far


def test_errors_and_warnings_are_counted(agent: Path) -> None:
    told = text_of(agent, "retries: 9\ntool_mode: x\ndescription: yes\n").splitlines()[-1]
    assert told == "2 errors, 1 warning in 1 file; more about a code: agent-run explain E106"
    assert as_text([], 3) == "0 errors in 3 files"


def test_what_does_not_show_is_not_printed(agent: Path) -> None:
    """Characters that YAML lets pass and terminals obey or hide."""
    told = text_of(agent, "retries: \u202e9\u200b\n")
    assert not re.search("[\u202a-\u202e\u200b-\u200f]", told)


def test_as_json_each_has_its_place_and_parts(agent: Path) -> None:
    agent.write_text("modle: x\nlimits: {max_iterations: 0}\n")
    told = json.loads(as_json(check_manifest(agent), 1, 2))
    assert (told["errors"], told["warnings"], told["files"], told["exit_code"]) == (2, 0, 1, 2)
    assert told["diagnostics"][0] == {
        "code": "E102",
        "severity": "error",
        "message": 'unknown key "modle"',
        "path": "agent.yaml",
        "line": 1,
        "column": 1,
        "end_line": 1,
        "end_column": 6,
        "key": "modle",
        "hint": 'did you mean "model"?',
        "nearest": "model",
        "fix": {"start": 0, "end": 5, "text": "model"},
    }
    assert told["diagnostics"][1]["expected"] == "at least 1"


def test_as_github_each_is_a_command(agent: Path) -> None:
    agent.write_text('description: "50%"\nretries: 9\nmodle: x\n')
    assert as_github(check_manifest(agent)).splitlines() == [
        "::error file=agent.yaml,line=2,col=10,endLine=2,endColumn=11,title=E106::retries must be at most 3, not 9",
        (
            '::error file=agent.yaml,line=3,col=1,endLine=3,endColumn=6,title=E102::unknown key "modle"'
            '%0Adid you mean "model"?'
        ),
    ]


def test_github_properties_are_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a,b:c%.yaml").write_text("retries: 9\n")
    assert as_github(check_manifest("a,b:c%.yaml")).startswith("::error file=a%2Cb%3Ac%25.yaml,line=1,")


SARIF = {
    "type": "object",
    "required": ["version", "runs", "$schema"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "items": {
                "required": ["tool", "results", "columnKind"],
                "properties": {
                    "results": {
                        "items": {
                            "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
                            "properties": {
                                "level": {"enum": ["error", "warning"]},
                                "message": {"required": ["text"]},
                                "locations": {"items": {"required": ["physicalLocation"]}, "minItems": 1},
                            },
                        }
                    }
                },
            },
        },
    },
}
"""What code-scanning services ask of a SARIF file, of what we write."""


def test_as_sarif_it_is_what_code_scanning_reads(agent: Path) -> None:
    agent.write_text("modle: x\ndescription: yes\n")
    told = json.loads(as_sarif(check_manifest(agent)))
    jsonschema_rs.validate(SARIF, told)
    (run,) = told["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["E102", "W201"]
    first = run["results"][0]
    assert rules[first["ruleIndex"]]["id"] == first["ruleId"] == "E102"
    physical = first["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": "agent.yaml"}
    assert physical["region"] == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 6}
    replaced = first["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert replaced["insertedContent"] == {"text": "model"}
    json.loads(as_sarif([]))


def test_every_code_is_explained_and_every_explanation_has_its_code() -> None:
    sources = [path.read_text("utf-8") for path in sorted((ROOT / "runner" / "loading").rglob("*.py"))]
    used = {code for text in sources for code in re.findall(r'"([EW]\d{3})"', text)}
    assert used == set(codes())
    for code in codes().values():
        assert code.title
        assert code.text
        assert code.severity == ("error" if code.code.startswith("E") else "warning")
        assert max(map(len, code.text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key: AIzaSyA1234567890abcdefghijklmnopqrstuvw", "key: ****************************************"),
        ("url: postgres://me:secret@host/db", "url: postgres://me:******@host/db"),
        ("url: postgres://me:${PASSWORD}@host/db", "url: postgres://me:${PASSWORD}@host/db"),
        ("  password: hunter2  # mine", "  password: *******  # mine"),
        ('{api_key: "a b c", size: 3}', "{api_key: *******, size: 3}"),
        ("token: ${TOKEN}", "token: ${TOKEN}"),
        ("max_output_tokens: 100", "max_output_tokens: 100"),
        ("min_tokens: 5", "min_tokens: 5"),
        ("instructions: Ask for the password: politely", "instructions: Ask for the password: ********"),
        ("secretary: Ann", "secretary: Ann"),
    ],
)
def test_secrets_are_covered_in_the_lines_that_are_shown(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert len(shown) == len(text)


@pytest.mark.parametrize(
    "name",
    ["GEMINI_API_KEY", "DB_PASSWORD", "token", "api-key", "SERVICE_TOKEN", "OPENAI_KEY", "client_secret", "passwd"],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["city", "max_output_tokens", "maxOutputTokens", "secretary", "keyboard", "tokenizer", "KEY_NAME"]
)
def test_other_names_are_none(name: str) -> None:
    assert not is_secret_name(name)
