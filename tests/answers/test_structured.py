"""Answers in a form, over the wire: asked for, validated, repaired once, and combined with tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from runner import Agent, GeminiClient, GeminiResponseError, load_manifest
from tests.answers.asking import turn
from tests.servers import GeminiServer, calls, finish, text, thought, usage

if TYPE_CHECKING:
    from pathlib import Path


class Weather(BaseModel):
    city: str
    degrees: int


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
}
RIGHT = '{"city": "Paris", "degrees": 18}'


def get_weather(city: str) -> dict[str, int]:
    """The weather in a city."""
    return {"degrees": 18}


async def test_the_form_is_asked_for_and_the_answer_is_read(server: GeminiServer) -> None:
    server.script(thought("Hm.") + text(RIGHT[:10], RIGHT[10:]))
    async with GeminiClient(output=SCHEMA, generation_config={"seed": 1}) as client:
        told = await turn(client)
    assert server.generations[0].normal["generationConfig"] == {
        "seed": 1,
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }
    assert (told.ended.text, told.ended.value) == (RIGHT, {"city": "Paris", "degrees": 18})
    assert told.ended.to_json()["value"] == {"city": "Paris", "degrees": 18}
    assert told.types == ["turn_started", "thought_delta", "text_delta", "text_delta", "usage_reported", "turn_ended"]


async def test_a_pydantic_model_gives_an_instance_and_its_json(server: GeminiServer) -> None:
    server.script(text(RIGHT), text("Just talking."))
    async with GeminiClient() as client:
        told = await turn(client, output=Weather)
        plain = await turn(client)
    assert told.ended.value == Weather(city="Paris", degrees=18)
    assert json.loads(json.dumps(told.ended.to_json()))["value"] == {"city": "Paris", "degrees": 18}
    assert "responseMimeType" not in server.generations[1].normal.get("generationConfig", {})
    assert plain.ended.value is None


async def test_an_answer_without_the_form_is_asked_for_once_more_and_leaves_no_trace(server: GeminiServer) -> None:
    server.script(
        thought("Hm.") + text('{"city": "Paris"}') + usage(10, 5),
        text(RIGHT) + usage(20, 6),
        text("[]"),
        text(RIGHT),
    )
    async with GeminiClient(output=Weather) as client:
        told = await turn(client)
        assert [message.role for message in await client.chat_manager.get_history(told.events[0].chat_id)] == [
            "user",
            "model",
        ]
        again = await turn(client)
    assert [notice.code for notice in told.of("notice")] == ["output_repair"]
    assert [delta.text for delta in told.of("text_delta")] == [RIGHT]
    assert told.of("thought_delta") == []
    assert told.ended.value == again.ended.value == Weather(city="Paris", degrees=18)
    assert (told.ended.usage.prompt_tokens, told.ended.usage.output_tokens) == (30, 11)
    repair = server.generations[1]
    assert [content["role"] for content in repair.contents] == ["user", "model", "user"]
    assert '- "degrees": Field required' in repair.user_text
    assert len(server.generations[2].contents) == 3  # the answer of the first turn, and not what came before it


async def test_what_never_gets_the_form_fails_the_turn_and_the_chat_goes_on(server: GeminiServer) -> None:
    server.script(text("{}"), text("It is warm in Paris."), text(RIGHT))
    async with GeminiClient(output=SCHEMA) as client:
        told = await turn(client)
        error = told.ended.error
        assert isinstance(error, GeminiResponseError)
        assert (told.ended.reason, error.reason, error.retryable) == ("failed", "OUTPUT", False)
        assert "it is not JSON" in str(error)
        assert "it was: It is warm in Paris." in str(error)
        assert told.of("text_delta") == []
        assert (await turn(client)).ended.value == {"city": "Paris", "degrees": 18}


async def test_a_reply_that_is_no_answer_is_not_repaired(server: GeminiServer) -> None:
    server.script(text('{"city": "Par') + finish("MAX_TOKENS"))
    async with GeminiClient(output=SCHEMA) as client:
        told = await turn(client)
    assert told.ended.code == "MAX_TOKENS"
    assert len(server.generations) == 1


async def test_tools_and_a_form_in_one_request(server: GeminiServer) -> None:
    """Calls pass as they are, also the text before them; only the answer has the form."""
    server.script(text("Let me see.") + calls(("get_weather", {"city": "Paris"})), text("18."), text(RIGHT))
    async with GeminiClient(output=SCHEMA) as client:
        told = await turn(client, tools=[get_weather])
    assert told.ended.value == {"city": "Paris", "degrees": 18}
    assert [request.normal["generationConfig"]["responseMimeType"] for request in server.generations] == [
        "application/json"
    ] * 3
    assert [delta.text for delta in told.of("text_delta")] == ["Let me see.", RIGHT]


async def test_a_model_that_takes_no_tools_beside_a_form_is_asked_for_it_when_it_has_answered(
    server: GeminiServer,
) -> None:
    server.script(calls(("get_weather", {"city": "Paris"})), text("It is 18 degrees in Paris."), text(RIGHT))
    async with GeminiClient(model="gemini-2.5-flash-lite", output=SCHEMA) as client:
        told = await turn(client, tools=[get_weather])
    assert told.ended.value == {"city": "Paris", "degrees": 18}
    first, second, third = [request.normal for request in server.generations]
    assert all(
        "tools" in request and "responseMimeType" not in request.get("generationConfig", {})
        for request in (first, second)
    )
    assert "tools" not in third
    assert third["generationConfig"]["responseJsonSchema"] == SCHEMA
    assert [content["role"] for content in third["contents"]] == ["user", "model", "user", "model", "user"]


async def test_such_a_model_s_answer_that_happens_to_have_the_form_is_taken(server: GeminiServer) -> None:
    server.script(text(RIGHT), text("No JSON."), text("{}"), text(RIGHT))
    async with GeminiClient(model="gemini-2.5-flash-lite", output=SCHEMA) as client:
        assert (await turn(client, tools=[get_weather])).ended.value == {"city": "Paris", "degrees": 18}
        assert len(server.generations) == 1
        assert (await turn(client, tools=[get_weather])).ended.value == {"city": "Paris", "degrees": 18}
    assert len(server.generations) == 4


@pytest.mark.parametrize(
    "output",
    ["forms/weather.json", "{schema: forms/weather.json}", "forms.weather:Weather", "forms.weather:SCHEMA", "inline"],
)
async def test_a_manifest_names_the_form(output: str, server: GeminiServer, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "weather.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "forms" / "weather.py").write_text(
        "from pydantic import BaseModel\n\n\nclass Weather(BaseModel):\n    city: str\n    degrees: int\n\n\n"
        f"SCHEMA = {SCHEMA!r}\n"
    )
    path = tmp_path / "agent.yaml"
    path.write_text(f"output: {output if output != 'inline' else json.dumps({'schema': SCHEMA})}\nstorage: 'memory:'\n")
    server.script(text(RIGHT))
    async with Agent(load_manifest(path)) as agent:
        events = [event async for event in agent.run("hello", chat_id="c")]
    assert server.generations[0].normal["generationConfig"]["responseJsonSchema"] == SCHEMA
    assert events[-1].to_json()["value"] == {"city": "Paris", "degrees": 18}


async def test_the_form_stays_beside_a_context_cache(server: GeminiServer, tmp_path: Path) -> None:
    (tmp_path / "handbook.md").write_text("The weather is always fine. " * 2000)
    path = tmp_path / "agent.yaml"
    path.write_text(f"output: {json.dumps({'schema': SCHEMA})}\nstorage: 'memory:'\ncache: {{content: handbook.md}}\n")
    server.script(text("{}"), text(RIGHT))
    async with Agent(load_manifest(path)) as agent:
        events = [event async for event in agent.run("hello", chat_id="c")]
    assert events[-1].to_json()["value"] == {"city": "Paris", "degrees": 18}
    assert all("cachedContent" in request.normal for request in server.generations)
    assert all("responseJsonSchema" in request.normal["generationConfig"] for request in server.generations)
