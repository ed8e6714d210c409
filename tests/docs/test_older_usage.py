"""Programs written for the engine's first README run as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner import (
    CacheConfig,
    ChatManager,
    ChatMessage,
    ChatStorage,
    GeminiClient,
    LocalChatStorage,
    RateLimitingAsyncExecutor,
    Tool,
    ToolExecutor,
    ToolsExecutionResult,
)
from tests.docs.answers import KEY

if TYPE_CHECKING:
    from tests.servers import GeminiServer

MODEL = "gemini-3.8-flash"
QUERY = "Weather in Rome?"  # the model asks for Rome and Oslo, then answers "Fine."


class WeatherTool(Tool):
    name = "get_weather"
    function_definition = {  # noqa: RUF012  # as users write it
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
    }

    async def execute(self, tool_args: dict[str, Any]) -> dict[str, Any]:
        return {"city": tool_args["city"], "temperature": 18}


class MyEvent:
    def __init__(self, tool_name: str, args: dict[str, Any]) -> None:
        self.tool_name, self.args = tool_name, args


class MyExecutor(ToolExecutor[MyEvent]):
    async def execute_tools(self, function_calls):  # type: ignore[no-untyped-def]  # as users write it
        results = []
        for call in function_calls:
            await self._emit_event(MyEvent(call.tool.name, call.function_call.args))
            results.append(await self.run(call))
        return ToolsExecutionResult(should_proceed=True, function_call_results=results)

    async def run(self, call: Any) -> dict[str, Any]:
        return await call.tool.execute(call.function_call.args)


class ByName(MyExecutor):
    async def run(self, call: Any) -> dict[str, Any]:
        return await call.tool.execute(**call.function_call.args)


class ByKeyword(MyExecutor):
    async def run(self, call: Any) -> dict[str, Any]:
        return await call.tool.execute(tool_args=call.function_call.args)


class MongoStorage(ChatStorage):
    db: Any

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        return [ChatMessage.from_json(text) for text in self.db.get(chat_id, [])]

    async def append_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        self.db.setdefault(chat_id, []).extend(message.to_json() for message in messages)


class ConnectingStorage(MongoStorage):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.db = {}


async def test_a_client_with_everything_set_chats(gemini: GeminiServer) -> None:
    client = GeminiClient(
        api_key=KEY,
        chat_manager=ChatManager(storage=LocalChatStorage()),
        tool_mode="auto",
        max_iterations=5,
        num_gemini_call_retries=2,
    )
    chunks = []
    async for chunk in client.chat(
        query=QUERY,
        model=MODEL,
        tools=[WeatherTool()],
        tool_executor=RateLimitingAsyncExecutor(max_batch_size=5),
        chat_id="abc",
    ):
        chunks.append(chunk)  # noqa: PERF401  # as users write it
    await client.aclose()
    assert "".join(chunks) == "Fine."
    assert [each["response"]["city"] for each in gemini.generations[1].responses] == ["Rome", "Oslo"]


@pytest.mark.parametrize("kind", [MyExecutor, ByName, ByKeyword])
async def test_an_executor_runs_its_calls_and_tells_its_events(kind: type[MyExecutor], gemini: GeminiServer) -> None:
    """The arguments may be given to `execute` as a dict, by position or keyword, or by name."""
    executor = kind()
    async with GeminiClient(KEY, ChatManager()) as client:
        text = [chunk async for chunk in client.chat(query=QUERY, tools=[WeatherTool()], tool_executor=executor)]
    assert "".join(text) == "Fine."
    told = [event async for event in executor.get_result_stream()]
    assert [(event.tool_name, event.args) for event in told] == [
        ("get_weather", {"city": "Rome"}),
        ("get_weather", {"city": "Oslo"}),
    ]
    await executor.shutdown()


@pytest.mark.parametrize("storage", [MongoStorage(db={}), ConnectingStorage("mongodb://localhost")])
async def test_a_storage_with_some_of_the_methods_keeps_a_chat(storage: MongoStorage, gemini: GeminiServer) -> None:
    async with GeminiClient(KEY, ChatManager(storage=storage)) as client:
        for _ in range(2):
            assert "".join([chunk async for chunk in client.chat(query="Say hello.", chat_id="abc")])
    assert len(gemini.generations[-1].contents) == 3
    with pytest.raises(NotImplementedError, match="update_history"):
        await storage.update_history("abc", [])


async def test_a_declaration_of_the_sdk_declares_a_tool(gemini: GeminiServer) -> None:
    from google.genai import types

    class SdkTool(WeatherTool):
        function_definition = types.FunctionDeclaration(
            name="get_weather",
            description="Get the weather of a city",
            parameters=types.Schema(
                type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}, required=["city"]
            ),
        )

    async with GeminiClient(KEY) as client:
        assert "".join([chunk async for chunk in client.chat(query=QUERY, tools=[SdkTool()])]) == "Fine."
    assert gemini.generations[0].declarations["get_weather"]["parametersJsonSchema"]["required"] == ["city"]


async def test_a_cache_is_made_and_named_in_a_config(gemini: GeminiServer) -> None:
    async with GeminiClient(api_key=KEY) as client:
        await client.cache_manager.create_cache(model=MODEL, cache_name="x", contents="long " * 500, ttl="1h")
        config = CacheConfig(cache_name="x", auto_refresh_ttl="1h")
        assert "".join([chunk async for chunk in client.chat(query="Say hello.", cache_config=config)])
    assert [cache.given["ttl"] for cache in gemini.caches.values()] == ["3600s"]
