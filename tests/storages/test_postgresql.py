"""`PostgresChatStorage` keeps every promise of a storage."""

from __future__ import annotations

import pytest

from runner.storages.postgresql import PostgresChatStorage
from tests.servers.postgres import postgres_base_url, postgres_url  # noqa: F401 - fixtures
from tests.storages.conformance import StorageConformance
from tests.storages.conformance_processes import ProcessesConformance


class TestPostgresChatStorage(StorageConformance):
    @pytest.fixture
    def storage(self, postgres_url: str) -> PostgresChatStorage:  # noqa: F811
        return PostgresChatStorage(postgres_url)


class TestPostgresProcesses(ProcessesConformance):
    @pytest.fixture
    def where(self, postgres_url: str) -> str:  # noqa: F811
        return postgres_url
