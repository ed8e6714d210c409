"""What every storage promises of its list of chats, and of chats deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from runner.storages.base import ChatInfo, every_chat
from tests.storages.conformance_words import Can
from tests.storages.turns import say, words

if TYPE_CHECKING:
    from runner.storages.base import ChatStorage


class ListConformance(Can):
    async def test_chats_are_listed_newest_first(self, storage: ChatStorage) -> None:
        if not self.can_list:
            with pytest.raises(NotImplementedError, match="list_chats is not implemented"):
                await storage.list_chats()
            return
        async with storage:
            for chat_id in ("w/1", "x/1", "w/2", "w/3", "w%", "W/9"):
                await storage.append(chat_id, say("a"), 0)
            await storage.append("w/1", say("b"), 1)
            found = await storage.list_chats("w/")
            assert [(info.chat_id, info.length) for info in found] == [("w/1", 2), ("w/3", 1), ("w/2", 1)]
            assert all(info.updated.utcoffset() is not None for info in found)
            assert found[0].updated >= found[1].updated
            assert [info.chat_id for info in await storage.list_chats(limit=2)] == ["w/1", "W/9"]
            assert await storage.list_chats("none") == []

    async def test_pages_of_the_list_follow_one_another_whatever_happens_to_the_chat_between_them(
        self, storage: ChatStorage
    ) -> None:
        self.needs_to_list()
        async with storage:
            for number in range(7):
                await storage.append(f"w/{number}", say("a"), 0)
                await storage.append(f"x/{number}", say("a"), 0)
            first = await storage.list_chats("w/", limit=3)
            assert [info.chat_id for info in first] == ["w/6", "w/5", "w/4"]
            assert all(info.position.isascii() and info.position.isprintable() for info in first)
            assert not any(" " in info.position for info in first)
            await storage.append("w/4", say("b"), 1)
            second = await storage.list_chats("w/", limit=3, after=first[-1])
            assert [info.chat_id for info in second] == ["w/3", "w/2", "w/1"]
            if self.can_replace:
                await storage.delete("w/1")
            only_the_place = ChatInfo("", 0, datetime.now(UTC), second[-1].position)
            third = await storage.list_chats("w/", limit=3, after=only_the_place)
            assert [info.chat_id for info in third] == ["w/0"]
            assert await storage.list_chats("w/", limit=3, after=third[-1]) == []

    @pytest.mark.parametrize("position", ["", "nonsense", "-1", "9" * 40, "1; DROP TABLE chat", "\u0661"])
    async def test_a_place_in_the_list_that_was_never_given_is_refused(
        self, storage: ChatStorage, position: str
    ) -> None:
        self.needs_to_list()
        async with storage:
            await storage.append("c", say("a"), 0)
            with pytest.raises(ValueError, match="no place in this storage's list"):
                await storage.list_chats(after=ChatInfo("c", 1, datetime.now(UTC), position))

    async def test_every_chat_is_found_once_also_those_written_to_meanwhile(self, storage: ChatStorage) -> None:
        self.needs_to_list()
        async with storage:
            for number in range(6):
                await storage.append(f"w/{number}", say("a"), 0)
            found = []
            async for info in every_chat(storage, "w/"):
                if not found:
                    await storage.append("w/0", say("b"), 1)
                    await storage.append("w/new", say("a"), 0)
                found.append(info.chat_id)
            assert sorted(found) == ["w/0", "w/1", "w/2", "w/3", "w/4", "w/5", "w/new"]

    async def test_a_deleted_chat_is_gone_and_may_begin_again(self, storage: ChatStorage) -> None:
        self.needs_to_replace()
        async with storage:
            for chat_id in ("c", "C", "c ", "c/"):
                await storage.append(chat_id, say("a", "b"), 0)
            await storage.delete("c")
            await storage.delete("c")
            await storage.delete("never known")
            assert await storage.get_history("c") == []
            if self.can_list:
                assert [info.chat_id for info in await storage.list_chats()] == ["c/", "c ", "C"]
            await storage.append("c", say("z"), 0)
            assert words(await storage.get_history("c")) == ["z"]
            assert words(await storage.get_history("C")) == ["a", "b"]

    async def test_epochs_grow_over_deletions(self, storage: ChatStorage) -> None:
        self.needs_to_replace()
        epochs = []
        async with storage:
            for _ in range(3):
                async with await storage.acquire("c") as lease:
                    await storage.append("c", say("a"), 0)
                    await storage.delete("c")
                    epochs.append(lease.epoch)
            assert epochs == sorted(set(epochs))

    async def test_old_chats_are_deleted_but_those_kept_in_use_or_of_others(self, storage: ChatStorage) -> None:
        self.needs_to_list()
        self.needs_to_replace()
        async with storage:
            for chat_id in ("w/1", "w/2", "w/kept", "w/held", "x/1", "W/1", "w%2F", "w"):
                await storage.append(chat_id, say("a"), 0)
            newest = max(info.updated for info in await storage.list_chats())
            assert await storage.delete_older("w/", newest - timedelta(days=1)) == 0
            async with await storage.acquire("w/held"):
                assert await storage.delete_older("w/", newest + timedelta(days=1), keep={"w/kept"}) == 2
            left = {info.chat_id for info in await storage.list_chats()}
            assert left == {"w/kept", "w/held", "x/1", "W/1", "w%2F", "w"}
            assert await storage.get_history("w/1") == []
            assert await storage.delete_older("w/", newest + timedelta(days=1)) == 2

    async def test_a_log_that_only_grows_keeps_its_incarnation_and_its_replacement_has_another(
        self, storage: ChatStorage
    ) -> None:
        """Or None, where a storage cannot tell: then nothing is remembered of a log."""
        self.needs_to_replace()
        async with storage:
            await storage.append("c", say("a"), 0)
            begun = await self._incarnation(storage)
            await storage.append("c", say("b"), 1)
            grown = await self._incarnation(storage)
            await storage.update_history("c", say("a", "b"))
            replaced = await self._incarnation(storage)
            await storage.delete("c")
            await storage.append("c", say("a", "b"), 0)
            again = await self._incarnation(storage)
            assert grown == begun
            assert begun is None or len({grown, replaced, again}) == 3

    @staticmethod
    async def _incarnation(storage: ChatStorage) -> object:
        async with await storage.acquire("c") as lease:
            return lease.incarnation
