"""What every storage promises. A test class inherits `StorageConformance` and gives it a `storage`.

Needs pytest, pytest-asyncio in its `auto` mode, and hypothesis. AGENT_RUN_SOAK=10 tries ten times as many examples.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import math
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import ChatBusyError, ChatChangedError, ChatStorageError
from runner.files import INLINE_LIMIT
from runner.messages import ChatMessage
from runner.storages.base import StoredLog
from tests.storages.conformance_lists import ListConformance
from tests.storages.conformance_shared import SharedConformance
from tests.storages.conformance_words import HOSTILE_IDS, SOAK, entries, in_threads, texts
from tests.storages.turns import add_under_lease, assert_comes_back, assert_in_order, say, words

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from runner.storages.base import ChatStorage


class StorageConformance(ListConformance, SharedConformance):
    """Inherit, and write a fixture `storage`; it is closed by the tests' `async with`.

    Set `can_list` or `can_replace` to False for a storage without `list_chats` or `update_history`.
    """

    async def test_what_is_appended_is_read_back_in_order(self, storage: ChatStorage) -> None:
        async with storage:
            assert await storage.get_history("c") == []
            await storage.append("c", say("a", "b"), 0)
            await storage.append_history("c", say("c"))
            await storage.append("c", say("d"), 3)
            assert words(await storage.get_history("c")) == ["a", "b", "c", "d"]

    async def test_read_after_returns_the_entries_from_an_index_on(self, storage: ChatStorage) -> None:
        async with storage:
            assert await storage.read_after("c", 0) == []
            await storage.append("c", say(*"abcd"), 0)
            tails = [words(await storage.read_after("c", n)) for n in range(6)]
            assert tails == [list("abcd"), list("bcd"), list("cd"), ["d"], [], []]

    async def test_read_log_reads_the_same_and_tells_a_log_from_its_replacement(self, storage: ChatStorage) -> None:
        """Where the storage can tell logs apart at all."""
        async with storage:
            assert await storage.read_log("c", 0) == StoredLog(None, [])
            await storage.append("c", say(*"ab"), 0)
            first = (await storage.read_log("c", 0)).incarnation
            await storage.append("c", say(*"cd"), 2)
            grown = await storage.read_log("c", 1)
            assert (words(grown.entries), grown.incarnation) == (["b", "c", "d"], first)
            assert await storage.read_log("c", 4) in (StoredLog(None, []), StoredLog(first, []))
            if self.can_replace and first is not None:
                await storage.update_history("c", grown.entries)
                replaced = await storage.read_log("c", 0)
                assert replaced.entries == grown.entries
                assert replaced.incarnation not in {first, None}

    async def test_opening_a_log_takes_the_lease_and_reads(self, storage: ChatStorage) -> None:
        async with storage:
            await storage.append("c", say(*"abc"), 0)
            lease, log = await storage.open_log("c", 1)
            assert words(log.entries) == ["b", "c"]
            with pytest.raises(ChatBusyError):
                await storage.open_log("c", 0, timeout=0.01)
            await lease.release()

    async def test_the_last_append_gives_the_chat_free(self, storage: ChatStorage) -> None:
        """And one that is refused keeps it."""
        async with storage:
            lease, _ = await storage.open_log("c", 0)
            with pytest.raises(ChatChangedError):
                await storage.append_last("c", say("a"), 1, lease)
            with pytest.raises(ChatBusyError):
                await storage.acquire("c", timeout=0.01)
            await storage.append_last("c", say("a"), 0, lease)
            async with await storage.acquire("c", timeout=60):
                assert words(await storage.read_after("c", 0)) == ["a"]
            await lease.release()

    async def test_an_append_that_expects_another_length_changes_nothing(self, storage: ChatStorage) -> None:
        async with storage:
            await storage.append("c", say("a", "b"), 0)
            for wrong in (0, 1, 3):
                with pytest.raises(ChatChangedError, match=f"2 entries, not {wrong}"):
                    await storage.append("c", say("x"), wrong)
            with pytest.raises(ChatChangedError):
                await storage.append("new", say("x"), 1)
            assert words(await storage.get_history("c")) == ["a", "b"]
            assert await storage.get_history("new") == []

    async def test_of_many_appends_that_expect_the_same_length_one_wins(self, storage: ChatStorage) -> None:
        async with storage:
            tries = (storage.append("c", say(n), 0) for n in range(8))
            results = await asyncio.gather(*tries, return_exceptions=True)
            assert Counter(map(type, results)) == {type(None): 1, ChatChangedError: 7}
            assert len(await storage.get_history("c")) == 1

    async def test_appending_nothing_stores_nothing_but_checks_the_length(self, storage: ChatStorage) -> None:
        async with storage:
            await storage.append("c", [], 0)
            with pytest.raises(ChatChangedError):
                await storage.append("c", [], 1)
            assert await storage.get_history("c") == []

    async def test_update_history_replaces_all(self, storage: ChatStorage) -> None:
        self.needs_to_replace()
        async with storage:
            await storage.append("c", say(*"abc"), 0)
            await storage.update_history("c", say("x"))
            await storage.append("c", say("y"), 1)
            assert words(await storage.get_history("c")) == ["x", "y"]
            await storage.update_history("c", [])
            await storage.append("c", say("z"), 0)
            assert words(await storage.get_history("c")) == ["z"]

    @settings(
        max_examples=40 * SOAK,
        deadline=None,
        derandomize=True,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
            HealthCheck.too_slow,
        ],
    )
    @given(written=st.lists(entries, max_size=4), chat_id=texts)
    async def test_any_json_comes_back_bit_for_bit(
        self, storage: ChatStorage, written: list[ChatMessage], chat_id: str
    ) -> None:
        async with storage:
            await assert_comes_back(storage, chat_id, written)

    async def test_the_largest_message_comes_back_bit_for_bit(self, storage: ChatStorage) -> None:
        """One with as much inline as a message may carry."""
        data = base64.b64encode(random.Random(0).randbytes(INLINE_LIMIT)).decode()  # noqa: S311 - repeatable on purpose
        entry = ChatMessage({"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}, {})
        async with storage:
            await storage.append("c", [entry, *say("a")], 0)
            first, second = await storage.read_after("c", 0)
            assert first.content_json == entry.content_json
            assert second.text == "a"

    @pytest.mark.parametrize("value", [math.nan, math.inf, b"bytes", object(), {1, 2}])
    async def test_what_is_not_json_is_refused(self, storage: ChatStorage, value: Any) -> None:
        async with storage:
            with pytest.raises(ChatStorageError, match="cannot be stored"):
                await storage.append("c", [ChatMessage({"role": "user", "parts": [{"x": value}]})], 0)
            with pytest.raises(ChatStorageError, match="cannot be stored"):
                await storage.append("c", [*say("fine"), ChatMessage(None, {"reason": value})], 0)
            assert await storage.get_history("c") == []

    async def test_a_stored_entry_is_not_changed_by_changing_what_was_given(self, storage: ChatStorage) -> None:
        async with storage:
            batch = say("a")
            await storage.append("c", batch, 0)
            batch.append(ChatMessage.user("b"))
            (await storage.read_after("c", 0)).clear()
            (await storage.get_history("c")).clear()
            assert words(await storage.read_after("c", 0)) == ["a"]

    async def test_any_two_ids_are_two_chats(self, storage: ChatStorage) -> None:
        async with storage:
            for number, chat_id in enumerate(HOSTILE_IDS):
                await storage.append(chat_id, say(number), 0)
            found = [words(await storage.get_history(chat_id)) for chat_id in HOSTILE_IDS]
            assert found == [[str(number)] for number in range(len(HOSTILE_IDS))]
            if self.can_list:
                assert [info.chat_id for info in await storage.list_chats()] == HOSTILE_IDS[::-1]

    async def test_one_at_a_time_holds_a_chat(self, storage: ChatStorage) -> None:
        async with storage:
            async with await storage.acquire("c") as first:
                with pytest.raises(ChatBusyError, match=r"chat 'c' is in use by pid \d+ on .+ since 20"):
                    await storage.acquire("c", timeout=0.01)
                async with await storage.acquire("other", timeout=0):
                    await first.check()
            async with await storage.acquire("c", timeout=0) as second:
                assert second.epoch > first.epoch
                assert second.owner != first.owner

    async def test_a_released_lease_is_released_once_and_no_longer_good(self, storage: ChatStorage) -> None:
        async with storage:
            lease = await storage.acquire("c")
            await lease.release()
            other = await storage.acquire("c", timeout=0)
            await lease.release()
            with pytest.raises(ChatChangedError, match="was released"):
                await lease.check()
            await other.check()
            await other.release()

    async def test_who_waits_gets_the_chat_when_it_is_free(self, storage: ChatStorage) -> None:
        async with storage:
            lease = await storage.acquire("c")
            waiting = asyncio.create_task(storage.acquire("c", timeout=60))
            await asyncio.sleep(0.02)
            assert not waiting.done()
            await lease.release()
            await (await waiting).release()

    async def test_tasks_under_leases_lose_and_repeat_nothing(self, storage: ChatStorage) -> None:
        async with storage:
            await asyncio.gather(*(add_under_lease(storage, "c", f"task {n}") for n in range(12)))
            assert_in_order(await storage.get_history("c"), 12)

    def test_threads_with_their_own_event_loops_exclude_one_another(self, storage: ChatStorage) -> None:
        async def work(number: int) -> None:
            for turn in range(6):
                await add_under_lease(storage, "c", f"thread {number} turn {turn}")

        async def finish() -> None:
            async with storage:
                assert_in_order(await storage.get_history("c"), 18)

        in_threads(3, work)
        asyncio.run(finish())

    def test_a_lease_whose_event_loop_was_closed_is_taken_over(self, storage: ChatStorage) -> None:
        kept = []

        async def forget() -> None:
            kept.append(await storage.acquire("c"))

        async def take() -> None:
            async with storage:
                await (await storage.acquire("c", timeout=60)).release()

        asyncio.run(forget())
        asyncio.run(take())

    async def test_a_cancelled_append_is_stored_whole_or_not_at_all(self, storage: ChatStorage) -> None:
        chance = random.Random(7)  # noqa: S311 - the same every time
        async with storage:
            stored: list[str] = []
            for number in range(100):
                pair = [f"{number} a", f"{number} b"]
                await self._cancelled_at(chance.randrange(6), storage.append("c", say(*pair), len(stored)))
                found = words(await storage.get_history("c"))
                assert found in (stored, stored + pair)
                stored = found

    async def test_a_cancelled_acquire_leaves_the_chat_free(self, storage: ChatStorage) -> None:
        chance = random.Random(8)  # noqa: S311 - the same every time
        async with storage:
            for _ in range(100):
                lease = await self._cancelled_at(chance.randrange(8), storage.acquire("c", timeout=60))
                if lease is not None:
                    await lease.release()
                await (await storage.acquire("c", timeout=60)).release()

    @staticmethod
    async def _cancelled_at(steps: int, work: Awaitable[Any]) -> Any:
        """What `work` returned before it was cancelled after so many steps of the loop, if it was so quick."""
        task = asyncio.ensure_future(work)
        for _ in range(steps):
            await asyncio.sleep(0.0002 if steps % 2 else 0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            return await task
        return None
