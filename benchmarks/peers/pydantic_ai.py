"""pydantic-ai: an Agent over its Google model, histories kept by the caller."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent, ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models.google import GoogleModel

from benchmarks.peers.tools import TOOLS
from benchmarks.work import TEXT


class Talk:
    async def open(self) -> None:
        model = GoogleModel("gemini-3.8-flash")
        self.agents: dict[str, Agent[None, str]] = {kind: Agent(model, tools=tools) for kind, tools in TOOLS.items()}

    async def close(self) -> None:
        pass

    async def chat(self, turns: int, storage: str) -> list[ModelMessage]:
        if storage != "memory":
            raise NotImplementedError("it stores nothing")
        past: list[ModelMessage] = []
        for _ in range(turns):
            past.append(ModelRequest(parts=[UserPromptPart(TEXT)]))
            past.append(ModelResponse(parts=[TextPart(TEXT)]))
        return past

    async def turn(self, chat: list[ModelMessage], text: str, tools: str, *, streamed: bool) -> str:
        agent: Any = self.agents[tools]
        if not streamed:
            result = await agent.run(text, message_history=chat)
            chat[:] = result.all_messages()
            return str(result.output)
        async with agent.run_stream(text, message_history=chat) as result:
            said = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
        chat[:] = result.all_messages()
        return "".join(said)
