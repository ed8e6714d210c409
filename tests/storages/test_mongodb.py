"""`MongoChatStorage` keeps every promise of a storage."""

from __future__ import annotations

import pytest

from runner.storages.mongodb import MongoChatStorage
from tests.servers.mongo import LEAVES_SOCKETS, mongo_base_url, mongo_shared_url, mongo_url  # noqa: F401 - fixtures
from tests.storages.conformance import StorageConformance
from tests.storages.conformance_processes import ProcessesConformance

pytestmark = LEAVES_SOCKETS


class TestMongoChatStorage(StorageConformance):
    @pytest.fixture
    def storage(self, mongo_url: str) -> MongoChatStorage:  # noqa: F811
        return MongoChatStorage(mongo_url)


class TestMongoProcesses(ProcessesConformance):
    turns = 5

    @pytest.fixture
    def where(self, mongo_url: str) -> str:  # noqa: F811
        return mongo_url
