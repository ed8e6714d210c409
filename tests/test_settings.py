"""The environment is read alike whether pydantic-settings does it, for the sake of a `.env`, or we alone."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.settings import Settings
from runner.settings_file import settings_of_file

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    *("AGENT_RUN_MODEL", "AGENT_RUN_STORAGE", "GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "CI"),
    *("agent_run_model", "Agent_Run_Storage", "google_api_key", "Gemini_Api_Key", "google_gemini_base_url", "ci"),
    *("model", "MODEL", "storage", "STORAGE", "key", "KEY", "AGENT_RUN_KEY", "AGENT_RUN_CI", "agent_run_", "api_key"),
]
VALUES = st.sampled_from(["", " ", "0", "false", "true", "null", "offline", "{}", "[1]", "sqlite:///a.db", "Schlüssel"])


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / ".env"
    path.touch()
    return path


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
@settings(max_examples=300, deadline=None)
def test_the_environment_says_the_same_with_and_without_pydantic_settings(
    empty_file: Path, variables: dict[str, str]
) -> None:
    with patch.dict(os.environ, variables, clear=True):
        assert Settings.of_environment() == settings_of_file(empty_file)


def test_a_file_is_read_below_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("agent_run_model=of-file\nAGENT_RUN_STORAGE='memory:'\nAGENT_RUN_KEY=k\nother=1\n")
    monkeypatch.setenv("AGENT_RUN_MODEL", "of-environment")
    assert Settings.of_project(tmp_path) == Settings(model="of-environment", storage="memory:")


def test_what_the_environment_says_holds_where_a_file_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"AGENT_RUN_MODEL=\xff\n")
    monkeypatch.setenv("AGENT_RUN_STORAGE", "memory:")
    assert Settings.of_project(tmp_path) == Settings(storage="memory:")


def test_no_file_needs_no_pydantic_settings(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from runner.settings import Settings; "
        "print(Settings.of_project(Path(sys.argv[1])).model, 'pydantic_settings' in sys.modules)"
    )
    env = {**os.environ, "AGENT_RUN_MODEL": "offline"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout.split() == ["offline", "False"]
