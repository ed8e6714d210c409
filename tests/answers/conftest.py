"""The strict server that also looks whether model contents come back as they were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers import GeminiServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    for name in ("GOOGLE_API_KEY", "CI", "AGENT_RUN_MODEL", "AGENT_RUN_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    with GeminiServer(verbatim=True) as server:
        server.stand_in(monkeypatch)
        yield server
