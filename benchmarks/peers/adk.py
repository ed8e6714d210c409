"""google-adk: an LlmAgent under a Runner with in-memory sessions."""

from __future__ import annotations

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from benchmarks.peers.tools import TOOLS
from benchmarks.work import TEXT

APP = "benchmark"


class Talk:
    async def open(self) -> None:
        self.sessions = InMemorySessionService()
        self.runners = {
            kind: Runner(
                app_name=APP,
                agent=LlmAgent(name="agent", model="gemini-3.8-flash", tools=tools),
                session_service=self.sessions,
            )
            for kind, tools in TOOLS.items()
        }

    async def close(self) -> None:
        for runner in self.runners.values():
            await runner.close()

    async def chat(self, turns: int, storage: str) -> str:
        if storage != "memory":
            raise NotImplementedError("measured in memory only")
        session = await self.sessions.create_session(app_name=APP, user_id="user")
        for number in range(turns):
            for role, author in (("user", "user"), ("model", "agent")):
                content = types.Content(role=role, parts=[types.Part(text=TEXT)])
                event = Event(author=author, invocation_id=f"past-{number}", content=content)
                await self.sessions.append_event(session, event)
        return session.id

    async def turn(self, chat: str, text: str, tools: str, *, streamed: bool) -> str:
        message = types.Content(role="user", parts=[types.Part(text=text)])
        mode = StreamingMode.SSE if streamed else StreamingMode.NONE
        said = ""
        async for event in self.runners[tools].run_async(
            user_id="user", session_id=chat, new_message=message, run_config=RunConfig(streaming_mode=mode)
        ):
            if event.is_final_response() and event.content:
                said = "".join(part.text or "" for part in event.content.parts or [])
        return said
