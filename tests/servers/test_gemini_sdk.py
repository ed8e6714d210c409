"""The real SDK talks to the server: streams, tools, ids, signatures, caches, errors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.servers import GeminiServer, blocked, calls, echo, error, ledger, text, thought, usage, weather
from tests.servers.conversation import CONFIG, MODEL, turn


@pytest.fixture
def server() -> Any:
    with GeminiServer(verbatim=True) as running:
        yield running


@pytest.fixture
async def client(server: GeminiServer) -> Any:
    made = genai.Client(api_key=server.key, http_options={"base_url": server.url})
    async with made.aio:
        yield made


@pytest.mark.parametrize("stream", [True, False])
async def test_tools_ids_and_signatures_survive_turns_and_steps(
    server: GeminiServer, client: genai.Client, stream: bool
) -> None:
    server.answer = ledger
    history: list[types.Content] = []
    for number in (1, 2, 3):
        assert (await turn(client, history, f"go {number}", stream=stream)).startswith("Recorded: record: ")
    assert server.refused == []
    stored = [content.model_dump(mode="json", exclude_none=True, by_alias=True) for content in history]
    reloaded = [types.Content.model_validate(each) for each in stored]
    await turn(client, reloaded, "go 4", stream=stream)
    assert [request.status for request in server.requests] == [200] * 12
    assert [each["id"] for each in server.requests[1].responses] == ["call_1", "call_2"]


async def test_a_stream_arrives_in_pieces_with_usage_at_the_end(server: GeminiServer, client: genai.Client) -> None:
    server.script(thought("hm") + text("Hello", ", ", "world", gap=0.02) + usage(prompt=7, candidates=3, thoughts=1))
    chunks = [
        chunk
        async for chunk in await client.aio.models.generate_content_stream(model=MODEL, contents="hi", config=CONFIG)
    ]
    assert [chunk.text for chunk in chunks if chunk.text] == ["Hello", ", ", "world"]
    assert [bool(chunk.usage_metadata) for chunk in chunks] == [False, False, False, False, True]
    last = chunks[-1]
    assert last.usage_metadata is not None
    assert (last.usage_metadata.total_token_count, last.model_version) == (11, MODEL)
    assert last.candidates is not None
    assert last.candidates[0].finish_reason == types.FinishReason.STOP


async def test_fifty_chats_at_once_keep_to_their_own_scripts(server: GeminiServer, client: genai.Client) -> None:
    for number in range(50):
        server.script(calls(("record", {"entry": str(number)})), text(f"answer {number}."), when=f"chat {number}.")
    answers = await asyncio.gather(*[turn(client, [], f"chat {number}.") for number in range(50)])
    assert answers == [f"answer {number}." for number in range(50)]


async def test_errors_come_as_the_sdk_s_own(server: GeminiServer, client: genai.Client) -> None:
    server.script(error(429, retry_delay="7.5s"), blocked("SAFETY"))
    with pytest.raises(errors.ClientError) as caught:
        await client.aio.models.generate_content(model=MODEL, contents="hi", config=CONFIG)
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    reply = await client.aio.models.generate_content(model=MODEL, contents="hi", config=CONFIG)
    assert reply.candidates is None
    assert reply.prompt_feedback is not None
    with pytest.raises(errors.ClientError, match="Requests ending with a model turn"):
        await client.aio.models.generate_content(
            model=MODEL, contents=[types.UserContent("a"), types.ModelContent("b")], config=CONFIG
        )


async def test_a_config_with_everything_is_accepted(server: GeminiServer, client: genai.Client) -> None:
    server.answer = echo
    everything = types.GenerateContentConfig(
        system_instruction="be nice",
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        max_output_tokens=100,
        stop_sequences=["END"],
        seed=7,
        response_mime_type="application/json",
        response_json_schema={"type": "object", "properties": {"a_b": {"type": "string"}}},
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.LOW),
        safety_settings=[
            types.SafetySetting(
                category=types.HarmCategory.HARM_CATEGORY_HARASSMENT, threshold=types.HarmBlockThreshold.OFF
            )
        ],
        tools=[
            types.Tool(google_search=types.GoogleSearch()),
            types.Tool(
                function_declarations=[types.FunctionDeclaration(name="f", parameters_json_schema={"type": "object"})]
            ),
        ],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(
                mode=types.FunctionCallingConfigMode.VALIDATED, allowed_function_names=["f"]
            ),
            include_server_side_tool_invocations=True,
        ),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        labels={"a_b": "c"},
    )
    reply = await client.aio.models.generate_content(model=MODEL, contents="hi", config=everything)
    assert reply.text == "echo: hi"


async def test_caches_models_and_tokens(server: GeminiServer, client: genai.Client) -> None:
    server.answer = weather
    cache = await client.aio.caches.create(
        model=MODEL,
        config=types.CreateCachedContentConfig(system_instruction="sys", tools=CONFIG["tools"], ttl="3600s"),
    )
    assert cache.name is not None
    config = types.GenerateContentConfig(
        cached_content=cache.name, automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True)
    )
    reply = await client.aio.models.generate_content(model=MODEL, contents="Rain in Paris?", config=config)
    assert reply.usage_metadata is not None
    assert reply.usage_metadata.cached_content_token_count
    await client.aio.caches.update(name=cache.name, config=types.UpdateCachedContentConfig(ttl="7200s"))
    assert [each.name async for each in await client.aio.caches.list()] == [cache.name]
    await client.aio.caches.delete(name=cache.name)
    with pytest.raises(errors.ClientError, match="CachedContent not found"):
        await client.aio.caches.get(name=cache.name)
    with pytest.raises(errors.ClientError, match="Illegal duration format"):
        await client.aio.caches.create(
            model=MODEL, config=types.CreateCachedContentConfig(system_instruction="sys", ttl="1h")
        )
    assert (await client.aio.models.get(model=MODEL)).output_token_limit == 65_536
    assert (await client.aio.models.count_tokens(model=MODEL, contents="hi")).total_tokens
