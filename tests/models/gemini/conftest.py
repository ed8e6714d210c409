from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.models.asking import gemini
from tests.servers import GeminiServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.models.gemini import GeminiModel

SETTINGS = ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_USE_VERTEXAI", "HTTPS_PROXY")


@pytest.fixture(scope="module")
def shared_server() -> Iterator[GeminiServer]:
    with GeminiServer(verbatim=True) as server:
        yield server


@pytest.fixture
def server(shared_server: GeminiServer) -> Iterator[GeminiServer]:
    """A server whose scripts are used up at the end of the test."""
    yield shared_server
    unused = shared_server.unused
    shared_server.service._scripts.clear()
    shared_server.clear()
    assert unused == 0


@pytest.fixture(scope="module")
def model(shared_server: GeminiServer) -> GeminiModel:
    """One model for all tests of a module, each of which has an event loop of its own; nobody closes it."""
    return gemini(shared_server, connect_timeout=2.0, idle_timeout=5.0)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
