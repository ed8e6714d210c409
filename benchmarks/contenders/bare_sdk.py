"""google-genai as it comes: its client, its types, a hand-written loop without anything else."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from google import genai
from google.genai import types

from benchmarks.contenders.shapes import DECLARATIONS, FUNCTIONS
from benchmarks.work import TEXT

MODEL = "gemini-3.8-flash"


def config_of(tools: str) -> dict[str, Any]:
    config: dict[str, Any] = {"automatic_function_calling": {"disable": True}, "automatic_continuation": False}
    if tools:
        declared = DECLARATIONS[tools]
        declaration = {
            "parameters_json_schema" if key == "parametersJsonSchema" else key: declared[key] for key in declared
        }
        config["tools"] = [{"function_declarations": [declaration]}]
    return config


class Talk:
    async def open(self) -> None:
        self.client = genai.Client()
        self.configs = {tools: config_of(tools) for tools in ("", "weather", "async", "blocking")}

    async def close(self) -> None:
        await self.client.aio.aclose()

    async def chat(self, turns: int, storage: str) -> list[types.Content]:
        if storage != "memory":
            raise NotImplementedError("the bare SDK stores nothing")
        past = []
        for _ in range(turns):
            past.append(types.Content(role="user", parts=[types.Part(text=TEXT)]))
            past.append(types.Content(role="model", parts=[types.Part(text=TEXT)]))
        return past

    async def turn(self, chat: list[types.Content], text: str, tools: str, *, streamed: bool) -> str:
        chat.append(types.Content(role="user", parts=[types.Part(text=text)]))
        while True:
            content = await (self._streamed if streamed else self._whole)(chat, self.configs[tools])
            chat.append(content)
            calls = [part.function_call for part in content.parts or [] if part.function_call]
            if not calls:
                return "".join(part.text or "" for part in content.parts or [])
            results = await asyncio.gather(*(self._run(FUNCTIONS[tools], call) for call in calls))
            responses = [
                types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response=result))
                for call, result in zip(calls, results, strict=True)
            ]
            chat.append(types.Content(role="user", parts=responses))

    async def _run(self, function: Any, call: types.FunctionCall) -> dict[str, Any]:
        args = call.args or {}
        if inspect.iscoroutinefunction(function):
            return await function(**args)
        return await asyncio.to_thread(function, **args)

    async def _whole(self, chat: list[types.Content], config: Any) -> types.Content:
        reply = await self.client.aio.models.generate_content(model=MODEL, contents=chat, config=config)
        return reply.candidates[0].content

    async def _streamed(self, chat: list[types.Content], config: Any) -> types.Content:
        parts: list[types.Part] = []
        stream = await self.client.aio.models.generate_content_stream(model=MODEL, contents=chat, config=config)
        async for chunk in stream:
            for candidate in chunk.candidates or []:
                parts += (candidate.content and candidate.content.parts) or []
        return types.Content(role="model", parts=parts)
