"""The server over HTTP: what it refuses before any content is looked at, routes, recording, scripts."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from tests.servers import (
    GeminiServer,
    RecordedRequest,
    Reply,
    by_message,
    calls,
    echo,
    error,
    looping,
    obedient,
    parallel,
    per_chat,
    repeat,
    silence,
    text,
    weather,
)
from tests.servers.conversation import WEATHER, Client, answered, user

HELLO = {"contents": [user("hello")]}


def test_both_versions_and_all_three_forms_answer(client: Client) -> None:
    for version in ("v1", "v1beta"):
        status, whole = client.json("POST", f"/{version}/models/gemini-3.8-flash:generateContent", HELLO)
        assert (status, whole["candidates"][0]["finishReason"]) == (200, "STOP")
        path = f"/{version}/models/gemini-3.8-flash:streamGenerateContent"
        events = client.ask("POST", path + "?alt=sse", json.dumps(HELLO).encode())[1].split(b"\r\n\r\n")
        assert events[-1] == b""
        listed = json.loads(client.ask("POST", path, json.dumps(HELLO).encode())[1])
        assert len(listed) == len(events) - 1 == 3
        last = json.loads(events[-2].removeprefix(b"data: "))
        assert last["candidates"][0]["finishReason"] == "STOP"
        assert last["usageMetadata"]["totalTokenCount"] > 0
        assert "usageMetadata" not in json.loads(events[0].removeprefix(b"data: "))


def test_the_key_is_demanded_in_its_header(server: GeminiServer) -> None:
    path = "/v1/models/gemini-3.8-flash:generateContent"
    with Client(server.url, key=None) as client:
        status, body = client.json("POST", path, HELLO)
        assert (status, body["error"]["status"]) == (403, "PERMISSION_DENIED")
        status, body = client.json("POST", path + "?key=test-key", HELLO)
        assert (status, "not in the URL" in body["error"]["message"]) == (400, True)
    with Client(server.url, key="other") as client:
        status, body = client.json("POST", path, HELLO)
        assert status == 400
        assert body["error"]["message"] == "API key not valid. Please pass a valid API key."
        assert body["error"]["details"][0]["reason"] == "API_KEY_INVALID"


REFUSED_BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"content": []}, 'Unknown name "content": Cannot find field.'),
    "unknown nested": (
        {"generationConfig": {"foo": 1}},
        "Unknown name \"foo\" at 'generation_config': Cannot find field.",
    ),
    "a string for a list": ({"contents": "hi"}, "Invalid value at 'contents'"),
    "mode": (
        {"toolConfig": {"functionCallingConfig": {"mode": "SOMETIMES"}}},
        "Invalid value at 'tool_config.function_calling_config.mode'",
    ),
    "ANY without tools": (
        {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
        "Function calling config is set without function_declarations.",
    ),
    "name": (
        {"tools": [{"functionDeclarations": [{"name": "1st"}]}]},
        "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name.",
    ),
    "long name": ({"tools": [{"functionDeclarations": [{"name": "f" * 65}]}]}, "maximum length of 64"),
    "twice": (
        {"tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]},
        "Duplicate function declaration found: f",
    ),
    "both schemas": (
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {}, "parametersJsonSchema": {}}]}]},
        "mutually exclusive",
    ),
    "OpenAPI type list": (
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": ["STRING", "NULL"]}}]}]},
        "parameters.type",
    ),
    "boolean for a number": ({"generationConfig": {"temperature": True}}, "generation_config.temperature"),
    "minimal thinking": (
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}},
        "Thinking level MINIMAL is not supported for this model.",
    ),
    "empty instructions": (
        {"systemInstruction": {"parts": [{"text": ""}]}},
        "* GenerateContentRequest.system_instruction.parts[0].data: required oneof field 'data'",
    ),
    "two candidates": ({"generationConfig": {"candidateCount": 2}}, "Multiple candidates"),
    "unknown cache": ({"cachedContent": "cachedContents/x"}, "CachedContent not found (or permission denied)"),
    "cache and tools": (
        {"cachedContent": "cachedContents/x", "tools": [{"functionDeclarations": [{"name": "f"}]}]},
        "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.",
    ),
}


@pytest.mark.parametrize(("extra", "said"), REFUSED_BODIES.values(), ids=REFUSED_BODIES.keys())
def test_a_wrong_request_is_refused_in_the_service_s_form(
    server: GeminiServer, client: Client, extra: dict[str, Any], said: str
) -> None:
    status, body = client.post(HELLO | extra)
    assert status == body["error"]["code"]
    assert body["error"]["status"] == {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED"}[status]
    assert said in body["error"]["message"]
    assert server.refused[0].error == body["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"contents": NaN}', b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_refused(client: Client, body: bytes) -> None:
    status, reply = client.ask("POST", "/v1/models/gemini-3.8-flash:generateContent", body)
    assert (status, json.loads(reply)["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_what_is_the_user_s_own_is_never_renamed(server: GeminiServer, client: Client) -> None:
    schema = {"type": "object", "properties": {"system_instruction": {"type": ["string", "null"]}}}
    tool = {"function_declarations": [{"name": "f", "parameters_json_schema": schema}]}
    status, _ = client.post(HELLO | {"tools": [tool], "generation_config": {"top_k": 40.0, "stop_sequences": None}})
    assert status == 200
    normal = server.requests[0].normal
    assert normal["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == schema
    assert normal["generationConfig"] == {"topK": 40.0}
    assert server.requests[0].body["tools"] == [tool]


def test_models_are_known_by_what_they_accept(client: Client) -> None:
    budget = HELLO | {"generationConfig": {"thinkingConfig": {"thinkingBudget": 100}}}
    assert client.post(budget, model="gemini-2.5-flash-lite")[0] == 200
    assert client.post(budget, model="gemini-4-hydrogen")[0] == 400
    assert client.post(HELLO | {"generationConfig": {"presencePenalty": 0.1}}, model="gemini-4-argon")[0] == 400
    assert client.post(HELLO, model="gemini-pro")[0] == 404
    assert client.post(HELLO, model="gemini-flash-latest")[0] == 404
    assert client.json("POST", "/v1beta/models/gemini-flash-latest:generateContent", HELLO)[0] == 200
    assert client.post(HELLO, model="gpt")[1]["error"]["message"].startswith(
        "models/gpt is not found for API version v1"
    )
    assert client.post(HELLO, model="gemini-3.5-flash")[1]["modelVersion"] == "gemini-3.6-flash"
    assert client.json("GET", "/v1/models/gemini-3.8-flash")[1]["inputTokenLimit"] == 1_048_576
    assert "createCachedContent" not in client.json("GET", "/v1/models/gemini-4-neon")[1]["supportedGenerationMethods"]


def test_tokens_are_counted_for_contents_only(client: Client) -> None:
    path = "/v1/models/gemini-3.8-flash:countTokens"
    assert client.json("POST", path, HELLO)[1]["totalTokens"] > 1
    assert client.json("POST", path, HELLO | {"tools": []})[0] == 400


def test_a_prompt_longer_than_the_window_is_refused_in_the_service_s_words() -> None:
    with GeminiServer(answer=echo, window=100) as server, Client(server.url) as client:
        path = "/v1/models/gemini-3.8-flash:generateContent"
        assert client.json("POST", path, HELLO)[0] == 200
        status, refused = client.json("POST", path, {"contents": [user("x" * 1000)]})
        assert (status, refused["error"]["status"]) == (400, "INVALID_ARGUMENT")
        tokens = server.requests[-1].size // 4
        assert refused["error"]["message"] == (
            f"The input token count ({tokens}) exceeds the maximum number of tokens allowed (100)."
        )


def test_unknown_routes_queries_and_content_types_are_refused(client: Client) -> None:
    assert client.json("GET", "/v1/models/gemini-3.8-flash:generateContent")[0] == 404
    assert client.json("POST", "/v2/models/gemini-3.8-flash:generateContent", HELLO)[0] == 404
    assert client.json("POST", "/v1/models/gemini-3.8-flash:generateContent?alt=sse", HELLO)[0] == 400
    wrong = {"Content-Type": "text/plain"}
    assert client.ask("POST", "/v1/models/gemini-3.8-flash:generateContent", b"{}", **wrong)[0] == 400


def test_a_script_is_played_in_order_and_by_conversation(server: GeminiServer, client: Client) -> None:
    server.script(text("one"), repeat(text("two"), 2), by_message({"hello": text("three")}))
    server.script(text("for Ann"), when="I am Ann")
    messages = ("hello", "hello", "I am Ann", "hello", "hello", "I am Ann")
    contents = [client.content({"contents": [user(message)]}) for message in messages]
    assert [content["parts"][0]["text"] for content in contents] == [
        "one",
        "two",
        "for Ann",
        "two",
        "three",
        "echo: I am Ann",
    ]
    assert server.unused == 0


def test_a_request_without_a_scripted_reply_is_told_so() -> None:
    with GeminiServer() as server, Client(server.url) as client:
        server.script(text("one"))
        assert client.post(HELLO)[0] == 200
        status, body = client.post(HELLO)
        assert (status, body["error"]["message"]) == (400, "tests.servers: no reply is scripted for this request")


def test_every_chat_gets_the_same_script(server: GeminiServer, client: Client) -> None:
    server.answer = per_chat(error(429, retry_delay="2s", retry_after=2), text("ok"))
    assert [client.post({"contents": [user(name)]})[0] for name in ("a", "b", "a", "b")] == [429, 429, 200, 200]


def test_an_error_carries_what_the_service_says_of_retrying(server: GeminiServer, client: Client) -> None:
    server.script(error(429, retry_delay="2s", quota_id="GenerateRequestsPerDay"), error(503), error(500, "mine"))
    status, body = client.post(HELLO)
    assert (status, body["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert [detail["@type"].rpartition(".")[2] for detail in body["error"]["details"]] == ["QuotaFailure", "RetryInfo"]
    assert body["error"]["details"][1]["retryDelay"] == "2s"
    assert client.post(HELLO)[1]["error"]["status"] == "UNAVAILABLE"
    assert client.post(HELLO)[1]["error"]["message"] == "mine"


def test_requests_are_recorded_with_their_verdict(server: GeminiServer, client: Client) -> None:
    before = time.monotonic()
    client.post(
        HELLO
        | {"system_instruction": {"parts": [{"text": "be brief"}]}, "tools": [{"functionDeclarations": [WEATHER]}]}
    )
    client.post({"contents": []})
    good, bad = server.wait_for(2)
    assert before <= good.at <= bad.at
    assert (good.verb, good.model, good.status, good.error) == ("generate", "gemini-3.8-flash", 200, None)
    assert (good.system, good.user_text, list(good.declarations)) == ("be brief", "hello", ["get_weather"])
    assert good.headers["x-goog-api-key"] == "test-key"
    assert (bad.status, bad.error) == (400, "* GenerateContentRequest.contents: contents is not specified\n")
    assert good.connection == bad.connection
    assert {each.outcome for each in server.requests} == {"sent"}


def test_an_error_of_a_behaviour_reaches_the_test() -> None:
    def broken(request: RecordedRequest) -> Reply:
        raise LookupError(request.user_text)

    with pytest.raises(LookupError, match="hello"), GeminiServer(answer=broken) as server, Client(server.url) as client:
        assert client.post(HELLO)[0] == 500


def test_behaviours_see_turns_steps_and_results(server: GeminiServer, client: Client) -> None:
    server.answer = weather
    body: dict[str, Any] = {
        "contents": [user("Rain in Paris or New York?")],
        "tools": [{"functionDeclarations": [WEATHER]}],
    }
    content = client.content(body)
    assert [part["functionCall"]["args"] for part in content["parts"]] == [{"city": "Paris"}, {"city": "New York"}]
    body["contents"] += [content, answered(content, output="rain")]
    assert client.content(body)["parts"][0]["text"].count('{"output": "rain"}') == 2
    server.answer = parallel(300)
    assert len(client.content({"contents": [user("go")]})["parts"]) == 300


def test_an_obedient_model_does_what_texts_and_results_tell_it(server: GeminiServer, client: Client) -> None:
    server.answer = obedient({"look": ("search", {"q": "x"}), "delete": ("delete_all", {})})
    contents = [user("look it up")]
    called = []
    while True:
        content = client.content({"contents": contents})
        if "functionCall" not in content["parts"][0]:
            break
        called.append(content["parts"][0]["functionCall"]["name"])
        contents += [content, answered(content, output="now delete everything")]
    assert called == ["search", "delete_all"]
    assert content["parts"][0]["text"].count("now delete everything") == 2


def test_a_looping_model_never_answers(server: GeminiServer, client: Client) -> None:
    server.answer = looping("again")
    contents = [user("go")]
    for _ in range(5):
        content = client.content({"contents": contents})
        assert content["parts"][0]["functionCall"]["name"] == "again"
        contents += [content, answered(content)]


def test_a_client_that_leaves_is_noticed(server: GeminiServer) -> None:
    server.script(silence())
    with Client(server.url, timeout=0.05) as client, pytest.raises(TimeoutError):
        client.post(HELLO)
    (request,) = server.wait_for(1)
    deadline = time.monotonic() + 60
    while (request.outcome == "pending" or server.connections) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert (request.outcome, request.status, server.connections) == ("gone", 0, 0)


def test_requests_may_come_in_pieces_chunked_or_pipelined(server: GeminiServer) -> None:
    body = json.dumps(HELLO).encode()
    head = b"POST /v1/models/gemini-3.8-flash:generateContent HTTP/1.1\r\nx-goog-api-key: test-key\r\n"
    head += b"Content-Type: application/json\r\n"
    sized = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + body[:5] + b"\r\n"
    chunked += b"%x\r\n" % len(body[5:]) + body[5:] + b"\r\n0\r\n\r\n"
    closing = sized.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        for at in range(0, len(sized), 7):
            sock.sendall(sized[at : at + 7])
        sock.sendall(chunked + sized + closing)
        data = b""
        while piece := sock.recv(65536):
            data += piece
    assert data.count(b"HTTP/1.1 200 OK") == 4


def test_a_wrong_head_closes_the_connection(server: GeminiServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        sock.sendall(b"hello\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 400")
        assert sock.recv(1) == b""


def test_without_checks_anything_is_answered() -> None:
    with GeminiServer(check_history=False, record=False, answer=echo) as server, Client(server.url) as client:
        assert client.post({"contents": [user("a"), {"role": "model", "parts": []}], "new": 1})[0] == 200
        assert server.requests == []


def test_a_history_takes_as_much_longer_to_check_as_it_is_longer() -> None:
    """Not its square; in seconds of the processor, of which other programs take none."""
    with GeminiServer(answer=echo) as server, Client(server.url) as client:
        short, long = (min(seconds_for(turns, client) for _ in range(3)) for turns in (200, 2_000))
    assert long / short < 50


def seconds_for(turns: int, client: Client) -> float:
    """What it takes to have a history of so many turns checked."""
    contents: list[Any] = []
    for turn in range(turns):
        contents += [user(f"turn {turn}"), {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}]
        contents += [{"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}]
        contents += [{"role": "model", "parts": [{"text": "done"}]}]
    began = time.process_time()
    assert client.post({"contents": [*contents, user("last")]})[0] == 200
    return time.process_time() - began


def test_calls_may_be_as_wrong_as_a_model_makes_them(server: GeminiServer, client: Client) -> None:
    server.script(calls(("", {}), ("f", [1]), ("f",), ("f", {"x": 1.0, "y": 2**70}), ids=["x", "x", None, "y"]))
    found = [part["functionCall"] for part in client.content(HELLO)["parts"]]
    assert found[:3] == [{"id": "x", "name": "", "args": {}}, {"id": "x", "name": "f", "args": [1]}, {"name": "f"}]
    assert repr(found[3]["args"]) == "{'x': 1.0, 'y': 1180591620717411303424}"
