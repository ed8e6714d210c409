"""`LocalChatStorage` keeps every promise of a storage, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.messages import ChatMessage
from runner.storages.memory import LocalChatStorage
from tests.storages.conformance import StorageConformance
from tests.storages.turns import say, words

if TYPE_CHECKING:
    from runner.storages.base import ChatStorage


class TestLocalChatStorage(StorageConformance):
    @pytest.fixture
    def storage(self) -> ChatStorage:
        return LocalChatStorage()


async def test_what_is_stored_does_not_follow_the_object_that_was_given() -> None:
    storage = LocalChatStorage()
    content = {"role": "user", "parts": [{"text": "as said"}]}
    await storage.append("c", [ChatMessage(content)], 0)
    content["parts"] = []
    assert words(await storage.get_history("c")) == ["as said"]


async def test_chats_outlive_aclose() -> None:
    async with LocalChatStorage() as storage:
        await storage.append("c", say("a"), 0)
    assert words(await storage.get_history("c")) == ["a"]
