"""A MongoDB server that is away, silent, forbidding or newer; what is said then, and what is stored."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.servers.mongo import MongoServer, mongo_server  # noqa: F401 - a fixture
from tests.storages.conformance_faults import FaultsConformance

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server(mongo_server: MongoServer) -> MongoServer:  # noqa: F811
    return mongo_server


@pytest.fixture
def url(server: MongoServer) -> Iterator[str]:
    """A database of its own; what the replica set says of itself is not followed, but the way by the proxy."""
    database = f"test_{os.urandom(6).hex()}"
    yield f"mongodb://127.0.0.1:{server.port}/{database}?directConnection=true"
    with server.client() as client:
        client.drop_database(database)


class TestMongoFaults(FaultsConformance):
    patience_when_down = 2.0
    quick = 1.0
