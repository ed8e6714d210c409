"""A chat with a strict server that takes files, held through each transport."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from runner import ChatManager, ChatMessage, GeminiClient, GeminiModel, LocalChatStorage, Notice, TurnEnded
from runner.files import INLINE_LIMIT
from tests.models.asking import TRANSPORTS
from tests.servers import GeminiServer, repeat, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from runner import ChatStorage, Event
    from runner.messages import Json

ANSWER = "A cat."


class Scene:
    """`async with scene.client() as chat: await chat.turn("What is it?", path)`."""

    def __init__(self, server: GeminiServer, folder: Path, transport: Any) -> None:
        self.server, self.folder = server, folder
        self.storage: ChatStorage = LocalChatStorage()
        self.gemini = partial(GeminiModel, base_url=server.url, api_key=server.key, transport=transport)

    def file(self, name: str = "film.mp4", size: int = INLINE_LIMIT + 1, start: bytes = b"\x00\x01\x02") -> Path:
        path = self.folder / name
        path.write_bytes(start + b"\xff" * (size - len(start)))
        return path

    @asynccontextmanager
    async def client(self, model: Any = None, **options: Any) -> AsyncIterator[Chat]:
        manager = ChatManager(self.storage)
        async with (
            model or self.gemini() as asked,
            GeminiClient(model=asked, chat_manager=manager, **options) as client,
        ):
            yield Chat(client)

    @property
    def verbs(self) -> list[str]:
        """What was asked of the server, and refused with which code."""
        return [each.verb if each.status == 200 else f"{each.verb} {each.status}" for each in self.server.requests]

    @property
    def sent(self) -> list[Json]:
        """The contents of the last request for an answer."""
        return self.server.generations[-1].contents

    @property
    def uris(self) -> list[str]:
        """The files that the last request names."""
        parts = [part for content in self.sent for part in content["parts"]]
        return [part["fileData"]["fileUri"] for part in parts if "fileData" in part]

    @property
    def uploads(self) -> int:
        return sum(each.verb == "file_start" for each in self.server.requests)


class Chat:
    """One chat, and what its last turn told."""

    def __init__(self, client: GeminiClient) -> None:
        self.client = client
        self.told: list[Event] = []

    async def turn(self, query: str = "What is it?", *files: Any, **options: Any) -> TurnEnded:
        self.told = [event async for event in self.client.events(query=query, chat_id="c", files=files, **options)]
        ended = self.told[-1]
        assert isinstance(ended, TurnEnded)
        return ended

    async def answered(self, query: str = "What is it?", *files: Any, **options: Any) -> None:
        ended = await self.turn(query, *files, **options)
        assert (ended.reason, ended.text) == ("answered", ANSWER), ended

    @property
    def notices(self) -> list[str]:
        return [event.message for event in self.told if isinstance(event, Notice)]

    async def age(self, expires: float) -> None:
        """Let all that is known of the chat's uploads say that they expire then."""
        manager = self.client.chat_manager
        log = [ChatMessage.from_json(entry.to_json()) for entry in await self.log()]
        for meta in log[0].meta["files"]:
            meta["expires"] = expires
            key = f"uploads/{meta['account']}"
            found = await manager.storage.shared.get(key)
            assert found is not None
            await manager.storage.shared.put_if(
                key, f'{{"{meta["digest"]}": ["{meta["uri"]}", {expires}]}}', found.version
            )
        await manager.storage.update_history(manager.key("c"), log)

    async def log(self) -> list[ChatMessage]:
        manager = self.client.chat_manager
        return await manager.storage.read_after(manager.key("c"), 0)


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """Requests go out directly; uploads go through google-genai in any case. `both` runs a test through each."""
    with GeminiServer() as server:
        server.script(repeat(text(ANSWER)))
        yield Scene(server, tmp_path, getattr(request, "param", "direct"))


both = pytest.mark.parametrize("scene", TRANSPORTS, indirect=True)


@pytest.fixture
def changed() -> Callable[[Path], None]:
    """Change a file's content, and nothing of its size."""

    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)

    return change
