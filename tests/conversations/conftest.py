from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conversations.projects import Project
from tests.servers import GeminiServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test finds a way to Gemini by itself."""
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "AGENT_RUN_MODEL", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    """The strict Gemini server, in the place of Gemini."""
    with GeminiServer() as running:
        running.stand_in(monkeypatch)
        yield running
