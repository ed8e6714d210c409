"""docs/cli.md tells the truth: its options, exit codes, commands and events are the program's."""

from __future__ import annotations

import dataclasses
import json
import re

import click

from runner import events
from runner.cli.commands import COMMANDS as SLASH
from runner.cli.exits import Exit
from runner.cli.jsonl import error_json
from runner.cli.run import run
from runner.errors import ManifestError
from tests.cli.conftest import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
FORMS = {kind.type: kind for kind in vars(events).values() if isinstance(kind, type) and hasattr(kind, "type")}


def first_column(table: str) -> str:
    return "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))


def samples() -> list[dict[str, object]]:
    block = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert block
    return [json.loads(line) for line in block[1].splitlines()]


def test_every_option_is_documented_and_no_other() -> None:
    options = {name for option in run.params if isinstance(option, click.Option) for name in option.opts}
    table = PAGE.split("## Options of `run`")[1].split("\n\n")[1]
    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", first_column(table))) == options | {
        "-h",
        "--help",
    }


def test_every_exit_code_is_documented_and_no_other() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)} == set(map(int, Exit))


def test_every_command_of_the_chat_is_documented_and_no_other() -> None:
    assert re.findall(r"^\| `(/\w+)` \|", PAGE, re.MULTILINE) == list(SLASH)


def test_every_event_is_documented_with_a_sample_of_its_form() -> None:
    seen = {str(sample["type"]) for sample in samples()}
    assert seen == set(FORMS) | {"error"}
    for sample in samples():
        assert f"| `{sample['type']}` |" in PAGE
        known = error_json(ManifestError("x"), "x") if sample["type"] == "error" else None
        fields = set(known) if known else {field.name for field in dataclasses.fields(FORMS[str(sample["type"])])}
        assert set(sample) - {"type"} <= fields
