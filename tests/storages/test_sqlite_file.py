"""What is wrong with a database is said in one line, and a file that is not ours is never touched."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner.errors import ChatStorageError
from runner.storages.sqlite import SqliteChatStorage
from runner.storages.sqlite_schema import APPLICATION_ID
from tests.storages.turns import say, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


@contextlib.contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def folder(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


async def refusal(path: Path, **options: float) -> str:
    """The one line that both a reader and a writer get."""
    async with SqliteChatStorage(path, **options) as storage:
        with pytest.raises(ChatStorageError) as reading:
            await storage.get_history("c")
        with pytest.raises(ChatStorageError) as writing:
            await storage.append("c", say("a"), 0)
        with pytest.raises(ChatStorageError) as acquiring:
            await storage.acquire("c", timeout=0)
    assert str(reading.value) == str(writing.value) == str(acquiring.value)
    assert "\n" not in str(reading.value)
    assert str(path) in str(reading.value)
    return str(reading.value)


@pytest.mark.parametrize("content", [b"hello", b"\x00" * 5000, b"SQLite format 3\x00", b"\x89PNG" * 100])
async def test_a_file_that_is_no_database_is_refused_and_not_touched(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "is not a SQLite database; it was left as it is" in await refusal(path)
    assert folder(path) == {"chats.db": content}


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE chat (x)",
        "PRAGMA application_id = 77",
        "PRAGMA user_version = 3",
        "PRAGMA journal_mode = WAL; CREATE TABLE notes (x)",
        "CREATE TABLE notes (x); DROP TABLE notes",
    ],
)
async def test_the_database_of_another_program_is_refused_and_not_touched(path: Path, script: str) -> None:
    with database(path) as connection:
        connection.executescript(script)
    before = folder(path)
    assert "belongs to another program; it was left as it is" in await refusal(path)
    assert folder(path) == before


async def test_another_programs_database_in_use_keeps_its_write_ahead_log(path: Path) -> None:
    with database(path) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE notes (x)")
        before = folder(path)
        assert "belongs to another program" in await refusal(path)
        assert folder(path) == before


async def test_a_database_of_a_newer_version_is_refused_and_not_touched(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        await storage.append("c", say("a"), 0)
    with database(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = folder(path)
    assert "newer agent-run (its format is 99, this one knows 2)" in await refusal(path)
    assert folder(path) == before


async def test_an_empty_file_is_taken_into_use(path: Path) -> None:
    path.touch()
    async with SqliteChatStorage(path) as storage:
        await storage.append("c", say("a"), 0)
    with database(path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_a_damaged_page_is_reported_and_left(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        await storage.append("c", say(*("x" * 3000 for _ in range(50))), 0)
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xa5" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    async with SqliteChatStorage(path) as storage:
        with pytest.raises(ChatStorageError, match="is damaged; it was left as it is"):
            await storage.get_history("c")
    assert path.read_bytes() == content


async def test_a_full_disk_is_said_and_what_was_stored_stays(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        await storage.append("c", say("first"), 0)
        await storage._thread.run(lambda connection: connection.execute("PRAGMA max_page_count = 20").fetchone())
        with pytest.raises(ChatStorageError, match="the disk is full; free some space and try again"):
            await storage.append("c", say("x" * 200_000), 1)
        assert words(await storage.get_history("c")) == ["first"]
        await storage._thread.run(lambda connection: connection.execute("PRAGMA max_page_count = 20000").fetchone())
        await storage.append("c", say("x" * 200_000), 1)


async def test_a_database_locked_by_another_program_is_reported_and_worth_another_try(path: Path) -> None:
    async with SqliteChatStorage(path, busy_timeout=0.1) as storage:
        await storage.append("c", say("a"), 0)
        with database(path) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(ChatStorageError, match="is locked by another program") as refused:
                await storage.append("c", say("b"), 1)
            assert refused.value.retryable
            assert words(await storage.get_history("c")) == ["a"]
        await storage.append("c", say("b"), 1)


async def test_opening_a_database_again_ends_no_lock_that_this_process_has_on_it(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        await storage.append("c", say("a"), 0)
    attempt = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
    with database(path) as mine:
        mine.executescript("PRAGMA journal_mode = DELETE; BEGIN IMMEDIATE")
        assert "is locked by another program" in await refusal(path, busy_timeout=0.01)
        other = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True, check=False)
    assert "database is locked" in other.stderr


async def test_a_database_that_is_being_made_by_another_is_waited_for_only_so_long(path: Path) -> None:
    with database(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "is locked by another program" in await refusal(path, busy_timeout=0.05)
    async with SqliteChatStorage(path) as storage:
        assert await storage.get_history("c") == []


async def test_a_file_removed_in_use_takes_no_more_writes(path: Path) -> None:
    async with SqliteChatStorage(path) as storage:
        await storage.append("c", say("a"), 0)
        path.unlink()
        with pytest.raises(ChatStorageError, match="was removed or replaced while in use; start again"):
            await storage.append("c", say("b"), 1)


async def test_a_place_that_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert "is not a file; choose another path" in await refusal(tmp_path / "folder")
    assert "is not a file; choose another path" in await refusal(tmp_path / "pipe")
    assert "not a directory" in (await refusal(tmp_path / "file" / "chats.db")).lower()
    async with SqliteChatStorage(tmp_path / "a\x00b") as storage:
        with pytest.raises(ChatStorageError, match="null"):
            await storage.get_history("c")
    async with SqliteChatStorage(tmp_path / ("x" * 300)) as storage:
        with pytest.raises(ChatStorageError, match="name too long"):
            await storage.get_history("c")


async def test_a_file_that_was_refused_can_be_used_once_it_is_put_right(path: Path) -> None:
    path.write_text("hello")
    async with SqliteChatStorage(path) as storage:
        with pytest.raises(ChatStorageError):
            await storage.get_history("c")
        path.unlink()
        await storage.append("c", say("a"), 0)
        assert words(await storage.get_history("c")) == ["a"]
