"""A chat database is brought up to date, kept small, and rid of what nobody holds any more."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.chats import ChatManager
from runner.errors import ChatStorageError
from runner.storages.base import every_chat
from runner.storages.sqlite import SqliteChatStorage
from tests.storages.child import ROOT
from tests.storages.turns import say, words

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION_1 = Path(__file__).with_name("version_1.db")
"""Written by the release before the table of shared values: an open turn, a hostile id, a chat of another agent."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


@contextlib.contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def number(path: Path, query: str) -> int:
    with database(path) as connection:
        return int(connection.execute(query).fetchone()[0])


def tables(path: Path) -> list[tuple[str, str]]:
    with database(path) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()


# bringing up to date


async def test_a_database_of_version_1_is_brought_up_to_date_with_every_chat_in_it(path: Path) -> None:
    shutil.copy(VERSION_1, path)
    async with SqliteChatStorage(path) as storage:
        listed = [(info.chat_id, info.length) for info in await storage.list_chats()]
        assert listed == [("other/1", 2), ("weather/\ud83d\x00", 2), ("weather/open", 3)]
        before = {chat: [(e.content_json, e.meta_json) for e in await storage.get_history(chat)] for chat, _ in listed}
        assert await storage.shared.put_if("k", "one", None) is not None
    assert number(path, "PRAGMA user_version") == 2
    with database(VERSION_1) as old:
        rows = old.execute("SELECT chat.key, content, meta FROM message JOIN chat ON chat = chat.id ORDER BY seq")
        stored: dict[str, list[tuple[str, str]]] = {}
        for key, content, meta in rows:
            stored.setdefault(key.decode("utf-8", "surrogatepass"), []).append((content, meta))
    assert before == stored


async def test_the_tables_of_an_old_database_become_those_of_a_new_one(path: Path, tmp_path: Path) -> None:
    shutil.copy(VERSION_1, path)
    for file in (path, tmp_path / "new.db"):
        async with SqliteChatStorage(file) as storage:
            await storage.append("c", say("a"), 0)
    assert tables(path) == tables(tmp_path / "new.db")


async def test_an_open_turn_of_version_1_is_closed_and_continued(path: Path) -> None:
    shutil.copy(VERSION_1, path)
    async with SqliteChatStorage(path) as storage:
        async with ChatManager(storage, namespace="weather").open("open") as chat:
            assert chat.log[3].meta["results"] == ["outcome_unknown"]
            assert chat.next_turn == 2
        async with await storage.acquire("weather/open") as lease:
            assert lease.epoch > 2


def test_many_who_open_a_database_of_version_1_at_once_all_succeed(path: Path) -> None:
    shutil.copy(VERSION_1, path)
    command = [sys.executable, "-m", "tests.storages.child", "first_open", str(path), "6"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    children = [subprocess.Popen(command, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    try:
        for child in children:
            assert child.stdout.readline() == "ready\n"
        for child in children:
            child.stdin.write("\n")
            child.stdin.flush()
        assert [child.communicate(timeout=120)[0] for child in children] == ["['done']\n"] * 3
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert number(path, "PRAGMA user_version") == 2
    assert number(path, "SELECT count(*) FROM chat") == 3 + 18


async def test_who_has_the_database_open_when_it_is_brought_up_to_date_works_on(path: Path) -> None:
    shutil.copy(VERSION_1, path)
    with database(path) as old:
        old.execute("SELECT count(*) FROM chat").fetchone()
        async with SqliteChatStorage(path) as storage:
            assert len(await storage.list_chats()) == 3
        old.execute("UPDATE chat SET length = length WHERE id = 1")
        assert old.execute("SELECT count(*) FROM lease").fetchone() == (0,)


# giving room back


async def test_vacuum_makes_the_file_small_again_and_needs_no_rebuild_for_it(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        for chat in range(10):
            await storage.append(f"chat {chat}", say(*("x" * 10_000 for _ in range(40))), 0)
        await storage.vacuum()
        full = path.stat().st_size
        for chat in range(1, 10):
            await storage.delete(f"chat {chat}")
        await storage.vacuum()
        assert path.stat().st_size < full / 5
        assert len(await storage.get_history("chat 0")) == 40
    assert number(path, "PRAGMA freelist_count") == 0
    assert number(path, "PRAGMA auto_vacuum") == 2


async def test_a_database_of_version_1_is_rebuilt_once_so_that_it_can_shrink(path: Path) -> None:
    shutil.copy(VERSION_1, path)
    async with SqliteChatStorage(path) as storage:
        assert number(path, "PRAGMA auto_vacuum") == 0
        await storage.vacuum()
        assert number(path, "PRAGMA auto_vacuum") == 2
        assert len(await storage.list_chats()) == 3


async def test_turns_go_on_while_old_chats_are_deleted_and_room_is_given_back(path: Path) -> None:
    async with SqliteChatStorage(path) as storage, SqliteChatStorage(path) as other:
        for chat in range(120):
            await storage.append(f"old/{chat}", say("x" * 2000), 0)

        async def talk() -> int:
            for turn in range(30):
                async with await other.acquire("new") as lease:
                    await lease.check()
                    await other.append("new", say(turn), turn)
            return 30

        later = datetime.now(UTC) + timedelta(days=1)
        deleted, turns = await asyncio.gather(storage.delete_older("old/", later), talk())
        await storage.vacuum()
        assert (deleted, turns) == (120, 30)
        assert words(await storage.get_history("new")) == [str(turn) for turn in range(30)]
        assert [info.chat_id async for info in every_chat(storage)] == ["new"]


async def test_vacuum_refuses_a_file_that_was_replaced_meanwhile(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        await storage.append("c", say("a"), 0)
        path.unlink()
        with pytest.raises(ChatStorageError, match="was removed or replaced while in use"):
            await storage.vacuum()


# leases


async def test_vacuum_drops_the_leases_of_those_who_ended_or_stand_still_and_no_other(path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from runner.storages.processes import own_mark; print(own_mark())"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout.strip()
    add = "INSERT INTO lease (chat, owner, counter, process, since) VALUES (?, ?, 7, ?, 'long ago')"
    async with (
        SqliteChatStorage(path, lease_time=0.3) as storage,
        await storage.acquire("held") as held,
        await storage.shared.acquire("held"),
    ):
        with database(path) as connection:
            connection.execute(add, (b"ended", "a process that ended", ended))
            connection.execute(add, (b"silent", "a process on another machine", "elsewhere|1:1"))
        await storage.vacuum()
        with database(path) as connection:
            keys = connection.execute("SELECT chat FROM lease ORDER BY chat").fetchall()
        assert keys == [(b"held",), (b"\xffheld",)]
        await held.renew()


async def test_a_chat_whose_holder_ended_is_old_like_any_other(path: Path) -> None:
    command = [sys.executable, "-m", "tests.storages.child", "forgetful", str(path)]
    async with SqliteChatStorage(path) as storage:
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True, cwd=ROOT)
        assert done.stdout == "done\n"
        assert await storage.delete_older("", datetime.now(UTC) + timedelta(days=1)) == 1


# what is shared


async def test_two_storages_on_one_file_share_their_values_and_leases(path: Path) -> None:
    async with SqliteChatStorage(path) as one, SqliteChatStorage(path) as two:
        token = await one.shared.put_if("k", "one", None)
        assert await two.shared.put_if("k", "two", None) is None
        assert await two.shared.put_if("k", "two", token) is not None
        async with await one.shared.acquire("k"):
            with pytest.raises(ChatStorageError, match="shared key 'k' is in use"):
                await two.shared.acquire("k", timeout=0)
        await (await two.shared.acquire("k", timeout=0)).release()


async def test_another_process_deletes_and_a_known_log_is_read_anew(path: Path) -> None:
    """What a process remembers of a chat is of one incarnation: a chat deleted or replaced elsewhere is another one."""
    async with SqliteChatStorage(path) as one, SqliteChatStorage(path) as two:
        manager = ChatManager(one)
        for turn in range(2):
            async with manager.open("c") as chat:
                await chat.append(*say(f"old {turn}"))
        await two.delete("c")
        async with manager.open("c") as chat:
            assert chat.log == []
            await chat.append(*say("new 0", "new 1"))
        async with manager.open("c") as chat:
            assert words(chat.log)[:2] == ["new 0", "new 1"]
        await two.update_history("c", say("imported", "there"))
        async with manager.open("c") as chat:
            assert words(chat.messages)[:2] == ["imported", "there"]
