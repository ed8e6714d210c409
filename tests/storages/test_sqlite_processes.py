"""Several processes on one chat database: killed, frozen, racing, failing."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.errors import ChatBusyError
from runner.storages.sqlite import SqliteChatStorage
from tests.storages.children import Child, all_together
from tests.storages.turns import assert_in_order, say, words

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform == "win32":
    pytest.skip("needs signals", allow_module_level=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells that a process is gone")
async def test_the_chat_of_a_killed_process_is_free_at_once(path: Path) -> None:
    with Child("hold", path, 600) as owner:
        assert owner.heard() == "held"
        async with SqliteChatStorage(path, lease_time=600) as storage:
            with pytest.raises(ChatBusyError, match=rf"in use by pid {owner.pid} on .+ since 20"):
                await storage.acquire("c", timeout=0.05)
            owner.send_signal(signal.SIGKILL)
            owner.wait()
            async with await storage.acquire("c", timeout=5) as lease:
                assert lease.epoch == 2
                await storage.append("c", say("second"), 1)


async def test_a_frozen_owner_is_replaced_and_after_thaw_it_writes_and_starts_nothing(path: Path) -> None:
    with Child("hold", path, 0.4) as owner:
        assert owner.heard() == "held"
        async with SqliteChatStorage(path, lease_time=0.4) as storage:
            owner.send_signal(signal.SIGSTOP)
            async with await storage.acquire("c", timeout=30) as lease:
                owner.send_signal(signal.SIGCONT)
                appended, checked = owner.go_on()
                await lease.check()
                await storage.append("c", say("second"), 1)
            assert appended.startswith("CHANGED the lease of chat 'c' went to another owner")
            assert checked.startswith("CHANGED the lease of chat 'c' went to another owner")
            assert words(await storage.get_history("c")) == ["first", "second"]


async def test_a_living_owner_keeps_its_chat_however_short_the_lease(path: Path) -> None:
    with Child("hold", path, 0.4) as owner:
        assert owner.heard() == "held"
        async with SqliteChatStorage(path, lease_time=0.4) as storage:
            with pytest.raises(ChatBusyError):
                await storage.acquire("c", timeout=0.9)
        assert owner.go_on() == ["done", "done"]


async def test_eight_processes_under_leases_write_one_order_and_lose_nothing(path: Path) -> None:
    children = [Child("write", path, f"process {number}", 50) for number in range(8)]
    assert all_together(children) == [[]] * 8
    async with SqliteChatStorage(path) as storage:
        assert_in_order(await storage.get_history("c"), 400)


async def test_two_hundred_first_openings_at_once_all_succeed(path: Path) -> None:
    children = [Child("first_open", path, 40) for _ in range(5)]
    assert all_together(children) == [["['done']"]] * 5
    async with SqliteChatStorage(path) as storage:
        assert len(await storage.list_chats(limit=1000)) == 200


async def test_what_was_acknowledged_before_a_kill_is_stored_whole(path: Path) -> None:
    with Child("killed", path, 10_000) as writer:
        while int(told := writer.heard()) < 30:
            pass
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate()
    told = [told, *rest.split()][-1]
    async with SqliteChatStorage(path) as storage:
        stored = words(await storage.get_history("c"))
        pairs = [f"{number} {half}" for number in range(len(stored) // 2) for half in "ab"]
        assert stored == pairs
        assert len(stored) // 2 - int(told) in {1, 2}


async def test_an_input_output_error_is_final_and_loses_nothing(path: Path) -> None:
    with Child("limited", path, 300_000) as writer:
        said = writer.go_on()
    assert said[0].startswith(f"STORAGE chat database {path}: the disk reported an input/output error; check the disk")
    assert said == [said[0]] * 3
    async with SqliteChatStorage(path) as storage:
        assert words(await storage.get_history("c")) == ["first"]


async def test_a_process_that_closes_nothing_ends_at_once_and_says_nothing(path: Path) -> None:
    with Child("forgetful", path) as child:
        assert child.go_on() == ["done"]
    assert [file.name for file in path.parent.iterdir()] == ["chats.db"]
    async with SqliteChatStorage(path) as storage:
        assert words(await storage.get_history("c")) == ["a"]


async def test_a_storage_may_be_used_on_both_sides_of_a_fork(path: Path) -> None:
    with Child("forked", path) as child:
        assert child.go_on() == ["done"]
    async with SqliteChatStorage(path) as storage:
        assert words(await storage.get_history("c")) == ["parent", "child", "parent"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        Path(name).chmod(0o755)


async def test_a_read_only_folder_or_file_is_said_in_one_line(open_folder: Path) -> None:
    path = open_folder / "chats.db"
    open_folder.chmod(0o555)
    with Child("unprivileged", path) as child:
        (said,) = child.go_on()
    assert said.startswith(f"STORAGE chat database {path}: cannot be opened or created; check the path")
    open_folder.chmod(0o755)
    async with SqliteChatStorage(path) as storage:
        await storage.append("c", say("a"), 0)
    path.chmod(0o444)
    open_folder.chmod(0o555)
    before = {file.name: file.read_bytes() for file in open_folder.iterdir()}
    with Child("unprivileged", path) as child:
        (said,) = child.go_on()
    assert said.startswith(f"STORAGE chat database {path}: cannot be ")
    assert {file.name: file.read_bytes() for file in open_folder.iterdir()} == before
