"""The page about the manifest names every key, and shows what the checker really says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from runner.loading import check_manifest
from runner.loading.fields import hints, model_at
from runner.loading.formats import as_text
from runner.manifest import AgentManifest

if TYPE_CHECKING:
    import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "manifest.md").read_text("utf-8")
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
