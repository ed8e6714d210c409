"""What type checkers see of the public API; checked by `tests/guards/test_typing.py`, never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from pathlib import Path
from typing import Any, Literal, assert_type

from runner import (
    Agent,
    AgentManifest,
    AgentRunError,
    AsyncToolExecutor,
    CacheConfig,
    CacheManager,
    ChatManager,
    ChatMessage,
    ChatStorage,
    Event,
    Finish,
    FunctionCall,
    FunctionTool,
    GeminiClient,
    GeminiModel,
    GenerateContentRequest,
    Limits,
    LocalChatStorage,
    Model,
    Notice,
    Project,
    RateLimitingAsyncExecutor,
    Reloaded,
    ReloadFailed,
    ReloadNotice,
    ScriptedModel,
    SqliteChatStorage,
    TextDelta,
    Tool,
    ToolContext,
    ToolExecutor,
    ToolReturned,
    ToolsExecutionResult,
    TurnEnded,
    Usage,
    UsageReported,
    load_manifest,
    tool,
)
from runner.caches import Cache
from runner.requests import ModelItem  # noqa: TC001  # as users write it


@tool
def bare(a: int) -> str:
    """A decorated function."""
    return str(a)


@tool(effects="none", timeout=2, name="other", description="Other.")
async def configured(a: int, context: ToolContext) -> dict[str, int]:
    """A decorated function with settings."""
    return {"a": a, "index": context.index}


class Written(Tool):
    """A tool by subclass."""

    name = "written"
    effects = "idempotent"
    function_definition = {  # noqa: RUF012  # as users write it
        "name": "written",
        "description": "Written.",
    }

    async def execute(self, tool_args: dict[str, Any]) -> dict[str, Any]:
        """Return what it was given."""
        return tool_args


class Told:
    """An executor's own event."""


class Telling(ToolExecutor[Told]):
    """An executor by subclass."""

    async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
        """Run the calls in order."""
        results = [await call.tool.execute(call.function_call.args) for call in function_calls]
        assert_type(results, list[dict[str, Any]])
        await self._emit_event(Told())
        return ToolsExecutionResult(should_proceed=True, function_call_results=results)


class Plain(ToolExecutor):
    """An executor that names no event type: its events are Any."""


class Stored(ChatStorage):
    """A storage by subclass."""

    db: dict[str, list[ChatMessage]]

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        """What is stored."""
        return self.db.get(chat_id, [])


class Own(Model):
    """A model by subclass."""

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """Say hello."""
        assert_type(request.contents, list[dict[str, Any]])
        yield {"text": "hello"}
        yield Usage()
        yield Notice("own", "an own notice")
        yield Finish()


def tools(some: Tool) -> None:
    """Decorated functions are tools that can still be called."""
    assert_type(bare, FunctionTool)
    assert_type(configured, FunctionTool)
    assert_type(some.effects, Literal["none", "idempotent", "once"])
    assert_type(Written().declaration(), dict[str, Any])
    assert_type(some.timeout, float | None)


async def turns(client: GeminiClient) -> None:
    """A turn as text and as events."""
    text = client.chat(
        query="hi",
        model="gemini-3.8-flash",
        tools=[bare, configured, Written, Written(), lambda: None],
        tool_executor=RateLimitingAsyncExecutor(max_batch_size=5),
        chat_id="abc",
        tool_mode="any",
        max_iterations=3,
        num_gemini_call_retries=2,
        cache_config=CacheConfig(cache_name="x", auto_refresh_ttl="1h"),
        context=object(),
        files=[Path("a.txt"), "b.txt", {"text": "c"}],
    )
    assert_type(text, AsyncGenerator[str, None])
    events = client.events(query="hi", model=Own())
    async for event in events:
        assert_type(event, Event)
        match event:
            case TextDelta(piece):
                assert_type(piece, str)
            case ToolReturned(kind=kind, result=result, ms=ms):
                assert_type((kind, result, ms), tuple[str, dict[str, Any], float])
            case UsageReported(usage=usage):
                assert_type(usage, Usage)
            case TurnEnded(reason=reason, error=error):
                assert_type(reason, Literal["answered", "stopped", "limit", "failed", "interrupted"])
                assert_type(error, AgentRunError | None)
            case _:
                assert_type(event.to_json(), dict[str, Any])
    events.interrupt()
    client.chat(query="hi", tool_mode="sometimes")  # type: ignore[arg-type]  # not one of the modes
    client.chat(qeury="hi")  # type: ignore[call-arg]  # the query's name is checked
    client.chat(query="hi", temperature=1)  # type: ignore[call-arg]  # no such setting


async def executors() -> None:
    """Streams know the type of their events."""
    async for told in Telling().get_result_stream():
        assert_type(told, Told)
    async for anything in Plain().get_result_stream():
        assert_type(anything, Any)
    async for number in AsyncToolExecutor[int]().get_result_stream():
        assert_type(number, int)
    assert_type(Telling().shutdown(), Awaitable[None])
    assert_type(RateLimitingAsyncExecutor(max_batch_size=5).max_batch_size, int)


async def chats() -> None:
    """Clients, managers and storages, as they are made."""
    async with GeminiClient(
        api_key="k",
        chat_manager=ChatManager(storage=LocalChatStorage(), instructions=lambda now: now.isoformat()),
        tool_mode="auto",
        limits=Limits(turn_timeout=60),
        model=GeminiModel("gemini-3.8-flash", idle_timeout=30),
    ) as client:
        assert_type(client, GeminiClient)
        assert_type(client.cache_manager, CacheManager)
        assert_type(client.chat_manager, ChatManager)
    manager = ChatManager(Stored(db={}), "Be brief.")
    assert_type(await manager.get_history("a"), list[ChatMessage])
    request = await manager.generate_content_request(
        chat_id="a", query="hi", model="m", client=client, tools=[bare], tool_mode="auto", cache_config=None
    )
    assert_type(request, GenerateContentRequest)
    async with SqliteChatStorage("chats.db") as storage:
        assert_type(storage, SqliteChatStorage)
    async with await storage.acquire("a", timeout=1) as lease:
        await lease.check()
    message = ChatMessage.user("hi")
    assert_type(message.content, dict[str, Any] | None)
    assert_type(message.text, str)


async def caches(client: GeminiClient) -> None:
    """Bound and unbound."""
    bound = client.cache_manager
    assert_type(await bound.create_cache(model="m", cache_name="x", contents="c", ttl="1h"), Cache)
    assert_type(await bound.get_cache("x"), Cache | None)
    assert_type(await bound.list_caches(), list[Cache])
    unbound = CacheManager()
    assert_type(await unbound.update_cache_ttl(client, "x", ttl=60), Cache)
    assert_type(await unbound.get_and_refresh(client, "x", ttl="1h"), Cache | None)
    assert_type(await unbound.delete_cache(client, "x"), bool)


async def agents() -> None:
    """A manifest, and the agent it builds."""
    assert_type(load_manifest("a.yaml").manifest, AgentManifest)
    async with Agent.from_file("a.yaml", model="offline") as agent:
        assert_type(agent, Agent)
        assert_type(agent.client, GeminiClient)
        assert_type(await agent.latest_chat(), str | None)
        async for event in agent.run("hi", chat_id="a"):
            assert_type(event, Event)
    async with Project("a.yaml", variables={"days": 3}, reload=False) as project:
        assert_type(project.agent, Agent)
        async for event in project.run("hi", chat_id="a"):
            assert_type(event, Event)
        assert_type(await anext(project.changes()), Reloaded | ReloadFailed | ReloadNotice)


async def scripted() -> None:
    """The model for tests."""
    from runner.models.scripted import Reply, call, calls, error, finish, say

    model = ScriptedModel(
        say("a"), calls(call("b", {"c": 1}), call("d")), error(503), finish("SAFETY"), lambda _: say("e")
    )
    assert_type(model.requests, list[GenerateContentRequest])
    assert_type(say("a"), Reply)
