"""A project of real files: a model that says its instructions and what a tool of two modules gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reload.scene import Scene

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def patient_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    for name in ("AGENT_RUN_MODEL", "AGENT_RUN_STORAGE", "GEMINI_API_KEY", "GOOGLE_API_KEY", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Scene(tmp_path / "project")


@pytest.fixture
def scene(patient_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The same, with shorter waits than those of people who save files."""
    monkeypatch.setattr("runner.reload.touches.QUIET", 0.05)
    monkeypatch.setattr("runner.project._START_DELAY", 0.01)
    return patient_scene
