"""Storages as users write them: a subclass with some of three methods."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from runner.errors import ChatChangedError
from runner.messages import ChatMessage
from runner.storages import base
from runner.storages.base import PAGE, ChatInfo, ChatStorage, every_chat, position_of
from runner.storages.memory import LocalChatStorage
from tests.storages.conformance import StorageConformance
from tests.storages.turns import say, words


class ThreeMethods(ChatStorage):
    """A storage over a plain dict, which sets its attribute after the base's `__init__`."""

    def __init__(self) -> None:
        super().__init__()
        self.db: dict[str, list[ChatMessage]] = {}

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        return list(self.db.get(chat_id, []))

    async def update_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        self.db[chat_id] = list(messages)

    async def append_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        self.db.setdefault(chat_id, []).extend(messages)


class GetAndAppend(ChatStorage):
    """A storage with the least a turn needs: it waits in each method, keeps texts, and never calls the base."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        await asyncio.sleep(0)
        return [ChatMessage.from_json(text) for key, text in self.rows if key == chat_id]

    async def append_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        await asyncio.sleep(0)
        self.rows += [(chat_id, message.to_json()) for message in messages]
        await asyncio.sleep(0)


class TestThreeMethods(StorageConformance):
    can_list = False

    @pytest.fixture
    def storage(self) -> ChatStorage:
        return ThreeMethods()


class TestGetAndAppend(StorageConformance):
    can_list = can_replace = False

    @pytest.fixture
    def storage(self) -> ChatStorage:
        return GetAndAppend()


class Listed(ThreeMethods):
    """One that lists its chats as well: retention is then built on that."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: dict[str, tuple[int, datetime]] = {}

    async def update_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        await super().update_history(chat_id, messages)
        self._note(chat_id)
        if not messages:
            del self.db[chat_id], self.writes[chat_id]

    async def append_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        await super().append_history(chat_id, messages)
        self._note(chat_id)

    async def list_chats(self, prefix: str = "", *, limit: int = 100, after: ChatInfo | None = None) -> list[ChatInfo]:
        await asyncio.sleep(0)
        below = position_of(after)
        found = [
            ChatInfo(chat_id, len(self.db[chat_id]), updated, str(number))
            for chat_id, (number, updated) in self.writes.items()
            if chat_id.startswith(prefix) and number < below
        ]
        return sorted(found, key=lambda info: -int(info.position))[:limit]

    def _note(self, chat_id: str) -> None:
        newest = max((number for number, _ in self.writes.values()), default=0)
        self.writes[chat_id] = newest + 1, datetime.now(UTC)


class TestListed(StorageConformance):
    @pytest.fixture
    def storage(self) -> ChatStorage:
        return Listed()


class Annotated(ChatStorage):
    dsn: str
    size: int = 3
    rows: dict[str, list[ChatMessage]] = {}  # noqa: RUF012 - what a user writes
    kinds: ClassVar[list[str]] = []


class Inherited(Annotated):
    table: str = "chats"


def test_keywords_fill_annotated_attributes_and_defaults_hold() -> None:
    storage = Inherited(dsn="x", table="t")
    assert (storage.dsn, storage.size, storage.rows, storage.table) == ("x", 3, {}, "t")


def test_a_default_that_can_change_is_not_shared_between_storages() -> None:
    one, two = Annotated(), Annotated()
    one.rows["c"] = []
    assert (two.rows, Annotated.rows) == ({}, {})


def test_an_unknown_keyword_is_refused_with_the_known_names() -> None:
    with pytest.raises(TypeError, match="Inherited has no attribute 'dns'; it has: dsn, size, rows, table"):
        Inherited(dns="x")
    with pytest.raises(TypeError, match="it has: none"):
        ChatStorage(kinds=1)


def test_an_attribute_without_value_may_be_set_later() -> None:
    storage = Annotated()
    assert not hasattr(storage, "dsn")
    storage.dsn = "later"
    assert storage.dsn == "later"


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("get_history", ("c",)),
        ("update_history", ("c", [])),
        ("append_history", ("c", [])),
        ("list_chats", ()),
        ("delete", ("c",)),
        ("delete_older", ("", datetime.now(UTC))),
        ("read_after", ("c", 0)),
        ("append", ("c", [], 0)),
    ],
)
async def test_a_method_that_is_not_written_says_so_when_called(method: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(NotImplementedError, match=r"Annotated\.\w+ is not implemented"):
        await getattr(Annotated(), method)(*arguments)


async def test_a_history_of_none_is_an_empty_one() -> None:
    class Nothing(ThreeMethods):
        async def get_history(self, chat_id: str) -> Any:
            return self.db.get(chat_id)

    storage = Nothing()
    assert await storage.read_after("c", 0) == []
    await storage.append("c", say("a"), 0)
    assert words(await storage.read_after("c", 0)) == ["a"]


async def test_two_storage_objects_do_not_exclude_each_other() -> None:
    async with await ThreeMethods().acquire("c", timeout=0), await ThreeMethods().acquire("c", timeout=0):
        pass


async def test_storages_that_compare_equal_or_have_no_hash_are_told_apart() -> None:
    @dataclass
    class Plain(ThreeMethods):
        name: str = "same"

    async with await Plain().acquire("c", timeout=0), await Plain().acquire("c", timeout=0):
        pass


async def test_nothing_is_remembered_of_a_chat_that_is_free() -> None:
    storage = ThreeMethods()
    for number in range(50):
        async with await storage.acquire(f"chat {number}"):
            await storage.append(f"chat {number}", say("a"), 0)
            with pytest.raises(ChatChangedError):
                await storage.append(f"chat {number}", say("a"), 0)
    gc.collect()
    assert (len(base._LEASES), len(base._APPENDS)) == (0, 0)


async def test_every_chat_is_found_over_many_pages() -> None:
    storage = Listed()
    ids = [f"chat {number}" for number in range(2 * PAGE + 1)]
    for chat_id in ids:
        await storage.append_history(chat_id, say("a"))
    assert [info.chat_id async for info in every_chat(storage)] == ids[::-1]


async def test_a_chat_written_to_after_it_was_listed_is_not_old() -> None:
    class Busy(Listed):
        async def acquire(self, chat_id: str, *, timeout: float = 30.0) -> Any:
            await self.append_history("busy", say("more"))
            return await super().acquire(chat_id, timeout=timeout)

    storage = Busy()
    for chat_id in ("busy", "idle"):
        await storage.append_history(chat_id, say("a"))
    assert await storage.delete_older("", datetime.now(UTC) + timedelta(days=1)) == 1
    assert words(await storage.get_history("idle")) == []
    assert words(await storage.get_history("busy"))[0] == "a"


async def test_what_is_shared_belongs_to_one_storage_object_also_one_that_never_called_the_base() -> None:
    one, two = GetAndAppend(), GetAndAppend()
    assert await one.shared.put_if("k", "v", None) is not None
    assert await one.shared.get("k") is not None
    assert await two.shared.get("k") is None
    assert one.shared is one.shared
    async with await one.shared.acquire("k", timeout=0), await two.shared.acquire("k", timeout=0):
        pass


def test_that_a_storage_never_waits_is_said_by_every_class_anew() -> None:
    """A subclass may wait where its base does not."""

    class Waiting(LocalChatStorage):
        async def append(self, chat_id: str, entries: Any, expected: int) -> None:
            await asyncio.sleep(0)
            await super().append(chat_id, entries, expected)

    class Quick(LocalChatStorage):
        never_waits = True

    storages = ThreeMethods, LocalChatStorage, Waiting, Quick
    assert [each.never_waits for each in storages] == [False, True, False, True]
