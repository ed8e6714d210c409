from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from runner.models.limiting.quota import Quota
from tests.models.asking import TRANSPORTS, NewModel, gemini
from tests.servers import GeminiServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.models.gemini import GeminiModel
    from runner.models.gemini.model import TransportName

SETTINGS = ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_USE_VERTEXAI", "HTTPS_PROXY")


@pytest.fixture(scope="module", params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> TransportName:
    """Every test that asks Gemini runs once through each transport."""
    name: TransportName = request.param
    return name


@pytest.fixture(scope="module")
def new_model(transport: TransportName) -> NewModel:
    """Makes a model that talks to a server, for the test to close."""
    return partial(gemini, transport=transport)


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
def model(shared_server: GeminiServer, new_model: NewModel) -> GeminiModel:
    """One model for all tests of a module, each of which has an event loop of its own; nobody closes it."""
    return new_model(shared_server, connect_timeout=60.0, idle_timeout=60.0)


@pytest.fixture(autouse=True)
def own_quota(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry budget for each test, though their model is the same."""
    model = request.getfixturevalue("model") if "model" in request.fixturenames else None
    if hasattr(model, "_quota"):  # some tests have a parameter of that name
        monkeypatch.setattr(model, "_quota", Quota(""))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
