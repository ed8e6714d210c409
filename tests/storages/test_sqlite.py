"""`SqliteChatStorage` keeps every promise of a storage, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sqlite3
import threading
from pathlib import Path

import pytest

from runner.errors import ChatChangedError, ChatStorageError, ManifestError
from runner.storages.sqlite import SqliteChatStorage
from tests.storages.conformance import StorageConformance
from tests.storages.conformance_faults import until
from tests.storages.conformance_words import in_threads
from tests.storages.turns import add_under_lease, assert_in_order, say, words


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "agent-run-sqlite"]


class TestSqliteChatStorage(StorageConformance):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> SqliteChatStorage:
        return SqliteChatStorage(tmp_path / "chats.db")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


async def test_making_and_closing_a_storage_touches_nothing(tmp_path: Path) -> None:
    async with SqliteChatStorage(tmp_path / "a" / "chats.db"):
        assert threads() == []
    assert list(tmp_path.iterdir()) == []


async def test_chats_are_there_for_the_next_storage(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        await storage.append("c", say("a"), 0)
    async with SqliteChatStorage(str(path)) as storage:
        assert words(await storage.get_history("c")) == ["a"]


async def test_aclose_ends_the_thread_and_leaves_one_file_and_a_later_use_opens_again(path: Path) -> None:
    storage = SqliteChatStorage(path)
    await storage.append("c", say("a"), 0)
    assert threads() == ["agent-run-sqlite"]
    await storage.aclose()
    await storage.aclose()
    assert threads() == []
    assert [file.name for file in path.parent.iterdir()] == ["chats.db"]
    await storage.append("c", say("b"), 1)
    await storage.aclose()


async def test_a_forgotten_storage_ends_its_thread(path: Path) -> None:
    storage = SqliteChatStorage(path)
    await storage.append("c", say("a"), 0)
    del storage
    gc.collect()
    await until(lambda: threads() == [])  # it is waited for for a second; a slow disk may take longer
    assert [file.name for file in path.parent.iterdir()] == ["chats.db"]


async def test_aclose_frees_what_is_still_held_and_the_lease_knows(path: Path) -> None:
    storage = SqliteChatStorage(path)
    lease = await storage.acquire("c")
    await storage.aclose()
    async with SqliteChatStorage(path) as other:
        await (await other.acquire("c", timeout=0)).release()
    with pytest.raises(ChatChangedError):
        await lease.renew()
    await lease.release()
    assert threads() == []


def test_one_storage_serves_several_event_loops_over_time_and_at_once(path: Path) -> None:
    storage = SqliteChatStorage(path)
    for number in range(3):
        asyncio.run(add_under_lease(storage, "c", f"loop {number}"))
    in_threads(4, lambda number: add_under_lease(storage, f"chat {number}", "thread"))
    assert len(asyncio.run(storage.get_history("c"))) == 3
    asyncio.run(storage.aclose())


def test_an_event_loop_may_be_closed_while_a_job_runs(path: Path) -> None:
    storage = SqliteChatStorage(path)
    for number in range(20):
        loop = asyncio.new_event_loop()
        task = loop.create_task(storage.append("c", say(number), number))
        loop.run_until_complete(asyncio.sleep(0))
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        loop.close()
        del task
    assert len(asyncio.run(storage.get_history("c"))) == 20
    asyncio.run(storage.aclose())


async def test_two_storages_on_one_file_exclude_each_other(path: Path) -> None:
    async with SqliteChatStorage(path) as one, SqliteChatStorage(path) as two:
        storages = (one, two)
        await asyncio.gather(*(add_under_lease(storages[n % 2], "c", f"task {n}") for n in range(10)))
        assert_in_order(await one.get_history("c"), 10)


async def test_the_table_of_leases_holds_only_what_is_held(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        async with await storage.acquire("a"), await storage.acquire("b"):
            assert count(path, "lease") == 2
        assert count(path, "lease") == 0


async def test_a_lease_renews_itself_while_it_is_held(path: Path) -> None:
    async with SqliteChatStorage(path, lease_time=0.06) as storage, await storage.acquire("c") as lease:
        while count(path, "lease WHERE counter > 2") == 0:
            await asyncio.sleep(0.01)
        await lease.check()


async def test_a_lease_that_is_forgotten_lapses(path: Path) -> None:
    async with SqliteChatStorage(path, lease_time=0.1) as one, SqliteChatStorage(path, lease_time=0.1) as two:
        await one.acquire("c")
        gc.collect()
        await (await two.acquire("c", timeout=60)).release()


async def test_a_lease_that_went_to_another_stops_its_former_owner(path: Path) -> None:
    async with SqliteChatStorage(path) as storage, await storage.acquire("c") as lease:
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE lease SET owner = 'someone else', epoch = epoch + 1")
        with pytest.raises(ChatChangedError, match="went to another owner"):
            await storage.append("c", say("a"), 0)
        with pytest.raises(ChatChangedError, match="went to another owner"):
            await storage.update_history("c", say("a"))
        with pytest.raises(ChatChangedError, match="went to another owner"):
            await lease.renew()
        with pytest.raises(ChatChangedError, match="went to another owner"):
            await lease.check()
        assert await storage.get_history("c") == []
    assert count(path, "lease") == 1


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("sqlite:///chats.db", "root/chats.db"),
        ("sqlite:///./data/../chats.db", "root/./data/../chats.db"),
        ("sqlite:///.agent-run/chats.db", "root/.agent-run/chats.db"),
    ],
)
def test_a_relative_url_is_relative_to_the_root(tmp_path: Path, url: str, where: str) -> None:
    assert SqliteChatStorage.from_url(url, root=tmp_path / "root").path == tmp_path / where


def test_an_absolute_url_has_four_slashes(tmp_path: Path) -> None:
    assert SqliteChatStorage.from_url("sqlite:////data/chats.db", root=tmp_path).path == Path("/data/chats.db")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:chats.db", "is not sqlite:///relative.db or sqlite:////absolute.db"),
        ("sqlite://chats.db", "is not sqlite:///relative.db"),
        ("sqlite:///", "is not sqlite:///relative.db"),
        ("sqlite:////", "is not sqlite:///relative.db"),
        ("sqlite:///chats.db?mode=ro", "is not sqlite:///relative.db"),
        ("postgresql:///chats", "is not sqlite:///relative.db"),
        ("sqlite:///:memory:", 'write "memory:"'),
        ("sqlite:///../chats.db", "leads out of the project"),
        ("sqlite:///a/../../chats.db", "leads out of the project"),
    ],
)
def test_a_wrong_url_says_what_to_write(tmp_path: Path, url: str, why: str) -> None:
    with pytest.raises(ManifestError, match=why):
        SqliteChatStorage.from_url(url, root=tmp_path)


async def test_folders_of_a_relative_path_are_made_those_of_an_absolute_one_are_not(tmp_path: Path) -> None:
    async with SqliteChatStorage.from_url("sqlite:///a/b/chats.db", root=tmp_path) as storage:
        await storage.append("c", say("a"), 0)
    assert (tmp_path / "a/b/chats.db").exists()
    async with SqliteChatStorage(tmp_path / "x" / "chats.db") as storage:
        with pytest.raises(ChatStorageError, match=r"folder .*/x does not exist; make it: mkdir -p"):
            await storage.get_history("c")
    assert not (tmp_path / "x").exists()


async def test_a_relative_path_stays_where_it_was_when_the_storage_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = SqliteChatStorage("chats.db")
    monkeypatch.chdir("/")
    assert storage.path == tmp_path / "chats.db"
    assert repr(storage) == f"SqliteChatStorage('{tmp_path}/chats.db')"


def count(path: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - the test's own text
