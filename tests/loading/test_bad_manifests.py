"""Every bad manifest of tests/manifests is told with exactly the text that stands beside it.

So is every bad conversations file of tests/suites.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from runner.loading.codes import codes
from tests.loading.projects import MANIFESTS, SUITES, Case, Kind, cases, told, write_project

if TYPE_CHECKING:
    from pathlib import Path

CASES, SUITE_CASES = cases(), cases(SUITES)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project").resolve()
    write_project(folder)
    return folder


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_bad_manifest_is_told_exactly(case: Case, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With file, line and column, the line and a caret, what was expected, and what was probably meant."""
    judge(case, project, MANIFESTS, monkeypatch)


@pytest.mark.parametrize("case", SUITE_CASES, ids=str)
def test_a_bad_conversations_file_is_told_exactly(case: Case, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge(case, project, SUITES, monkeypatch)


def judge(case: Case, project: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project)
    modules = set(sys.modules)
    assert told(case, project, kind) == case.expected
    imported = {name.partition(".")[0] for name in set(sys.modules) - modules}
    assert not imported & {"tools", "parts", "google"}


def test_there_are_enough_of_them_and_each_is_there_once() -> None:
    assert len(CASES) >= 300
    assert len(SUITE_CASES) >= 100
    twice = [name for name, number in Counter([*map(str, CASES), *map(repr, SUITE_CASES)]).items() if number > 1]
    assert not twice


def test_nearly_every_code_has_a_case() -> None:
    """The rest needs more than a file: one that cannot be read, a missing driver, a module that fails at run."""
    shown = "".join(case.expected for case in (*CASES, *SUITE_CASES))
    assert {code for code in codes() if f"[{code}]" not in shown} <= {"E100", "E111", "E173", "E190"}
