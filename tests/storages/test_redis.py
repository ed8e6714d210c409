"""`RedisChatStorage` keeps every promise of a storage."""

from __future__ import annotations

import pytest

from runner.storages.redis import RedisChatStorage
from tests.servers.redis import redis_base_url, redis_url  # noqa: F401 - fixtures
from tests.storages.conformance import StorageConformance
from tests.storages.conformance_processes import ProcessesConformance


class TestRedisChatStorage(StorageConformance):
    @pytest.fixture
    def storage(self, redis_url: str) -> RedisChatStorage:  # noqa: F811
        return RedisChatStorage(redis_url)


class TestRedisProcesses(ProcessesConformance):
    @pytest.fixture
    def where(self, redis_url: str) -> str:  # noqa: F811
        return redis_url
