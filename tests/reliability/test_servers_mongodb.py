"""Turns on a MongoDB server: killed, paused and away; processes that are killed and frozen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.reliability.servers import ServerReliability
from tests.servers.mongo import LEAVES_SOCKETS, mongo_server  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from runner.storages.mongodb import MongoChatStorage
    from tests.servers.mongo import MongoServer

pytestmark = LEAVES_SOCKETS


class TestMongoReliability(ServerReliability):
    @pytest.fixture
    def store(self, mongo_server: MongoServer) -> MongoServer:  # noqa: F811
        return mongo_server

    @pytest.fixture
    def url(self, store: MongoServer) -> str:
        return f"mongodb://127.0.0.1:{store.port}/test_{os.urandom(6).hex()}?directConnection=true"

    def be_patient(self, storage: MongoChatStorage, seconds: float) -> None:
        storage._database._patience.seconds = seconds
