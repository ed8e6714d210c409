"""Small words for writing to chats, for tests and the processes they start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.messages import ChatMessage, to_json

if TYPE_CHECKING:
    from runner.storages.base import ChatStorage


def say(*texts: object) -> list[ChatMessage]:
    return [ChatMessage.user(str(text)) for text in texts]


def words(messages: list[ChatMessage]) -> list[str]:
    return [message.text for message in messages]


async def add_under_lease(
    storage: ChatStorage, chat_id: str, word: str, known: int = 0, *, patience: float = 30
) -> int:
    """A turn as the loop makes it: hold the chat, read what is new, add to it. Returns the chat's length."""
    async with await storage.acquire(chat_id, timeout=patience) as lease:
        length = known + len(await storage.read_after(chat_id, known))
        await lease.check()
        await storage.append(chat_id, say(f"{word} at {length}"), length)
        return length + 1


async def assert_comes_back(storage: ChatStorage, chat_id: str, written: list[ChatMessage]) -> None:
    """Raise unless what is appended to a chat is read back bit for bit."""
    start = len(await storage.read_after(chat_id, 0))
    await storage.append(chat_id, written, start)
    read = await storage.read_after(chat_id, start)
    forms = [(to_json(entry.content), to_json(entry.meta)) for entry in written]
    assert [(entry.content_json, entry.meta_json) for entry in read] == forms
    assert [(to_json(entry.content), to_json(entry.meta)) for entry in read] == forms


def assert_in_order(messages: list[ChatMessage], count: int) -> None:
    """Each writer saw all that was written before it, and none wrote twice."""
    assert [word.rpartition(" at ")[2] for word in words(messages)] == [str(n) for n in range(count)]
    assert len({word.rpartition(" at ")[0] for word in words(messages)}) == count
