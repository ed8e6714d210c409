"""A hand-written loop over JSON, without a way to send it: nothing is checked, kept or told."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any

from benchmarks.contenders.shapes import DECLARATIONS, FUNCTIONS
from benchmarks.work import TEXT

PATH = "/v1/models/gemini-3.8-flash:streamGenerateContent?alt=sse"


class JsonTalk:
    """Subclass it and send: `_post(body)` returns all server-sent events of the reply."""

    async def _post(self, body: bytes) -> bytes:
        raise NotImplementedError

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
        data = await self._post(json.dumps(body).encode())
        events = [json.loads(line[5:]) for line in data.splitlines() if line.startswith(b"data:")]
        return [
            part
            for event in events
            for candidate in event.get("candidates", ())
            for part in candidate.get("content", {}).get("parts", ())
        ]
