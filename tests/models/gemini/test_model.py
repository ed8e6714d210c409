"""A reply of Gemini reaches the caller whole, and a request leaves as it was written."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import gzip
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import GeminiClientError, MissingKeyError
from runner.events import Notice
from runner.messages import ChatMessage, Json, to_json
from runner.models.gemini import GeminiModel
from runner.requests import GenerateContentRequest, Usage
from tests.models.asking import NAME, TOOLS, Answer, NewModel, answer, asking
from tests.servers import GeminiServer, RecordedRequest, calls, framing, part, pause, raw, text, thought, usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.models.gemini.model import TransportName

KEY = "AIzaSyCanaryCanaryCanaryCanaryCanary123"


def responses(*called: Json) -> Json:
    return {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": call["id"], "name": call["name"], "response": {"output": 1}}} for call in called
        ],
    }


async def test_parts_usage_and_finish_arrive_as_the_service_sent_them(server: GeminiServer, model: GeminiModel) -> None:
    server.script(
        thought("hm") + text("It ", "rains.", sign="last") + usage(prompt=9, candidates=2, thoughts=1, cached=4)
    )
    got = await answer(model)
    signature = got.parts[-1].pop("thoughtSignature")
    assert got.parts == [{"text": "hm", "thought": True}, {"text": "It "}, {"text": "rains."}]
    assert signature.startswith("++//")
    assert got.usages[-1] == Usage(
        prompt_tokens=9, cached_tokens=4, output_tokens=2, thoughts_tokens=1, total_tokens=12
    )
    assert (got.finish.reason, got.finish.model_version, got.codes) == ("STOP", NAME, [])
    assert got.finish.response_id


async def test_the_request_on_the_wire_is_the_requests_own_json(
    server: GeminiServer, model: GeminiModel, transport: TransportName
) -> None:
    server.script(text("ok"))
    request = asking(
        "Hi \x00 \u2028 \U0001f600",
        system_instruction={"parts": [{"text": "be brief"}]},
        tools=[*TOOLS, {"googleSearch": {}}],
        tool_config={"functionCallingConfig": {"mode": "AUTO"}, "includeServerSideToolInvocations": True},
        generation_config={"maxOutputTokens": 100},
    )
    await answer(model, request)
    sent = server.requests[0]
    assert json.dumps(sent.body) == json.dumps(request.body())
    assert (sent.verb, sent.model, sent.query["alt"]) == ("stream", NAME, "sse")
    assert sent.headers["x-goog-api-key"] == server.key
    assert sent.headers["user-agent"].startswith("agent-run/" if transport == "direct" else "google-genai-sdk/3")


async def test_stored_messages_are_sent_without_being_decoded(server: GeminiServer, model: GeminiModel) -> None:
    server.script(text("ok"))
    stored = '{"role":"user","parts":[{"text":"a","videoMetadata":{"fps":1.0,"startOffset":null}}]}'
    await answer(model, GenerateContentRequest(model=NAME, messages=[ChatMessage.from_stored(stored, "{}")]))
    assert to_json(server.requests[0].body["contents"][0]) == stored


@pytest.mark.parametrize("signature", [b"\xfb\xef\xff" * 4, b"\x00", b"\xff" * 31])
@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
async def test_signatures_ids_and_unknown_parts_go_back_byte_for_byte(
    server: GeminiServer, model: GeminiModel, signature: bytes, alphabet: object
) -> None:
    assert callable(alphabet)
    signed = alphabet(signature).decode()
    server.script(
        part(
            {"text": "plan", "thought": True, "futureField": {"a": [1, 2.0, None]}},
            {"functionCall": {"name": "f", "id": "call/+1", "args": {"x": "1"}}, "thoughtSignature": signed},
            {"functionCall": {"name": "g", "id": "call-2"}, "partMetadata": {"k": 1e3}},
        ),
        text("done"),
    )
    first = await answer(model, asking("Hi", tools=TOOLS))
    called = [each["functionCall"] for each in first.parts if "functionCall" in each]
    await answer(model, asking("Hi", first.content, responses(*called), tools=TOOLS))
    assert server.requests[1].body["contents"][1] == first.content
    assert first.parts[1]["thoughtSignature"] == signed
    assert json.dumps(first.parts[0]["futureField"]) == '{"a": [1, 2.0, null]}'
    assert server.requests[1].status == 200


async def test_a_part_of_a_kind_unknown_today_and_a_lone_surrogate_survive(
    server: GeminiServer, model: GeminiModel
) -> None:
    body = json.dumps(
        {
            "candidates": [
                {"content": {"parts": [{"hologram": {"x": "\ud800"}}, {"text": "\ud83d"}]}, "finishReason": "STOP"}
            ]
        }
    )
    server.script(raw(f"data: {body}\n\n".encode()))
    assert (await answer(model)).parts == [{"hologram": {"x": "\ud800"}}, {"text": "\ud83d"}]


async def test_everything_else_the_reply_says_is_in_the_details(server: GeminiServer, model: GeminiModel) -> None:
    server.script(
        text(
            "ok",
            candidate={"groundingMetadata": {"webSearchQueries": ["a"]}, "finishMessage": "fine", "newField": 7},
            response={"newTop": {"b": 1}},
        )
    )
    finish = (await answer(model)).finish
    assert finish.message == "fine"
    assert finish.details == {"groundingMetadata": {"webSearchQueries": ["a"]}, "newField": 7, "newTop": {"b": 1}}


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        ("gemini-3.8-flash", []),
        ("gemini-3.8-flash-001", []),
        ("models/gemini-3.8-flash-preview-09-2026", []),
        ("gemini-3.8-flash-lite", ["model_version"]),
        ("gemini-4-hydrogen", ["model_version"]),
    ],
)
async def test_another_model_than_the_one_asked_for_is_told(
    server: GeminiServer, model: GeminiModel, answered: str, told: list[str]
) -> None:
    server.script(text("ok", model_version=answered))
    got = await answer(model, asking("Hi", model=f"models/{NAME}"))
    assert got.codes == told
    assert got.finish.model_version == answered


async def test_a_deprecated_model_is_told(server: GeminiServer, model: GeminiModel) -> None:
    status = {"modelStage": "DEPRECATED", "retirementTime": "2026-12-01T00:00:00Z", "message": "use another"}
    server.script(text("ok", response={"modelStatus": status}))
    got = await answer(model)
    message = f"{NAME} is deprecated, to be retired on 2026-12-01: use another"
    assert got.notices == [Notice("model_status", message)]
    assert got.finish.details["modelStatus"] == status


async def test_a_large_event_and_a_compressed_reply_are_read(server: GeminiServer, model: GeminiModel) -> None:
    image = base64.b64encode(bytes(15_000_000)).decode()
    server.script(part({"inlineData": {"mimeType": "image/png", "data": image}}))
    assert (await answer(model)).parts[0]["inlineData"]["data"] == image

    event = b'data: {"candidates":[{"content":{"parts":[{"text":"small"}]},"finishReason":"STOP"}]}\n\n'
    server.script(raw(gzip.compress(event), headers=(("Content-Encoding", "gzip"),)))
    assert (await answer(model)).text == "small"


@pytest.mark.parametrize(
    "odd",
    [
        {"prefix": "data:"},
        {"newline": "\n"},
        {"newline": "\r"},
        {"newline": "\r\n", "split": 1},
        {"per_event": 2},
        {"per_event": 3, "join": "\n"},
        {"comment": "keepalive"},
        {"lines": True, "newline": "\n"},
        {"bom": True},
    ],
)
async def test_odd_but_valid_streams_are_read(server: GeminiServer, model: GeminiModel, odd: Json) -> None:
    server.script(text("naïve ", "☂\u2028", "\U0001f600", sign=False) + framing(**odd))
    got = await answer(model)
    assert (got.text, got.finish.reason) == ("naïve ☂\u2028\U0001f600", "STOP")


async def test_items_are_yielded_as_they_arrive(server: GeminiServer, model: GeminiModel) -> None:
    server.script(text("first") + pause(30) + text("late"))
    async with contextlib.aclosing(model.generate(asking())) as items:
        assert await anext(items) == {"text": "first"}
    assert len(server.requests) == 1


async def test_leaving_a_stream_or_cancelling_it_drops_its_connection_and_no_other(
    server: GeminiServer, model: GeminiModel
) -> None:
    before = server.connections
    server.script(text("first") + pause(30), text("first") + pause(30), text("fine"))
    async with contextlib.aclosing(model.generate(asking())) as items:
        await anext(items)
    task = asyncio.create_task(answer(model))
    await server.arrived(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await answer(model)).text == "fine"
    async with asyncio.timeout(60):
        while server.connections > before + 1:
            await asyncio.sleep(0.01)


async def test_many_requests_at_once_share_the_client(server: GeminiServer, model: GeminiModel) -> None:
    def echo(request: RecordedRequest) -> object:
        return text(request.user_text)

    server.answer = echo  # type: ignore[assignment]
    try:
        got = await asyncio.gather(*(answer(model, asking(f"m{at}")) for at in range(120)))
    finally:
        server.answer = None
    assert [each.text for each in got] == [f"m{at}" for at in range(120)]


def test_one_model_serves_several_event_loops_and_closes_with_each(new_model: NewModel) -> None:
    with GeminiServer() as server:
        server.script(text("a"), text("b"))
        model = new_model(server)
        for expected in ("a", "b"):
            assert asyncio.run(answer(model)).text == expected
        asyncio.run(model.aclose())
        gc.collect()  # an unclosed connection would warn here, and a warning is an error


async def test_a_model_that_is_dropped_in_the_middle_of_a_reply_finishes_it(
    server: GeminiServer, new_model: NewModel
) -> None:
    server.script(text("a", "b", gap=0.02))
    items = new_model(server).generate(asking())
    got = []
    async with contextlib.aclosing(items):
        async for item in items:
            gc.collect()
            if isinstance(item, dict):
                got.append(item.get("text"))
    assert got[:2] == ["a", "b"]


async def test_a_closed_model_says_so(server: GeminiServer, new_model: NewModel) -> None:
    model = new_model(server)
    await model.warm_up()
    await model.aclose()
    await model.aclose()
    with pytest.raises(GeminiClientError, match="was closed"):
        await answer(model)


async def test_the_environment_is_enough(
    server: GeminiServer, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    server.stand_in(monkeypatch)
    server.script(text("ok"))
    async with GeminiModel(transport=transport) as model:
        assert (await answer(model)).text == "ok"


async def test_the_endpoint_follows_base_url_version_and_headers(server: GeminiServer, new_model: NewModel) -> None:
    server.script(text("ok"))
    async with new_model(server, api_version="v1beta", headers={"x-team": "blue"}) as model:
        await answer(model)
    sent = server.requests[0]
    assert (sent.headers["x-team"], sent.version, sent.status) == ("blue", "v1beta", 200)


async def test_the_enterprise_platform_is_reached_with_a_key(server: GeminiServer, transport: TransportName) -> None:
    server.script(text("ok"))
    async with GeminiModel(api_key=server.key, base_url=server.url, enterprise=True, transport=transport) as model:
        assert (await answer(model)).text == "ok"
    sent = server.requests[0]
    assert sent.path == f"/v1beta1/publishers/google/models/{NAME}:streamGenerateContent"
    assert sent.headers["x-goog-api-key"] == server.key


async def test_without_a_key_the_error_names_the_variable(transport: TransportName) -> None:
    with pytest.raises(MissingKeyError, match="GEMINI_API_KEY"):
        await answer(GeminiModel(transport=transport))


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "“quoted”"])
async def test_a_key_with_characters_no_key_has_is_refused_without_repeating_it(
    key: str, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", key)
    with pytest.raises(MissingKeyError, match="GEMINI_API_KEY contains") as raised:
        await answer(GeminiModel(transport=transport))
    assert key not in str(raised.value)


@pytest.mark.parametrize("name", ["", "../x", "a?b"])
async def test_an_impossible_model_name_is_an_error_of_the_client(model: GeminiModel, name: str) -> None:
    with pytest.raises(GeminiClientError, match="cannot be made"):
        await answer(model, asking("Hi", model=name))


async def test_the_key_is_in_no_text_of_the_model(server: GeminiServer, new_model: NewModel) -> None:
    async with new_model(server, api_key=KEY) as model:
        await model.warm_up()
        assert KEY not in f"{model!r} {vars(model)!r}"


async def test_warming_up_builds_the_clients_and_contacts_nobody(server: GeminiServer, new_model: NewModel) -> None:
    async with new_model(server) as model:
        await asyncio.gather(model.warm_up(), model.warm_up())
        first, second = await model.sdk_client(), await model.sdk_client()
        assert first is second
    assert server.requests == []


async def test_the_sdks_own_calls_work_on_the_client_it_lends(server: GeminiServer, model: GeminiModel) -> None:
    sdk = await model.sdk_client()
    server.script(text("whole"))
    reply = await sdk.aio.models.generate_content(model=NAME, contents="Hi")
    assert reply.text == "whole"


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def loop_runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@settings(max_examples=30, deadline=None)
@given(value=JSON_VALUES)
def test_any_json_in_a_part_comes_back_bit_for_bit(
    shared_server: GeminiServer, model: GeminiModel, loop_runner: asyncio.Runner, value: object
) -> None:
    parts = [{"text": "x", "future": value}]
    event = to_json({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]})
    shared_server.script(raw(f"data: {event}\n\n".encode()))
    got: Answer = loop_runner.run(answer(model))
    assert to_json(got.parts) == to_json(parts)


async def test_calls_without_args_and_ids_are_passed_on_as_they_are(server: GeminiServer, model: GeminiModel) -> None:
    server.script(calls(("f",), ids=False, sign=False))
    assert (await answer(model, asking("Hi", tools=TOOLS))).parts == [{"functionCall": {"name": "f"}}]
