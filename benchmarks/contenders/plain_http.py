"""What is left when nothing is checked, kept or told: JSON over a plain HTTP client."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from typing import Any

from pyreqwest.client import ClientBuilder

from benchmarks.contenders.shapes import DECLARATIONS, FUNCTIONS
from benchmarks.work import TEXT

MODEL = "gemini-3.8-flash"


class Talk:
    async def open(self) -> None:
        self.url = f"{os.environ['GOOGLE_GEMINI_BASE_URL']}/v1/models/{MODEL}:streamGenerateContent?alt=sse"
        headers = {"x-goog-api-key": os.environ["GEMINI_API_KEY"], "content-type": "application/json"}
        self.client = ClientBuilder().default_headers(headers).build()

    async def close(self) -> None:
        await self.client.close()

    async def chat(self, turns: int, storage: str) -> list[Any]:
        if storage != "memory":
            raise NotImplementedError("nothing is stored here")
        pair = [{"role": "user", "parts": [{"text": TEXT}]}, {"role": "model", "parts": [{"text": TEXT}]}]
        return pair * turns

    async def turn(self, chat: list[Any], text: str, tools: str, *, streamed: bool) -> str:
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
        data = b""
        async with self.client.post(self.url).body_bytes(json.dumps(body).encode()).build_streamed() as reply:
            while chunk := await reply.body_reader.read_chunk():
                data += bytes(chunk)
        events = [json.loads(line[5:]) for line in data.splitlines() if line.startswith(b"data:")]
        return [
            part
            for event in events
            for candidate in event.get("candidates", ())
            for part in candidate.get("content", {}).get("parts", ())
        ]
