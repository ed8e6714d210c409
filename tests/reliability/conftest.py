"""The server, the storages, and the watch over what is only logged."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING

import pytest

from runner import LocalChatStorage, SqliteChatStorage
from tests.servers import GeminiServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner import ChatStorage


@pytest.fixture(scope="package", autouse=True)
def quick_collections() -> Iterator[None]:
    """The many garbage collections of these tests need not walk over the SDK, which takes a tenth of a second."""
    import google.genai  # noqa: F401  # so that it is there to be frozen

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    """The strict server; every model content must come back as it was sent, unless a test asks for other options."""
    with GeminiServer(**({"verbatim": True} | getattr(request, "param", {}))) as running:
        running.stand_in(monkeypatch)
        yield running


@pytest.fixture
def storage(tmp_path: Path) -> ChatStorage:
    return SqliteChatStorage(tmp_path / "chats.db")


@pytest.fixture(params=["memory", "sqlite"])
def each_storage(request: pytest.FixtureRequest, tmp_path: Path) -> ChatStorage:
    return LocalChatStorage() if request.param == "memory" else SqliteChatStorage(tmp_path / "chats.db")


@pytest.fixture(autouse=True)
def quiet_asyncio(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail on what asyncio can only log: an exception never retrieved, a task destroyed while pending."""
    yield
    gc.collect()
    said = [record.getMessage() for record in caplog.get_records("call") if record.name == "asyncio"]
    said = [message for message in said if "took" not in message and "selector" not in message]
    assert not said, said


@pytest.fixture(autouse=True)
def debug_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "agent_run")
