"""The direct transport asks what google-genai would have asked: same address, same authentication, same JSON."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from google import genai

from runner.agent import Agent
from runner.errors import AgentRunError, GeminiClientError
from runner.messages import ChatMessage
from runner.models.gemini import GeminiModel
from runner.models.gemini.direct import DirectTransport
from runner.models.gemini.options import SdkOptions
from runner.models.gemini.sdk import SdkTransport
from runner.requests import GenerateContentRequest
from runner.settings import Settings
from tests.models.asking import NAME, answer, asking
from tests.models.gemini.signing import TOKEN, granted, service_account
from tests.servers import GeminiServer, echo
from tests.servers.raw_http import RawServer

if TYPE_CHECKING:
    from runner.messages import Json
    from runner.models.gemini.http.exchange import Exchange
    from runner.models.gemini.model import TransportName

SIGNING = ("x-goog-api-key", "authorization", "x-goog-user-project", "content-type", "x-team")
ROOT = Path(__file__).parents[3]
GOOGLES = re.compile(r"(GOOGLE|GEMINI)_|.*_PROXY", re.IGNORECASE)
"""Variables that would change what is asked."""


@dataclass
class Sent:
    """A request as it would have left."""

    url: str
    signed: dict[str, str]
    body: Json = field(default_factory=dict)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if GOOGLES.match(name)]:
        monkeypatch.delenv(name)


async def sent_directly(options: SdkOptions, request: GenerateContentRequest) -> Sent:
    transport = DirectTransport(options)
    connections = transport._connections
    kept: list[bytes] = []

    async def keep(head: bytes, body: bytes) -> Exchange:
        kept.append(head + body)
        raise ConnectionError("kept, not sent")

    connections.send = keep  # type: ignore[method-assign]
    with pytest.raises(ConnectionError, match="kept"):
        await transport.post(request)
    head, _, body = kept[0].partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = dict(each.split(": ", 1) for each in fields)
    assert int(headers["content-length"]) == len(body)
    url = f"{connections.origin.scheme}://{headers['host']}{line.split()[1]}"
    return Sent(url, {name: headers[name] for name in SIGNING if name in headers}, json.loads(body))


class Kept(httpx2.AsyncBaseTransport):
    """In the place of the network under the SDK's client."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return httpx2.Response(200, content=b"")


async def sent_by_sdk(options: SdkOptions, request: GenerateContentRequest) -> Sent:
    kept = Kept()
    with httpx2.Client(transport=httpx2.BaseTransport()) as unused:  # spares the SDK building one
        http = httpx2.AsyncClient(transport=kept)
        client = genai.Client(
            enterprise=options.enterprise,
            api_key=options.api_key,
            project=options.project,
            location=options.location,
            http_options={
                "base_url": options.base_url,
                "api_version": options.api_version,
                "headers": dict(options.headers),
                "httpx_async_client": http,
                "httpx_client": unused,
            },
        )
        config: Any = {"automatic_function_calling": {"disable": True}, "automatic_continuation": False}
        config |= {"system_instruction": request.system_instruction, "tools": list(request.tools) or None}
        config |= {"tool_config": request.tool_config, **(request.generation_config or {})}
        config["cached_content"] = request.cached_content
        stream = await client.aio.models.generate_content_stream(
            model=request.model, contents=request.contents, config=config
        )
        async for _ in stream:
            pass
    sent = kept.requests[0]
    signed = {name: sent.headers[name] for name in SIGNING if name in sent.headers}
    return Sent(str(sent.url.copy_with(userinfo=b"")), signed, json.loads(sent.content))


KEY = {"GEMINI_API_KEY": "env-key"}
EAP = {"GOOGLE_GENAI_USE_ENTERPRISE": "true"}
PROJECT = {"GOOGLE_CLOUD_PROJECT": "env-project", "GOOGLE_CLOUD_LOCATION": "europe-west4"}
GATEWAY = "https://gateway.example/base/"

DEVELOPER: list[tuple[dict[str, str], Json]] = [
    (KEY, {}),
    (KEY, {"api_key": " given-key\n"}),
    (KEY | {"GOOGLE_API_KEY": "first-key"}, {}),
    (KEY, {"enterprise": False}),
    (KEY | EAP, {"enterprise": False}),
    (KEY | PROJECT, {}),
    (KEY, {"api_version": "v1beta"}),
    (KEY, {"api_version": ""}),
    (KEY | {"GOOGLE_GENAI_API_VERSION": "beta"}, {}),
    (KEY | {"GOOGLE_GENAI_API_VERSION": "v1alpha"}, {}),
    (KEY | {"GOOGLE_GENAI_API_VERSION": ""}, {}),
    (KEY | {"GOOGLE_GENAI_API_VERSION": "beta"}, {"api_version": "v1"}),
    (KEY | {"GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:8080"}, {}),
    (KEY | {"GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:8080/a/b/"}, {}),
    (KEY | {"GOOGLE_GEMINI_BASE_URL": "http://unused"}, {"base_url": GATEWAY}),
    (KEY | {"GOOGLE_VERTEX_BASE_URL": "http://unused"}, {}),
    (KEY | {"GOOGLE_GENAI_USE_VERTEXAI": "no"}, {}),
    (KEY | {"GOOGLE_GENAI_USE_VERTEXAI": "1", "GOOGLE_GENAI_USE_ENTERPRISE": "0"}, {}),
    (KEY, {"base_url": "http://[::1]:8080/"}),
    (KEY, {"base_url": "https://h.example:443/x"}),
    (KEY, {"base_url": "http://user:p%40ss@h.example/"}),
    (KEY, {"headers": {"X-Team": "blue"}}),
    (KEY, {"headers": {"x-goog-api-key": "header-key"}}),
]
ENTERPRISE: list[tuple[dict[str, str], Json]] = [
    (EAP | PROJECT, {}),
    ({"GOOGLE_GENAI_USE_VERTEXAI": "True"} | PROJECT, {}),
    (EAP | KEY, {}),
    (EAP | KEY | PROJECT, {}),
    (EAP | PROJECT, {"api_key": "given-key"}),
    (EAP | KEY, {"project": "p", "location": "us"}),
    (EAP | KEY, {"project": "p"}),
    (EAP | KEY, {"api_key": "given-key", "project": "p", "location": "us-central1"}),
    ({}, {"enterprise": True, "project": "p", "location": "global"}),
    ({}, {"enterprise": True, "project": "p", "location": "eu"}),
    ({}, {"enterprise": True, "project": "p", "location": "us"}),
    ({}, {"enterprise": True, "location": "us-east1"}),
    ({}, {"enterprise": True}),
    ({}, {"enterprise": True, "api_key": "given-key"}),
    ({"GOOGLE_CLOUD_LOCATION": "asia-east1"}, {"enterprise": True, "project": "p"}),
    ({"GOOGLE_CLOUD_LOCATION": "asia-east1"} | KEY, {"enterprise": True}),
    ({"GOOGLE_VERTEX_BASE_URL": GATEWAY}, {"enterprise": True, "project": "p", "location": "us-east1"}),
    ({"GOOGLE_VERTEX_BASE_URL": GATEWAY} | PROJECT, {"enterprise": True}),
    ({"GOOGLE_VERTEX_BASE_URL": GATEWAY}, {"enterprise": True, "api_key": "given-key"}),
    ({"GOOGLE_VERTEX_BASE_URL": GATEWAY} | KEY, {"enterprise": True}),
    ({"GOOGLE_VERTEX_BASE_URL": GATEWAY}, {"enterprise": True}),
    ({"GOOGLE_VERTEX_BASE_URL": "https://x.googleapis.com"} | PROJECT, {"enterprise": True}),
    ({"GOOGLE_VERTEX_BASE_URL": "https://x.googleapis.com"} | KEY, {"enterprise": True}),
    (EAP | PROJECT | {"GOOGLE_VERTEX_BASE_URL": "http://unused", "GOOGLE_GEMINI_BASE_URL": GATEWAY}, {}),
    (EAP | PROJECT | {"GOOGLE_GENAI_API_VERSION": "beta"}, {}),
    (EAP | PROJECT | {"GOOGLE_GENAI_API_VERSION": "v1"}, {}),
    (EAP | PROJECT, {"api_version": "v2"}),
    (EAP | PROJECT, {"headers": {"X-Team": "blue"}}),
]
MODELS = [NAME, f"models/{NAME}", "tunedModels/abc", "google/x", "publishers/google/models/x", "a:b", "a b/ü%20"]


async def assert_the_same(options: SdkOptions, request: GenerateContentRequest) -> None:
    ours, theirs = await sent_directly(options, request), await sent_by_sdk(options, request)
    assert ours.url == theirs.url
    assert ours.signed == theirs.signed
    assert normal(ours.body) == normal(theirs.body)


@pytest.mark.filterwarnings("ignore:Warning. Both GOOGLE_GENAI_USE")
@pytest.mark.parametrize(("env", "given"), DEVELOPER)
async def test_the_developer_api_is_addressed_and_signed_as_the_sdk_does(
    env: dict[str, str], given: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    await assert_the_same(SdkOptions(**given), asking())


@pytest.mark.parametrize(("env", "given"), ENTERPRISE)
async def test_the_enterprise_platform_is_addressed_and_signed_as_the_sdk_does(
    env: dict[str, str], given: Json, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    async with RawServer(TOKEN) as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path, google.url))
        await assert_the_same(SdkOptions(**given), asking())


@pytest.mark.parametrize("name", [*MODELS, "projects/p/locations/l/publishers/google/models/x"])
@pytest.mark.parametrize("given", [{"api_key": "k"}, {"enterprise": True, "api_key": "k"}])
async def test_a_models_name_is_read_as_the_sdk_does(given: Json, name: str) -> None:
    await assert_the_same(SdkOptions(**given), asking(model=name))


@pytest.mark.parametrize("name", MODELS)
async def test_a_models_name_is_read_as_the_sdk_does_within_a_project(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with RawServer(TOKEN) as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path, google.url))
        options = SdkOptions(enterprise=True, project="p", location="us-central1")
        await assert_the_same(options, asking(model=name))


REFUSED: list[tuple[dict[str, str], Json, str]] = [
    ({}, {}, NAME),
    ({"GEMINI_API_KEY": ""}, {}, NAME),
    (KEY, {"project": "p"}, NAME),
    (KEY, {"location": "l", "enterprise": False}, NAME),
    (KEY, {"api_key": "auth_tokens/x"}, NAME),
    (KEY, {}, ""),
    (KEY, {}, "../x"),
    (KEY, {}, "a?b"),
    (KEY, {}, "a&b"),
    ({}, {"enterprise": True}, NAME),
    ({"GOOGLE_APPLICATION_CREDENTIALS": "/no/such/file"}, {"enterprise": True, "project": "p"}, NAME),
]


@pytest.mark.parametrize(("env", "given", "name"), REFUSED)
async def test_what_the_sdk_refuses_is_refused_in_the_same_words(
    env: dict[str, str], given: Json, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)

    async def refusal(transport: TransportName) -> AgentRunError:
        with pytest.raises(AgentRunError) as raised:
            await answer(GeminiModel(**given, transport=transport), asking(model=name))
        return raised.value

    ours, theirs = await refusal("direct"), await refusal("sdk")
    assert (type(ours), str(ours)) == (type(theirs), str(theirs))


# The body

HISTORY: list[Json] = [
    {"role": "user", "parts": [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png", "data": "++//AA=="}}]},
    {
        "role": "model",
        "parts": [
            {"text": "hm", "thought": True},
            {"functionCall": {"name": "f", "id": "1", "args": {"x": [1, {"y": None}]}}, "thoughtSignature": "++//"},
            {"functionCall": {"name": "g", "id": "2"}},
        ],
    },
    {
        "role": "user",
        "parts": [
            {"functionResponse": {"name": "f", "id": "1", "response": {"output": 1.5}}},
            {"functionResponse": {"name": "g", "id": "2", "response": {}}},
        ],
    },
    {"role": "user", "parts": [{"fileData": {"fileUri": "gs://x", "mimeType": "text/plain"}}]},
]
DECLARED: Json = {
    "functionDeclarations": [
        {
            "name": name,
            "description": "Does.",
            "parametersJsonSchema": {"type": "object", "properties": {"x_y": {"type": "string"}}, "required": ["x_y"]},
        }
        for name in ("f", "g")
    ]
}


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"system_instruction": {"parts": [{"text": "Be brief."}]}},
        {"tools": [DECLARED]},
        {"tools": [DECLARED, {"googleSearch": {}}, {"codeExecution": {}}]},
        {"tools": [DECLARED], "tool_config": {"functionCallingConfig": {"mode": "ANY"}}},
        {"generation_config": {"temperature": 0.5, "maxOutputTokens": 10, "stopSequences": ["."]}},
        {"generation_config": {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}}},
        {"generation_config": {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}}},
        {"cached_content": "projects/p/locations/l/cachedContents/x"},
    ],
)
@pytest.mark.parametrize("given", [{"api_key": "k"}, {"enterprise": True, "api_key": "k"}])
async def test_the_json_is_what_the_sdk_would_have_sent(given: Json, parts: Json) -> None:
    history = [ChatMessage(content) for content in HISTORY]
    await assert_the_same(SdkOptions(**given), GenerateContentRequest(model=NAME, messages=history, **parts))


def normal(value: Any, key: str = "") -> Any:
    """JSON with camelCase keys, one alphabet of base64, no empty objects (nor nulls, which mean the same); tools in one
    order, for the SDK puts those with function declarations last.
    """
    if isinstance(value, dict):
        if key not in {"args", "response", "parametersJsonSchema", "responseJsonSchema"}:
            value = {re.sub(r"_(\w)", lambda found: found[1].upper(), name): item for name, item in value.items()}
        members = {name: normal(item, name) for name, item in value.items()}
        return {name: item for name, item in members.items() if item not in ({}, None)}
    if isinstance(value, list):
        return [normal(item) for item in (sorted(value, key=str) if key == "tools" else value)]
    if key in {"data", "thoughtSignature"}:
        return base64.urlsafe_b64decode(value.translate(str.maketrans("+/", "-_")) + "==")
    return value


# Access tokens


async def test_a_token_is_fetched_once_and_again_when_it_is_about_to_expire(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with RawServer(granted("ya29.short", 1), TOKEN) as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path, google.url))
        transport = DirectTransport(SdkOptions(enterprise=True))
        tokens = [await transport._signed() for _ in range(3)]
        assert [b"ya29.short" in tokens[0], b"ya29.token" in tokens[1], tokens[1] == tokens[2]] == [True] * 3
        assert len(google.requests) == 2
        assert {"ya29.short", "ya29.token"} <= transport.secrets
        assert transport._endpoint.project == "own-project"


async def test_a_sign_in_that_fails_is_told_without_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refusal = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 25\r\n\r\n" + b'{"error":"invalid_grant"}'
    async with RawServer(refusal) as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path, google.url))
        model = GeminiModel(enterprise=True, transport="direct")
        with pytest.raises(GeminiClientError, match="signing in to Google failed"):
            await answer(model)
        await model.aclose()


# Which transport


@pytest.mark.parametrize(
    ("env", "asked_for", "kind"),
    [
        ({}, "auto", DirectTransport),
        ({}, "direct", DirectTransport),
        ({}, "sdk", SdkTransport),
        ({"HTTPS_PROXY": "http://127.0.0.1:1"}, "auto", DirectTransport),
    ],
)
async def test_the_transport_is_the_direct_one_unless_the_sdk_is_asked_for(
    env: dict[str, str], asked_for: TransportName, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    async with GeminiModel(api_key="k", transport=asked_for) as model:
        await model.warm_up()
        assert type(model._transport) is kind


async def test_a_socks_proxy_needs_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that one says which package it needs for it."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(GeminiClientError, match='use the transport "sdk"'):
        await answer(GeminiModel(api_key="k", transport="direct"))
    with pytest.raises(GeminiClientError, match="pip install socksio"):
        await answer(GeminiModel(api_key="k"))


async def test_the_sdks_client_is_lent_beside_the_direct_transport() -> None:
    async with GeminiModel(api_key="k") as model:
        await model.warm_up()
        assert await model.sdk_client() is await model.sdk_client()
        assert type(model._transport) is DirectTransport


@pytest.mark.parametrize(
    "headers", [{"x-a": "1\r\nx-b: 2"}, {"x a": "1"}, {"x-ü": "1"}, {"x-a": "☂"}, {"": "1"}, {"x-a": "\x00"}]
)
async def test_a_header_that_would_not_stay_in_its_line_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(GeminiClientError, match="not valid HTTP"):
        await answer(GeminiModel(api_key="k", headers=headers, transport="direct"))


async def test_a_models_name_cannot_leave_the_request_line() -> None:
    sent = await sent_directly(SdkOptions(api_key="k"), asking(model="x HTTP/1.1\r\nhost: evil#y"))
    assert sent.url.endswith("/models/x%20HTTP/1.1%0D%0Ahost:%20evil%23y:streamGenerateContent?alt=sse")


async def test_headers_that_frame_the_request_are_ours() -> None:
    given = {"Content-Length": "1", "Transfer-Encoding": "chunked", "Host": "evil", "User-Agent": "mine"}
    options = SdkOptions(api_key="k", headers=given)
    head = DirectTransport(options)._head(NAME).decode()
    assert "evil" not in head
    assert "chunked" not in head
    assert "user-agent: mine\r\n" in head


async def test_a_forwarding_proxy_is_told_the_whole_url(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://u:p@127.0.0.1:{proxy.port}")
        async with GeminiModel(api_key="k", base_url="http://gemini.example/x", transport="direct") as model:
            with pytest.raises(GeminiClientError, match="cut short"):
                await answer(model)
    lines = proxy.requests[0].decode().splitlines()
    assert lines[0].startswith(f"POST http://gemini.example/x/v1/models/{NAME}:stream")
    assert "host: gemini.example" in lines
    assert f"proxy-authorization: Basic {base64.b64encode(b'u:p').decode()}" in lines


@pytest.mark.parametrize(("written", "kind"), [("", DirectTransport), (", transport: sdk", SdkTransport)])
async def test_a_manifest_chooses_the_transport(written: str, kind: type, tmp_path: Path) -> None:
    (tmp_path / "agent.yaml").write_text(f"model: {{name: {NAME}{written}}}\ninstructions: Be brief.\n")
    settings = Settings(GEMINI_API_KEY="k")  # type: ignore[call-arg]  # the alias is the variable's name
    async with Agent.from_file(tmp_path / "agent.yaml", settings=settings) as agent:
        model = agent.model
        inner = getattr(model, "model", model)
        assert isinstance(inner, GeminiModel)
        await inner.warm_up()
        assert type(inner._transport) is kind


def test_the_command_answers_through_gemini_without_importing_the_sdk(tmp_path: Path) -> None:
    (tmp_path / "agent.yaml").write_text(f"model: {NAME}\ninstructions: Be brief.\nstorage: memory\n")
    with GeminiServer(answer=echo) as server:
        command = [sys.executable, "-X", "importtime", "-m", "runner", str(tmp_path / "agent.yaml"), "Hello you"]
        env = {**os.environ, **server.env, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "echo: Hello you", done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert imported & {"google.genai", "google.auth", "httpx2", "requests", "aiohttp"} == set()
    assert "httptools.parser.parser" in imported


# What a manifest says

OK = b'data: {"candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}]}\n\n'
ANSWERED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(OK), OK)


async def asked_by(model: str, tmp_path: Path) -> tuple[str, str, Json]:
    """The request line, the head and the body that an agent with this `model:` sends; `URL` is the address asked."""
    async with RawServer(ANSWERED) as server:
        (tmp_path / "agent.yaml").write_text(f"model: {model.replace('URL', server.url)}\nstorage: 'memory:'\n")
        async with Agent.from_file(tmp_path / "agent.yaml") as agent:
            assert [event async for event in agent.run("hello", chat_id="c")][-1].to_json()["reason"] == "answered"
        head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    return head.partition("\r\n")[0], head, json.loads(body)


@pytest.mark.parametrize("transport", ["direct", "sdk"])
@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("base_url: URL/proxy", "/proxy/v1/models/{}"),
        ("base_url: URL, api_version: v1beta", "/v1beta/models/{}"),
        ("base_url: URL, enterprise: true, project: p, location: global", "/v1beta1/projects/p/locations/global/{}"),
        ("base_url: URL, project: p, location: eu, api_version: v1", "/v1/projects/p/locations/eu/{}"),
        ("base_url: URL, enterprise: true", "/v1beta1/publishers/google/models/{}"),
    ],
)
async def test_a_manifest_says_where_and_as_whom_gemini_is_asked(
    model: str, path: str, transport: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A key signs what is asked without a project, on the enterprise platform too: its express mode."""
    monkeypatch.setenv("GEMINI_API_KEY", "the-key")
    async with RawServer(TOKEN) as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path, google.url))
        line, head, _ = await asked_by(f"{{name: {NAME}, transport: {transport}, {model}}}", tmp_path)
    name = f"publishers/google/models/{NAME}" if "projects/" in path else NAME
    assert line == f"POST {path.format(name)}:streamGenerateContent?alt=sse HTTP/1.1"
    assert ("ya29.token" in head, "the-key" in head) == (("projects/" in path), ("projects/" not in path))


@pytest.mark.parametrize("transport", ["direct", "sdk"])
async def test_a_manifest_adds_to_the_body(transport: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "the-key")
    extra = "{store: false, labels: {team: weather}, generationConfig: {seed: 2, enableEnhancedCivicAnswers: true}}"
    _, _, body = await asked_by(
        f"{{base_url: URL, name: {NAME}, transport: {transport}, extra_body: {extra}}}\ngeneration: {{seed: 1}}",
        tmp_path,
    )
    assert body.pop("contents")
    assert body == {
        "store": False,
        "labels": {"team": "weather"},
        "generationConfig": {"seed": 2, "enableEnhancedCivicAnswers": True},
    }


def test_a_project_without_credentials_is_told_how_to_sign_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "the-key")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    (tmp_path / "agent.yaml").write_text(f"model: {{name: {NAME}, project: p}}\n")
    with pytest.raises(AgentRunError, match="gcloud auth application-default login"):
        Agent.from_file(tmp_path / "agent.yaml")


@pytest.mark.parametrize(("enterprise", "key"), [("true", None), ("false", "the-key")])
async def test_on_the_enterprise_platform_a_project_of_the_environment_beats_a_key(
    enterprise: str, key: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As google-genai has it."""
    names = {"GEMINI_API_KEY": "the-key", "GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_GENAI_USE_VERTEXAI": enterprise}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "agent.yaml").write_text(f"model: {NAME}\nstorage: 'memory:'\n")
    async with RawServer(TOKEN) as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path, google.url))
        async with Agent.from_file(tmp_path / "agent.yaml") as agent:
            await agent.model.warm_up()  # type: ignore[attr-defined]  # it is Gemini's
            assert agent.model._transport._endpoint.api_key == key  # type: ignore[attr-defined]  # the direct one


def test_the_contents_are_no_extra() -> None:
    with pytest.raises(ValueError, match="they are the chat"):
        GeminiModel(extra_body={"contents": []})
