"""What is left when nothing is checked, kept or told: JSON over a plain HTTP client."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from typing import Any

import aiohttp

from benchmarks.contenders.shapes import DECLARATIONS, FUNCTIONS
from benchmarks.work import TEXT

MODEL = "gemini-3.8-flash"


class Talk:
    async def open(self) -> None:
        self.url = f"{os.environ['GOOGLE_GEMINI_BASE_URL']}/v1/models/{MODEL}:streamGenerateContent?alt=sse"
        self.session = aiohttp.ClientSession(headers={"x-goog-api-key": os.environ["GEMINI_API_KEY"]})

    async def close(self) -> None:
        await self.session.close()

    async def chat(self, turns: int, storage: str) -> list[Any]:
        if storage != "memory":
            raise NotImplementedError("nothing is stored here")
        pair = [{"role": "user", "parts": [{"text": TEXT}]}, {"role": "model", "parts": [{"text": TEXT}]}]
        return pair * turns

    async def turn(self, chat: list[Any], text: str, tools: str, *, streamed: bool) -> str:  # noqa: ARG002
        chat.append({"role": "user", "parts": [{"text": text}]})
        while True:
            parts = await self._ask(chat, tools)
            chat.append({"role": "model", "parts": parts})
            calls = [part["functionCall"] for part in parts if "functionCall" in part]
            if not calls:
                return "".join(part.get("text", "") for part in parts)
            results = await asyncio.gather(*(self._run(FUNCTIONS[tools], call) for call in calls))
            responses = [
                {"functionResponse": {"id": call["id"], "name": call["name"], "response": result}}
                for call, result in zip(calls, results, strict=True)
            ]
            chat.append({"role": "user", "parts": responses})

    async def _run(self, function: Any, call: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            return await function(**call["args"])
        return await asyncio.to_thread(function, **call["args"])

    async def _ask(self, chat: list[Any], tools: str) -> list[Any]:
        body: dict[str, Any] = {"contents": chat}
        if tools:
            body["tools"] = [{"functionDeclarations": [DECLARATIONS[tools]]}]
        parts = []
        async with self.session.post(self.url, json=body) as reply:
            async for line in reply.content:
                if line.startswith(b"data:"):
                    for candidate in json.loads(line[5:]).get("candidates", ()):
                        parts += candidate.get("content", {}).get("parts", ())
        return parts
