"""For the servers' own tests: request bodies, a raw HTTP client, and the loop of the SDK's users."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

from google.genai import types

if TYPE_CHECKING:
    from google import genai

JSON = dict[str, Any]
MODEL = "gemini-3.8-flash"
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "parametersJsonSchema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def user(text: str) -> JSON:
    return {"role": "user", "parts": [{"text": text}]}


def model(*parts: JSON) -> JSON:
    return {"role": "model", "parts": list(parts)}


def call(name: str = "f", call_id: str | None = None, **args: Any) -> JSON:
    made = {"name": name, "args": args}
    return {"functionCall": made if call_id is None else {"id": call_id, **made}}


def response(name: str = "f", call_id: str | None = None, **result: Any) -> JSON:
    made = {"name": name, "response": result}
    return {"functionResponse": made if call_id is None else {"id": call_id, **made}}


def responses(*parts: JSON) -> JSON:
    return {"role": "user", "parts": list(parts)}


def answered(content: JSON, **result: Any) -> JSON:
    """Return the content that answers every call of a model content alike."""
    found = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
    return responses(*[response(each["name"], each.get("id"), **result) for each in found])


class Client:
    """A raw client of one connection: `post(body)` returns (status, parsed JSON)."""

    def __init__(self, url: str, key: str | None = "test-key", timeout: float = 60) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=timeout)
        self._headers = {"Content-Type": "application/json"} | ({"x-goog-api-key": key} if key else {})

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Return status and body; http.client reads the whole reply, whatever its framing."""
        self._connection.request(method, path, body, self._headers | headers)
        with self._connection.getresponse() as reply:
            return reply.status, reply.read()

    def json(self, method: str, path: str, body: JSON | None = None) -> tuple[int, JSON]:
        status, data = self.ask(method, path, None if body is None else json.dumps(body).encode())
        return status, json.loads(data)

    def post(self, body: JSON, *, model: str = MODEL, verb: str = "generateContent") -> tuple[int, JSON]:
        return self.json("POST", f"/v1/models/{model}:{verb}", body)

    def stream(self, body: JSON, *, model: str = MODEL) -> bytes:
        """Return the body of a streamed reply."""
        return self.ask("POST", f"/v1/models/{model}:streamGenerateContent?alt=sse", json.dumps(body).encode())[1]

    def content(self, body: JSON, *, model: str = MODEL) -> JSON:
        """Return the model content of a reply that must be a good one."""
        status, reply = self.post(body, model=model)
        assert status == 200, reply
        found: JSON = reply["candidates"][0]["content"]
        return found


def streamed_content(data: bytes) -> JSON:
    """Return the content of a well-formed stream, parts as they came."""
    objects = [json.loads(line[6:]) for line in data.split(b"\r\n") if line.startswith(b"data: ")]
    parts = [part for each in objects for part in each["candidates"][0].get("content", {}).get("parts", [])]
    return {"role": "model", "parts": parts}


CONFIG: Any = {
    "system_instruction": "be brief",
    "tools": [
        {
            "function_declarations": [
                {"name": name, "parameters_json_schema": {"type": "object", "properties": {key: {"type": "string"}}}}
                for name, key in (("get_weather", "city"), ("record", "entry"))
            ]
        }
    ],
    "automatic_function_calling": {"disable": True},
    "automatic_continuation": False,
    "http_options": {"timeout": 10_000, "retry_options": {"attempts": 1}},
}


async def turn(client: genai.Client, history: list[types.Content], text: str, *, stream: bool = True) -> str:
    """Play one turn with the real SDK as its users do, every tool answering `{"output": "ok"}`; return the answer."""
    history.append(types.Content(role="user", parts=[types.Part(text=text)]))
    for _ in range(6):
        parts = await (_streamed if stream else _whole)(client, history)
        history.append(types.Content(role="model", parts=parts))
        found = [part.function_call for part in parts if part.function_call]
        if not found:
            return "".join(part.text or "" for part in parts if not part.thought)
        answers = [types.FunctionResponse(id=each.id, name=each.name, response={"output": "ok"}) for each in found]
        history.append(types.Content(role="user", parts=[types.Part(function_response=each) for each in answers]))
    raise AssertionError("no answer in 6 steps")


async def _whole(client: genai.Client, history: list[types.Content]) -> list[types.Part]:
    reply = await client.aio.models.generate_content(model=MODEL, contents=history, config=CONFIG)
    assert reply.candidates
    content = reply.candidates[0].content
    assert content
    return content.parts or []


async def _streamed(client: genai.Client, history: list[types.Content]) -> list[types.Part]:
    """Collect one content from a stream; neighbouring plain texts are joined, all else stays as it came."""
    parts: list[types.Part] = []
    async for chunk in await client.aio.models.generate_content_stream(model=MODEL, contents=history, config=CONFIG):
        for candidate in chunk.candidates or []:
            for part in (candidate.content and candidate.content.parts) or []:
                before = parts[-1] if parts else None
                if before and _plain(before) and _plain(part) and before.thought == part.thought:
                    parts[-1] = types.Part(text=(before.text or "") + (part.text or ""), thought=part.thought)
                else:
                    parts.append(part)
    return parts


def _plain(part: types.Part) -> bool:
    return part.text is not None and part.thought_signature is None
