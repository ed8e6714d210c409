"""What a storage that processes share promises them. A test class inherits `ProcessesConformance`.

AGENT_RUN_SOAK makes the numbers as many times larger.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from runner.errors import ChatBusyError
from tests.storages.child import opened, patient
from tests.storages.children import Child, all_together, freeze
from tests.storages.turns import assert_in_order, say, words

if TYPE_CHECKING:
    from pathlib import Path

SOAK = int(os.environ.get("AGENT_RUN_SOAK", "1"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
class ProcessesConformance:
    """Inherit, and write a fixture `where`: what `tests.storages.child.opened` opens, empty."""

    turns = 12
    """How many each of eight processes makes; fewer for a server that is slow."""

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells that a process is gone")
    async def test_the_chat_of_a_killed_process_is_free_at_once(self, where: str) -> None:
        with Child("hold", where, 600) as owner:
            assert owner.heard() == "held"
            async with opened(where, lease_time=600, **patient(where)) as storage:
                with pytest.raises(ChatBusyError, match=rf"in use by pid {owner.pid} on .+ since 20"):
                    await storage.acquire("c", timeout=0.05)
                owner.send_signal(signal.SIGKILL)
                owner.wait()
                async with await storage.acquire("c", timeout=60):
                    await storage.append("c", say("second"), 1)

    async def test_a_frozen_owner_is_replaced_and_after_thaw_it_writes_and_starts_nothing(
        self, where: str, tmp_path: Path
    ) -> None:
        with Child("hold", where, 0.4) as owner:
            assert owner.heard() == "held"
            async with opened(where, lease_time=0.4, **patient(where)) as storage:
                freeze(owner, tmp_path / "chats.db")
                async with await storage.acquire("c", timeout=120) as lease:
                    owner.send_signal(signal.SIGCONT)
                    appended, checked = owner.go_on()
                    await lease.check()
                    await storage.append("c", say("second"), 1)
                assert appended.startswith("CHANGED the lease of chat 'c' went to another owner")
                assert checked.startswith("CHANGED the lease of chat 'c' went to another owner")
                assert words(await storage.get_history("c")) == ["first", "second"]

    async def test_a_living_owner_keeps_its_chat_however_short_the_lease(self, where: str) -> None:
        """Short, and yet longer than a busy machine keeps a process from working."""
        with Child("hold", where, 1.5) as owner:
            assert owner.heard() == "held"
            async with opened(where, lease_time=1.5, **patient(where)) as storage:
                with pytest.raises(ChatBusyError):
                    await storage.acquire("c", timeout=3.2)
            assert owner.go_on() == ["done", "done"]

    async def test_eight_processes_under_leases_write_one_order_and_lose_nothing(self, where: str) -> None:
        turns = self.turns * SOAK
        children = [Child("write", where, f"process {number}", turns) for number in range(8)]
        assert all_together(children) == [[]] * 8
        async with opened(where, **patient(where)) as storage:
            assert_in_order(await storage.get_history("c"), 8 * turns)

    async def test_two_hundred_first_openings_at_once_all_succeed(self, where: str) -> None:
        children = [Child("first_open", where, 40) for _ in range(5)]
        assert all_together(children) == [["['done']"]] * 5
        async with opened(where, **patient(where)) as storage:
            assert len(await storage.list_chats(limit=1000)) == 200

    async def test_what_was_acknowledged_before_a_kill_is_stored_whole(self, where: str) -> None:
        with Child("killed", where, 10_000) as writer:
            while int(told := writer.heard()) < 30:
                pass
            writer.send_signal(signal.SIGKILL)
            told = [told, *writer.rest()][-1]
        async with opened(where, **patient(where)) as storage:
            stored = words(await storage.get_history("c"))
            pairs = [f"{number} {half}" for number in range(len(stored) // 2) for half in "ab"]
            assert stored == pairs
            assert len(stored) // 2 - int(told) in {1, 2}

    async def test_a_process_that_closes_nothing_ends_at_once_and_says_nothing(self, where: str) -> None:
        with Child("forgetful", where) as child:
            assert child.go_on() == ["done"]
        async with opened(where, **patient(where)) as storage:
            assert words(await storage.get_history("c")) == ["a"]

    async def test_a_storage_may_be_used_on_both_sides_of_a_fork(self, where: str) -> None:
        with Child("forked", where) as child:
            assert child.go_on() == ["done"]
        async with opened(where, **patient(where)) as storage:
            assert words(await storage.get_history("c")) == ["parent", "child", "parent"]
