"""The place where documented examples run: an empty folder, and the strict local Gemini server in the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.answers import KEY, answer
from tests.servers import GeminiServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def gemini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    """The server; afterwards it has refused nothing."""
    for name in ("GOOGLE_API_KEY", "CI", "AGENT_RUN_MODEL", "AGENT_RUN_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with GeminiServer(key=KEY, answer=answer) as server:
        server.stand_in(monkeypatch)
        yield server
        assert [request.error for request in server.refused] == []
