"""agent-run's engine."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.work import TEXT, slow_async, slow_blocking, weather
from runner import ChatManager, ChatMessage, GeminiClient, LocalChatStorage, SqliteChatStorage, tool


class Talk:
    def __init__(self) -> None:
        self.tools = {
            "": [],
            "weather": [tool(weather, name="get_weather", effects="none")],
            "async": [tool(slow_async, name="work", effects="none")],
            "blocking": [tool(slow_blocking, name="work", effects="none")],
        }
        self.made = 0

    async def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clients = {
            "memory": GeminiClient(chat_manager=ChatManager(LocalChatStorage())),
            "sqlite": GeminiClient(chat_manager=ChatManager(SqliteChatStorage(Path(self.folder.name) / "chats.db"))),
        }

    async def close(self) -> None:
        for client in self.clients.values():
            await client.aclose()
            await client.chat_manager.storage.aclose()
        self.folder.cleanup()

    async def chat(self, turns: int, storage: str) -> tuple[GeminiClient, str]:
        self.made += 1
        client, chat_id = self.clients[storage], f"chat-{self.made}"
        if turns:
            past = []
            for number in range(1, turns + 1):
                past.append(ChatMessage.user(TEXT, meta={"kind": "user", "turn": number}))
                past.append(ChatMessage.model(TEXT, meta={"kind": "model", "turn": number, "status": "answered"}))
            await client.chat_manager.storage.append(chat_id, past, 0)
        return client, chat_id

    async def turn(self, chat: tuple[GeminiClient, str], text: str, tools: str, *, streamed: bool) -> str:
        client, chat_id = chat
        return "".join([piece async for piece in client.chat(query=text, chat_id=chat_id, tools=self.tools[tools])])
