"""The page shows what the command prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commands import command_in
from tests.docs.fences import ROOT, fences_of

if TYPE_CHECKING:
    from tests.commands import Run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return command_in(ROOT, monkeypatch, capsys)


@pytest.mark.parametrize(("language", "form"), [("console", "tree"), ("mermaid", "mermaid")])
def test_the_page_shows_the_graph_of_the_weather_agent(language: str, form: str, run: Run) -> None:
    """If not: copy what `agent-run graph agents/weather.yaml` prints, with and without `--format mermaid`."""
    (shown,) = [fence.text for fence in fences_of(ROOT / "docs" / "graph.md") if fence.language == language]
    printed = run("graph", "agents/weather.yaml", "--format", form).out
    assert shown.removeprefix("$ agent-run graph agents/weather.yaml\n") == printed
