"""Turns on Redis: killed, paused and away; processes that are killed and frozen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.reliability.servers import ServerReliability
from tests.servers.redis import redis_server  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from runner.storages.redis import RedisChatStorage
    from tests.servers.redis import RedisServer


class TestRedisReliability(ServerReliability):
    @pytest.fixture
    def store(self, redis_server: RedisServer) -> RedisServer:  # noqa: F811
        return redis_server

    @pytest.fixture
    def url(self, store: RedisServer) -> str:
        return f"{store.url}?prefix=test-{os.urandom(6).hex()}"

    def be_patient(self, storage: RedisChatStorage, seconds: float) -> None:
        storage._database._server._patience.seconds = seconds
