"""Asking a model in a test: the request, and all that came back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.events import Notice
from runner.messages import ChatMessage, Json, Part
from runner.models.gemini import GeminiModel
from runner.requests import CacheUse, Finish, GenerateContentRequest, Usage

if TYPE_CHECKING:
    from runner.models.base import Model
    from tests.servers import GeminiServer

NAME = "gemini-3.8-flash"
TRANSPORTS = ("direct", "sdk")
NewModel: TypeAlias = Callable[..., GeminiModel]
"""`gemini` with a transport chosen."""
TOOLS: list[Json] = [
    {
        "functionDeclarations": [
            {
                "name": name,
                "description": "A tool.",
                "parametersJsonSchema": {"type": "object", "properties": {"x": {"type": "string"}}},
            }
            for name in ("f", "g")
        ]
    }
]


@dataclass
class Answer:
    parts: list[Part] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    caches: list[CacheUse] = field(default_factory=list)
    finishes: list[Finish] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(part["text"] for part in self.parts if part.get("text") and not part.get("thought"))

    @property
    def finish(self) -> Finish:
        assert len(self.finishes) == 1
        return self.finishes[0]

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self.notices]

    @property
    def content(self) -> Json:
        return {"role": "model", "parts": self.parts}


def asking(*messages: str | Json, model: str = NAME, **options: Any) -> GenerateContentRequest:
    """A request whose history is these contents; a string is a text of the user."""
    history = [ChatMessage.user(each) if isinstance(each, str) else ChatMessage(each) for each in messages or ("Hi",)]
    return GenerateContentRequest(model=model, messages=history, **options)


async def answer(model: Model, request: GenerateContentRequest | None = None, into: Answer | None = None) -> Answer:
    """Everything `model` yields; `into` keeps what came before an error."""
    got = Answer() if into is None else into
    async with contextlib.aclosing(model.generate(request or asking())) as items:
        async for item in items:
            if isinstance(item, Usage):
                got.usages.append(item)
            elif isinstance(item, Notice):
                got.notices.append(item)
            elif isinstance(item, CacheUse):
                got.caches.append(item)
            elif isinstance(item, Finish):
                got.finishes.append(item)
            else:
                got.parts.append(item)
    return got


def gemini(server: GeminiServer, name: str = NAME, **options: Any) -> GeminiModel:
    """A model that talks to the local server."""
    return GeminiModel(name, **{"api_key": server.key, "base_url": server.url, **options})
