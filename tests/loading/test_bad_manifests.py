"""Every bad manifest of tests/manifests is told with exactly the text that stands beside it."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from runner.loading.codes import codes
from tests.loading.projects import Case, cases, told, write_project

if TYPE_CHECKING:
    from pathlib import Path

CASES = cases()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project").resolve()
    write_project(folder)
    return folder


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_bad_manifest_is_told_exactly(case: Case, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With file, line and column, the line and a caret, what was expected, and what was probably meant."""
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project)
    modules = set(sys.modules)
    assert told(case, project) == case.expected
    imported = {
        name for name in set(sys.modules) - modules if name.partition(".")[0] not in {"runner", "jinja2", "dotenv"}
    }
    assert not imported & {"tools", "parts", "google"}


def test_there_are_enough_of_them_and_each_is_there_once() -> None:
    assert len(CASES) >= 300
    twice = [name for name, number in Counter(map(str, CASES)).items() if number > 1]
    assert not twice


def test_nearly_every_code_has_a_case() -> None:
    """The rest needs more than a manifest: a file that cannot be read, a missing driver, a module that fails at run."""
    shown = "".join(case.expected for case in CASES)
    assert {code for code in codes() if f"[{code}]" not in shown} <= {"E100", "E111", "E173", "E190"}
