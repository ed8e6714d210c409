"""A process fetches only what is newer, and never takes a replaced chat for the one it knew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner import ChatManager, ChatMessage, GeminiClient, ScriptedModel, SqliteChatStorage
from runner.known_logs import KnownLogs
from runner.models.scripted import say

if TYPE_CHECKING:
    from pathlib import Path

    from runner.storages.base import StoredLog
    from runner.storages.lease import Lease


class Counting(SqliteChatStorage):
    """Counts the entries that are read."""

    read: list[int]

    async def read_after(self, chat_id: str, n: int) -> list[ChatMessage]:
        entries = await super().read_after(chat_id, n)
        self.read.append(len(entries))
        return entries

    async def open_log(self, chat_id: str, n: int, *, timeout: float = 30.0) -> tuple[Lease, StoredLog]:
        lease, log = await super().open_log(chat_id, n, timeout=timeout)
        self.read.append(len(log.entries))
        return lease, log


async def ask(client: GeminiClient, query: str) -> None:
    async for _ in client.chat(query=query, chat_id="c"):
        pass


def client_on(storage: Any) -> GeminiClient:
    return GeminiClient(model=ScriptedModel(*map(say, "abcdef")), chat_manager=ChatManager(storage))


async def test_a_later_turn_reads_only_what_others_wrote(tmp_path: Path) -> None:
    async with Counting(tmp_path / "chats.db") as storage, SqliteChatStorage(tmp_path / "chats.db") as other:
        storage.read = []
        client = client_on(storage)
        for number in range(3):
            await ask(client, f"q{number}")
        assert storage.read == [0, 2, 0]  # the first turn made the chat: what it is known by came after
        await ask(client_on(other), "from elsewhere")
        await ask(client, "again")
        assert storage.read[-1] == 2
        texts = [message.text for message in await client.chat_manager.get_history("c")]
        assert texts == ["q0", "a", "q1", "b", "q2", "c", "from elsewhere", "a", "again", "d"]


async def test_a_replaced_chat_is_read_anew(tmp_path: Path) -> None:
    async with Counting(tmp_path / "chats.db") as storage:
        storage.read = []
        client = client_on(storage)
        await ask(client, "q0")
        await ask(client, "q1")
        await storage.update_history("c", [ChatMessage.user("x"), ChatMessage.model("y")] * 2)
        await ask(client, "q2")
        assert storage.read[-1] == 4
        model = client._default_model
        assert isinstance(model, ScriptedModel)
        assert [m.text for m in model.requests[-1].messages] == ["x", "y", "x", "y", "q2"]


def test_what_is_kept_is_bounded() -> None:
    logs = KnownLogs(limit=1000)
    for number in range(20):
        known = logs.take(f"c{number}", 1)
        known.log.append(ChatMessage.user("x" * 200))
        logs.keep(f"c{number}", known)
    kept = [number for number in range(20) if logs.take(f"c{number}", 1).log]
    assert kept == [16, 17, 18, 19]
    known = logs.take("big", 1)
    known.log.append(ChatMessage.user("x" * 2000))
    logs.keep("big", known)
    assert logs.take("big", 1).log == []
    known = logs.take("unknown", None)
    known.log.append(ChatMessage.user("x"))
    logs.keep("unknown", known)
    assert logs.take("unknown", None).log == []
