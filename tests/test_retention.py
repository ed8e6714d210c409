"""Old chats are deleted when a turn has ended: the agent's own, at most once an hour over all who share a storage."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from runner.agent import Agent
from runner.chats import ChatManager
from runner.messages import to_json
from runner.retention import EVERY, Retention
from runner.storages.memory import LocalChatStorage
from runner.storages.sqlite import SqliteChatStorage
from tests.cli.keeping import age, stored
from tests.storages.test_base import ThreeMethods
from tests.storages.turns import say

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0
KEY = "retention a/"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


async def keep_old(storage: SqliteChatStorage, *keys: str) -> None:
    for key in keys:
        await storage.append(key, say("x"), 0)
        age(storage.path, key, 2)


async def look(storage: SqliteChatStorage) -> None:
    retention = Retention(storage, "a/", DAY)
    retention.begin()
    await retention.aclose()


async def test_only_old_chats_of_the_agent_are_deleted(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        await keep_old(storage, "a/old", "b/old", "a/held")
        await storage.append("a/new", say("x"), 0)
        async with await storage.acquire("a/held"):
            await look(storage)
        assert sorted(stored(path)) == ["a/held", "a/new", "b/old"]


async def test_over_all_who_share_a_storage_old_chats_are_looked_for_once_an_hour(path: Path) -> None:
    async with SqliteChatStorage(path) as one, SqliteChatStorage(path) as two:
        await look(one)
        await keep_old(one, "a/old")
        await asyncio.gather(look(one), look(two))
        assert "a/old" in stored(path)
        last = await two.shared.get(KEY)
        assert last is not None
        assert await two.shared.put_if(KEY, to_json({"at": 0}), last.version) is not None
        await asyncio.gather(*(look(storage) for storage in (one, two) * 4))
        assert stored(path) == {}


async def test_a_time_that_is_still_to_come_does_not_keep_anyone_from_looking(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        await keep_old(storage, "a/old")
        await storage.shared.put_if(KEY, to_json({"at": 10.0**12}), None)
        await look(storage)
        assert stored(path) == {}


async def test_a_manager_begins_to_look_when_a_chat_is_free_again_and_not_within_the_hour(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        retention = Retention(storage, "a/", DAY)
        manager = ChatManager(storage, namespace="a", retention=retention)
        await keep_old(storage, "a/old")
        async with manager.open("c") as chat:
            await chat.append(*say("hello"))
            assert "a/old" in stored(path)
        await retention.aclose()
        assert sorted(stored(path)) == ["a/c"]
        async with manager.open("c"):
            pass
        assert retention._task is None
        assert EVERY == 3600


async def test_a_storage_that_cannot_list_or_fails_is_a_warning_and_no_failed_turn(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "agent_run")
    path.write_text("hello")
    for storage in (ThreeMethods(), SqliteChatStorage(path)):
        async with storage:
            retention = Retention(storage, "a/", DAY)
            retention.begin()
            await retention.aclose()
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "retention: old chats could not be deleted: ThreeMethods.list_chats is not implemented"
    assert "is not a SQLite database" in told[1]


async def test_longer_than_there_are_dates_is_for_ever() -> None:
    storage = LocalChatStorage()
    await storage.append("a/c", say("x"), 0)
    assert await Retention(storage, "a/", 1e15).apply() == 0


def test_one_manager_may_be_used_from_several_event_loops(path: Path) -> None:
    storage = SqliteChatStorage(path)
    retention = Retention(storage, "a/", DAY)
    manager = ChatManager(storage, namespace="a", retention=retention)

    async def turn() -> None:
        async with manager.open("c") as chat:
            await chat.append(*say("hello"))

    async def close() -> None:
        await retention.aclose()
        await storage.aclose()

    asyncio.run(turn())
    asyncio.run(close())


async def test_an_agent_deletes_as_its_manifest_says_and_waits_for_it_when_it_is_closed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "a.yaml").write_text(
        "model: offline\nstorage: {type: sqlite, url: 'sqlite:///chats.db', retention: 1d}\n"
    )
    async with SqliteChatStorage(tmp_path / "chats.db") as storage:
        await keep_old(storage, "a/old", "b/old")
    async with Agent.from_file(tmp_path / "a.yaml") as agent:
        async for _ in agent.run("hello", chat_id="c"):
            pass
    assert sorted(stored(tmp_path / "chats.db")) == ["a/c", "b/old"]


async def test_another_retention_keeps_the_storage_as_it_is(tmp_path: Path) -> None:
    """As a reload makes it: chats in memory stay."""
    (tmp_path / "a.yaml").write_text("model: offline\nstorage: 'memory:'\n")
    async with Agent.from_file(tmp_path / "a.yaml") as agent:
        (tmp_path / "a.yaml").write_text("model: offline\nstorage: {type: memory, url: 'memory:', retention: 1d}\n")
        from runner.loading import load_manifest

        async with Agent(load_manifest(tmp_path / "a.yaml"), previous=agent) as next_one:
            assert next_one.storage is agent.storage
