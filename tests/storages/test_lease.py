"""A lease outlives trouble that is not a takeover, and nobody is taken for dead by mistake."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner.errors import ChatBusyError, ChatStorageError
from runner.storages.lease import Holder, Watch
from runner.storages.processes import is_gone, own_mark
from runner.storages.sqlite import SqliteChatStorage
from tests.storages.turns import say

if TYPE_CHECKING:
    from pathlib import Path

    from runner.storages.lease import Lease

linux = pytest.mark.skipif(sys.platform != "linux", reason="marks exist on Linux only")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What `time.monotonic` says until the end of the test."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_a_waiter_that_was_frozen_does_not_take_the_owner_for_dead(clock: list[float]) -> None:
    watch = Watch(0.2)
    watch.saw(Holder("owner", 1))
    clock[0] += 0.3
    watch.saw(Holder("owner", 1))
    assert watch.silent is None


def test_a_waiter_takes_an_owner_for_dead_only_when_its_counter_stood_still(clock: list[float]) -> None:
    watch = Watch(0.02)
    for counter in range(10):
        watch.saw(Holder("owner", 1, counter))
        clock[0] += 0.005
        assert watch.silent is None
    for _ in range(10):
        watch.saw(Holder("owner", 1, 10))
        clock[0] += 0.005
    assert watch.silent == Holder("owner", 1, 10)


async def test_a_lease_survives_a_time_in_which_the_store_cannot_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    async with (
        SqliteChatStorage(path, lease_time=0.1, busy_timeout=0.02) as storage,
        await storage.acquire("c") as lease,
    ):
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(ChatStorageError, match="is locked by another program") as refused:
                await checked_for_ever(lease)
            assert not isinstance(refused.value, ChatBusyError)
        await lease.check()
        await storage.append("c", say("a"), 0)


async def checked_for_ever(lease: Lease) -> None:
    while True:
        await lease.check()
        await asyncio.sleep(0)


async def test_a_lease_that_cannot_be_released_says_so_in_the_log_and_lapses(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent_run")
    async with SqliteChatStorage(tmp_path / "chats.db") as storage:
        async with await storage.acquire("c"):
            (tmp_path / "chats.db").unlink()
        assert "a lease could not be released and will lapse" in caplog.text


@linux
def test_a_process_that_lives_is_not_gone() -> None:
    mark = own_mark()
    assert mark.rpartition("|")[2].startswith(f"{os.getpid()}:")
    assert not is_gone(mark)


@linux
def test_a_process_that_ended_or_gave_its_number_to_another_is_gone() -> None:
    show = "from runner.storages.processes import own_mark; print(own_mark())"
    ended = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout.strip()
    assert is_gone(ended)
    assert is_gone(own_mark() + "1")


@linux
@pytest.mark.parametrize("mark", ["", "nonsense", "another boot pid:[1] time:[1]|1:1"])
def test_what_cannot_be_known_is_not_said_to_be_gone(mark: str) -> None:
    assert not is_gone(mark)
