"""openai-agents: an Agent over LiteLLM's Gemini, a session in SQLite's memory."""

from __future__ import annotations

import itertools
import os
from typing import Any

from agents.extensions.models.litellm_model import LitellmModel

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it asks a server for prices

from agents import Agent, Runner, SQLiteSession, function_tool, set_tracing_disabled
from benchmarks.peers.tools import TOOLS
from benchmarks.work import TEXT


class Talk:
    async def open(self) -> None:
        set_tracing_disabled(True)
        base = f"{os.environ['GOOGLE_GEMINI_BASE_URL']}/v1beta"
        model = LitellmModel(model="gemini/gemini-3.8-flash", base_url=base, api_key=os.environ["GEMINI_API_KEY"])
        self.agents = {
            kind: Agent(name="agent", model=model, tools=[function_tool(each) for each in tools])
            for kind, tools in TOOLS.items()
        }
        self.made = itertools.count()

    async def close(self) -> None:
        pass

    async def chat(self, turns: int, storage: str) -> SQLiteSession:
        if storage != "memory":
            raise NotImplementedError("measured in memory only")
        session = SQLiteSession(f"chat-{next(self.made)}")
        items: list[Any] = [{"role": role, "content": TEXT} for _ in range(turns) for role in ("user", "assistant")]
        await session.add_items(items)
        return session

    async def turn(self, chat: SQLiteSession, text: str, tools: str, *, streamed: bool) -> str:
        if not streamed:
            return str((await Runner.run(self.agents[tools], text, session=chat)).final_output)
        result = Runner.run_streamed(self.agents[tools], text, session=chat)
        async for _ in result.stream_events():
            pass
        return str(result.final_output)
