"""The public API, and every Python block of the documents, as a strict type checker sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.fences import fences
from tests.guards.imports import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_the_public_api_and_the_documents_are_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mypy --strict` finds nothing to say about tests/typing_api.py and what the documents show."""
    api = pytest.importorskip("mypy.api", reason="mypy is not installed: pip install -e '.[lint]'")
    monkeypatch.chdir(ROOT)
    for fence in fences("python"):
        name = f"{fence.path.stem.lower().replace('-', '_')}_line_{fence.line}.py"
        (tmp_path / name).write_text(fence.text, encoding="utf-8")
    found, problem, _ = api.run(["--strict", "tests/typing_api.py", *map(str, sorted(tmp_path.glob("*.py")))])
    assert not problem, problem
    ours = [line for line in found.splitlines() if not line.startswith(("Success", "Found", "runner/"))]
    assert not ours, "\n".join(ours)
