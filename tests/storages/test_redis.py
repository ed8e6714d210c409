"""`RedisChatStorage` keeps every promise of a storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import Agent, ManifestError, load_manifest
from runner.plugins import STORAGES
from runner.storages.redis import RedisChatStorage
from tests.servers.redis import redis_base_url, redis_url  # noqa: F401 - fixtures
from tests.storages.conformance import StorageConformance
from tests.storages.conformance_processes import ProcessesConformance

if TYPE_CHECKING:
    from pathlib import Path


class TestRedisChatStorage(StorageConformance):
    @pytest.fixture
    def storage(self, redis_url: str) -> RedisChatStorage:  # noqa: F811
        return RedisChatStorage(redis_url)


class TestRedisProcesses(ProcessesConformance):
    @pytest.fixture
    def where(self, redis_url: str) -> str:  # noqa: F811
        return redis_url


async def test_a_manifest_names_it(redis_url: str, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "agent.yaml").write_text(f"model: offline\nstorage: {redis_url}\n")
    async with Agent(load_manifest(tmp_path / "agent.yaml")) as agent:
        async for _ in agent.run("hello", chat_id="c"):
            pass
        assert repr(agent.storage) == f"RedisChatStorage('{redis_url.partition('?')[0]}')"
        assert [info.chat_id for info in await agent.storage.list_chats()] == ["agent/c"]


def test_without_its_package_the_line_that_installs_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STORAGES._drivers, "redis", "no_such_package")
    (tmp_path / "agent.yaml").write_text("model: offline\nstorage: redis://localhost\n")
    with pytest.raises(ManifestError, match=r"(?s)needs the package no_such_package.*pip install 'agent-run\[redis\]'"):
        load_manifest(tmp_path / "agent.yaml")
