"""The pages about the manifest and about conversations name every key, and show what the checker really says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from runner.loading import check_manifest
from runner.loading.fields import hints, model_at
from runner.loading.formats import as_text
from runner.loading.suites import check_suite, load_suite
from runner.manifest import AgentManifest
from runner.schemas.suite_texts import SUITE_CHOICES
from runner.suite import (
    CallPart,
    CasePart,
    DefaultsPart,
    ExpectPart,
    FinallyPart,
    JudgePart,
    ParallelPart,
    ReplyPart,
    ScriptedPart,
    StubPart,
    SuiteFile,
    TurnPart,
)
from runner.suite.matchers import MATCHERS, TYPES
from tests.docs.fences import fences

if TYPE_CHECKING:
    from pydantic import BaseModel

PAGE_FOLDER = Path(__file__).resolve().parents[2] / "docs"
CONVERSATIONS_PAGE = "conversations.md"
PAGE = (PAGE_FOLDER / "manifest.md").read_text("utf-8")
NAMED = set(re.findall(r"`([$\w.]+)`", PAGE))


def keys_of(path: tuple[str, ...]) -> list[str]:
    model = model_at(AgentManifest, path)
    assert model is not None
    return [name for name, _ in hints(model)]


def test_every_key_is_in_the_table() -> None:
    assert set(keys_of(())) <= NAMED
    assert {f"limits.{key}" for key in keys_of(("limits",))} <= NAMED
    assert set(keys_of(("generation",))) - {"thinking"} <= NAMED
    assert {f"thinking.{key}" for key in keys_of(("generation", "thinking"))} <= NAMED
    assert set(keys_of(("generation", "safety"))) | set(keys_of(("cache",))) <= NAMED


def test_the_message_that_is_shown_is_the_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = re.search(r"```text\n(agents/weather\.yaml:7:3: .*?)```", PAGE, re.DOTALL)
    assert shown is not None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "weather.yaml").write_text("\n\n\n\nexecutor:\n  type: rate_limiting\n  batch_siz: 3\n")
    assert f"{as_text(check_manifest('agents/weather.yaml'))}\n" == shown[1]


CONVERSATIONS = (PAGE_FOLDER / CONVERSATIONS_PAGE).read_text("utf-8")
CONVERSATION_NAMES = set(re.findall(r"`([$\w.]+)`", CONVERSATIONS))
PARTS = (
    *(SuiteFile, DefaultsPart, CasePart, TurnPart, ExpectPart, FinallyPart, CallPart, ParallelPart),
    *(ReplyPart, JudgePart, StubPart, ScriptedPart),
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_of_conversations_is_in_a_table(part: type[BaseModel]) -> None:
    named = CONVERSATION_NAMES | {name.removeprefix("defaults.") for name in CONVERSATION_NAMES}
    assert {name for name, _ in hints(part)} <= named


def test_every_matcher_and_every_choice_is_in_a_table() -> None:
    assert set(MATCHERS) | set(TYPES) <= CONVERSATION_NAMES
    assert {word for texts in SUITE_CHOICES.values() for word in texts} <= CONVERSATION_NAMES


@pytest.fixture
def weather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of this project's agents and tools."""
    for folder in ("agents", "tools"):
        shutil.copytree(PAGE_FOLDER.parent / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_worked_example_is_good_and_has_twenty_lines(weather: Path) -> None:
    blocks = [fence.text for fence in fences("yaml") if fence.path.name == CONVERSATIONS_PAGE]
    (example,) = [text for text in blocks if "cases:" in text]
    (weather / "agents" / "example.conversations.yaml").write_text(example)
    assert check_suite("agents/example.conversations.yaml") == []
    assert len(example.splitlines()) == 20
    assert len(load_suite("agents/example.conversations.yaml").suite.cases[0].turns) == 3


def test_the_parts_that_are_shown_are_good(weather: Path) -> None:
    """Put in the place they are about."""
    shown = [yaml.safe_load(fence.text) for fence in fences("yaml") if fence.path.name == CONVERSATIONS_PAGE]
    turns = [each["turns"] for each in shown if "turns" in each]
    turns += [[{"user": "x", "expect": each["expect"]}] for each in shown if "expect" in each]
    args = next(each["args"] for each in shown if "args" in each)
    turns += [[{"user": "x", "expect": {"reply": {"json": args}}}]]
    assert len(turns) == 3
    cases = [{"name": str(number), "turns": each} for number, each in enumerate(turns)]
    (weather / "agents" / "parts.conversations.yaml").write_text(json.dumps({"agent": "weather.yaml", "cases": cases}))
    assert check_suite("agents/parts.conversations.yaml") == []


def test_the_message_about_conversations_is_the_real_one(weather: Path) -> None:
    shown = re.search(r"```text\n(agents/weather\.conversations\.yaml:7:.*?)```", CONVERSATIONS, re.DOTALL)
    assert shown is not None
    lines = re.findall(r"^ +7 \| (.*)$", shown[1], re.MULTILINE)
    before = "agent: weather.yaml\ncases:\n  - name: a\n    turns:\n      - user: Hello\n        expect:\n"
    (weather / "agents" / "weather.conversations.yaml").write_text(f"{before}{lines[0]}\n")
    assert f"{as_text(check_suite('agents/weather.conversations.yaml'))}\n" == shown[1]
