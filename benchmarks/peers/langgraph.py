"""langgraph: its prebuilt agent over langchain-google-genai, a checkpointer in memory."""

from __future__ import annotations

import itertools
import os
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_google_genai import ChatGoogleGenerativeAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.prebuilt import create_react_agent

from benchmarks.peers.tools import TOOLS
from benchmarks.work import TEXT


class Talk:
    async def open(self) -> None:
        model = ChatGoogleGenerativeAI(model="gemini-3.8-flash", base_url=os.environ["GOOGLE_GEMINI_BASE_URL"])
        saver = InMemorySaver()
        self.agents = {kind: create_react_agent(model, tools, checkpointer=saver) for kind, tools in TOOLS.items()}
        self.made = itertools.count()

    async def close(self) -> None:
        pass

    async def chat(self, turns: int, storage: str) -> dict[str, Any]:
        if storage != "memory":
            raise NotImplementedError("measured in memory only")
        config = {"configurable": {"thread_id": f"chat-{next(self.made)}"}, "recursion_limit": 20}
        past = [kind(TEXT) for _ in range(turns) for kind in (HumanMessage, AIMessage)]
        if past:
            await self.agents[""].aupdate_state(config, {"messages": past})
        return config

    async def turn(self, chat: dict[str, Any], text: str, tools: str, *, streamed: bool) -> str:
        given = {"messages": [HumanMessage(text)]}
        agent = self.agents[tools]
        if not streamed:
            done = await agent.ainvoke(given, chat)
            return str(done["messages"][-1].text)
        said = ""
        async for chunk, _ in agent.astream(given, chat, stream_mode="messages"):
            if chunk.type == "AIMessageChunk":
                said += str(chunk.text)
        return said
