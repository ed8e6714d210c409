"""Turns on PostgreSQL: killed, paused and away; processes that are killed and frozen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.reliability.servers import ServerReliability
from tests.servers.postgres import postgres_server  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from runner.storages.postgresql import PostgresChatStorage
    from tests.servers.postgres import PostgresServer


class TestPostgresReliability(ServerReliability):
    @pytest.fixture
    def store(self, postgres_server: PostgresServer) -> PostgresServer:  # noqa: F811
        return postgres_server

    @pytest.fixture
    def url(self, store: PostgresServer) -> str:
        schema = f"test_{os.urandom(6).hex()}"
        store.sql(f"CREATE SCHEMA {schema}")
        return f"{store.url}?options=-csearch_path%3D{schema}"

    def be_patient(self, storage: PostgresChatStorage, seconds: float) -> None:
        storage._database._patience.seconds = seconds
