"""The strict server, and a plain connection to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers import GeminiServer, echo
from tests.servers.conversation import Client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer(answer=echo) as running:
        yield running


@pytest.fixture
def client(server: GeminiServer) -> Iterator[Client]:
    with Client(server.url) as connected:
        yield connected
