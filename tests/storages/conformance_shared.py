"""What every storage promises of what is shared beside its chats."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from runner.errors import ChatBusyError, ChatStorageError
from tests.storages.conformance_words import HOSTILE_IDS, Can
from tests.storages.turns import say, words

if TYPE_CHECKING:
    from runner.storages.base import ChatStorage


class SharedConformance(Can):
    async def test_vacuum_changes_nothing_that_is_stored_or_held(self, storage: ChatStorage) -> None:
        async with storage:
            await storage.append("c", say(*"abc"), 0)
            token = await storage.shared.put_if("key", "text", None)
            await storage.vacuum()
            assert words(await storage.get_history("c")) == list("abc")
            found = await storage.shared.get("key")
            assert (found.text, found.version) == ("text", token) if found else pytest.fail("the value is gone")

    async def test_a_shared_value_is_replaced_only_by_who_has_seen_the_last_one(self, storage: ChatStorage) -> None:
        async with storage:
            shared = storage.shared
            assert await shared.get("k") is None
            assert await shared.put_if("k", "x", "never given") is None
            first = await shared.put_if("k", "one", None)
            assert first is not None
            assert await shared.put_if("k", "x", None) is None
            second = await shared.put_if("k", '{"two":"\\ud83d"}', first)
            assert second not in {None, first}
            assert await shared.put_if("k", "x", first) is None
            assert await shared.put_if("k", None, first) is None
            found = await shared.get("k")
            assert (found.text, found.version) == ('{"two":"\\ud83d"}', second) if found else pytest.fail("it is gone")

    async def test_a_shared_value_may_be_deleted_and_begin_again(self, storage: ChatStorage) -> None:
        async with storage:
            shared = storage.shared
            assert await shared.put_if("k", None, None) is not None
            first = await shared.put_if("k", "one", None)
            gone = await shared.put_if("k", None, first)
            assert gone is not None
            assert await shared.get("k") is None
            assert await shared.put_if("k", "x", gone) is None
            assert await shared.put_if("k", "x", first) is None
            again = await shared.put_if("k", "one", None)
            assert again not in {None, first, gone}

    async def test_of_many_who_put_a_shared_value_one_is_first(self, storage: ChatStorage) -> None:
        async with storage:
            shared = storage.shared
            tokens = await asyncio.gather(*(shared.put_if("k", str(n), None) for n in range(8)))
            assert sum(token is not None for token in tokens) == 1
            for _ in range(20):
                await asyncio.gather(*(self._counted(storage, "count") for _ in range(3)))
            found = await shared.get("count")
            assert found
            assert found.text == "60"

    @pytest.mark.parametrize("text", ["\u00e9", "a\nb", "\x00", "\ud83d"])
    async def test_a_shared_value_is_one_line_of_printable_ascii(self, storage: ChatStorage, text: str) -> None:
        async with storage:
            with pytest.raises(ChatStorageError, match="one line of printable ASCII"):
                await storage.shared.put_if("k", text, None)
            assert await storage.shared.get("k") is None

    async def test_shared_keys_are_told_apart_and_never_meet_chats(self, storage: ChatStorage) -> None:
        async with storage:
            await storage.append("a", say("chat"), 0)
            for number, key in enumerate(HOSTILE_IDS):
                assert await storage.shared.put_if(key, str(number), None) is not None
            found = [await storage.shared.get(key) for key in HOSTILE_IDS]
            assert [value.text for value in found if value] == [str(number) for number in range(len(HOSTILE_IDS))]
            assert words(await storage.get_history("a")) == ["chat"]
            assert await storage.get_history("CON") == []
            if self.can_list:
                assert [info.chat_id for info in await storage.list_chats()] == ["a"]

    async def test_a_lease_on_a_shared_key_excludes_others_and_no_chat(self, storage: ChatStorage) -> None:
        async with storage:
            async with await storage.shared.acquire("k") as lease:
                with pytest.raises(ChatBusyError, match=r"shared key 'k' is in use by pid \d+ on .+ since 20"):
                    await storage.shared.acquire("k", timeout=0.01)
                async with await storage.acquire("k", timeout=0), await storage.shared.acquire("l", timeout=0):
                    await lease.check()
            await (await storage.shared.acquire("k", timeout=0)).release()

    @staticmethod
    async def _counted(storage: ChatStorage, key: str) -> None:
        """Add one to a shared number, again until it counts."""
        while True:
            found = await storage.shared.get(key)
            text, version = (str(int(found.text) + 1), found.version) if found else ("1", None)
            if await storage.shared.put_if(key, text, version) is not None:
                return
