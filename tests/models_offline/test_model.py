import subprocess
import sys
from datetime import UTC, datetime

import pytest

from runner.messages import ChatMessage
from runner.models.offline import OfflineModel
from runner.requests import Finish, Usage
from tests.models_offline.score import NOW, Conversation, request_of, tools

CITY = {"name": "get_weather", "description": "Weather in a city.", "parametersJsonSchema": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}  # fmt: skip
TIME = {"name": "get_time", "description": "The time now."}


async def items(request, clock=lambda: NOW):
    return [item async for item in OfflineModel(clock=clock).generate(request)]


def asking(text, *declarations, **more):
    return request_of([ChatMessage.user(text)], list(declarations), **more)


def calls_in(found):
    calls = [item["functionCall"] for item in found if isinstance(item, dict) and "functionCall" in item]
    return [(call["name"], call["args"]) for call in calls]


def calling(mode, *allowed):
    config = {"mode": mode, **({"allowedFunctionNames": list(allowed)} if allowed else {})}
    return {"functionCallingConfig": config}


async def test_a_call_is_one_part_with_an_id_then_usage_then_stop():
    part, usage, finish = await items(asking("weather in Paris", CITY))
    assert part["functionCall"]["name"] == "get_weather"
    assert part["functionCall"]["args"] == {"city": "Paris"}
    assert part["functionCall"]["id"].startswith("offline-")
    assert usage == Usage()
    assert finish == Finish("STOP", model_version="offline")


async def test_text_comes_in_several_pieces():
    *pieces, usage, finish = await items(asking("hello", CITY))
    assert len(pieces) > 3
    assert "".join(piece["text"] for piece in pieces).startswith("Hello! I am the offline model")
    assert isinstance(usage, Usage)
    assert isinstance(finish, Finish)


def test_the_ids_of_calls_differ_within_a_chat_even_for_the_same_words():
    chat = Conversation(["get_weather"])
    ids = [call["id"] for _ in range(5) for call in chat.say("weather in Paris and Rome")[0]]
    assert len(set(ids)) == 10


async def test_the_same_request_gets_the_same_answer_with_the_same_ids():
    request = asking("weather in Paris and Rome", CITY)
    assert await items(request) == await items(request)


async def test_today_is_what_the_clock_says():
    declaration = tools()["get_weather"]["declaration"]
    found = await items(
        asking("weather in Rome tomorrow", declaration), clock=lambda: datetime(2030, 12, 31, 8, tzinfo=UTC)
    )
    assert calls_in(found) == [("get_weather", {"city": "Rome", "date": "2031-01-01"})]


async def test_mode_none_never_calls():
    found = await items(asking("weather in Paris", CITY, tool_config=calling("NONE")))
    assert calls_in(found) == []
    assert any("text" in item for item in found[:-2])


@pytest.mark.parametrize("text", ["hello", "weather", "tell me a joke", "Bonjour, quel temps fait-il à Paris ?", "?"])
async def test_mode_any_always_calls(text):
    assert len(calls_in(await items(asking(text, CITY, tool_config=calling("ANY"))))) == 1


async def test_mode_any_answers_after_the_responses_so_that_a_turn_ends():
    call = {"name": "get_time", "args": {}, "id": "1"}
    messages = [
        ChatMessage.user("what time is it"),
        ChatMessage({"role": "model", "parts": [{"functionCall": call}]}),
        ChatMessage(
            {
                "role": "user",
                "parts": [{"functionResponse": {"name": "get_time", "id": "1", "response": {"result": "12:30"}}}],
            }
        ),
    ]
    found = await items(request_of(messages, [TIME], tool_config=calling("ANY")))
    assert "".join(item["text"] for item in found[:-2]) == "12:30."


@pytest.mark.parametrize("mode", ["AUTO", "ANY", "VALIDATED"])
async def test_only_allowed_functions_are_called(mode):
    found = await items(asking("weather in Paris", CITY, TIME, tool_config=calling(mode, "get_time")))
    assert {name for name, _ in calls_in(found)} <= {"get_time"}


async def test_what_it_cannot_do_it_says_in_one_line_that_names_the_tools():
    text = "".join(item["text"] for item in (await items(asking("book a flight to Tokyo", CITY, TIME)))[:-2])
    assert "\n" not in text
    assert "get weather" in text
    assert "get time" in text


async def test_it_says_that_it_only_understands_english():
    text = "".join(item["text"] for item in (await items(asking("Wie ist das Wetter in Berlin?", CITY)))[:-2])
    assert text.startswith("I only understand English.")


async def test_without_tools_it_says_so():
    text = "".join(item["text"] for item in (await items(asking("weather in Paris")))[:-2])
    assert text.endswith("I have no tools here.")


async def test_a_message_that_is_only_a_file_is_answered():
    file = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    request = request_of([ChatMessage({"role": "user", "parts": [file]})], [CITY])
    assert "cannot look into files" in "".join(item["text"] for item in (await items(request))[:-2])


async def test_an_empty_history_is_answered():
    assert isinstance((await items(request_of([], [CITY])))[-1], Finish)


async def test_gemini_s_own_schema_form_is_understood():
    declaration = {"name": "get_weather", "description": "Weather in a city.", "parameters": {
        "type": "OBJECT", "properties": {"city": {"type": "STRING"}, "unit": {"type": "STRING", "enum": ["c", "f"]}},
        "required": ["city"]}}  # fmt: skip
    found = await items(asking("weather in Paris in fahrenheit", declaration))
    assert calls_in(found) == [("get_weather", {"unit": "f", "city": "Paris"})]


async def test_arguments_inside_objects_and_optional_ones_by_reference_are_filled():
    declaration = {"name": "book_table", "description": "Reserve a table at a restaurant.", "parametersJsonSchema": {
        "type": "object",
        "$defs": {"Guests": {"type": "object", "properties": {"adults": {"type": "integer"}}, "required": ["adults"]}},
        "properties": {
            "place": {"type": "object", "properties": {"restaurant": {"type": "string"}}, "required": ["restaurant"]},
            "when": {"type": "string", "format": "date-time"},
            "guests": {"anyOf": [{"$ref": "#/$defs/Guests"}, {"type": "null"}], "default": None}},
        "required": ["place", "when"]}}  # fmt: skip
    found = await items(asking("Reserve a table at Noma for 2 adults tomorrow at 7pm", declaration))
    args = {"place": {"restaurant": "Noma"}, "when": "2026-11-19T19:00:00+00:00", "guests": {"adults": 2}}
    assert calls_in(found) == [("book_table", args)]


def test_importing_it_loads_nothing_heavy():
    code = (
        "import sys, runner.models.offline\n"
        "heavy = {'google.genai', 'httpx2', 'pydantic', 'rich', 'prompt_toolkit', 'sqlite3', 'jsonschema_rs', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


async def test_a_message_that_is_too_long_is_not_read_in_part():
    text = "".join(item["text"] for item in (await items(asking("weather in Paris " * 300, CITY)))[:-2])
    assert text.startswith("That is too long for me")


async def test_a_day_after_two_places_is_meant_for_both():
    properties = {"city": {"type": "string"}, "days": {"type": "integer", "default": 3}}
    schema = {"type": "object", "properties": properties, "required": ["city"]}
    told = "The weather on each of the coming days."
    forecast = {"name": "get_forecast", "description": told, "parametersJsonSchema": schema}
    found = await items(asking("weather in Paris and Rome tomorrow", CITY, forecast))
    assert calls_in(found) == [
        ("get_forecast", {"days": 2, "city": "Paris"}),
        ("get_forecast", {"days": 2, "city": "Rome"}),
    ]


async def test_files_that_were_sent_with_a_question_are_named():
    meta = {"files": [{"name": "photo.png"}, {"name": "a.pdf"}]}
    part = {"inlineData": {"mimeType": "image/png", "data": ""}}
    request = request_of([ChatMessage.user("What is in it?", files=[part, part], meta=meta)], [TIME])
    text = "".join(item["text"] for item in (await items(request))[:-2])
    assert text.startswith("I cannot look into photo.png, a.pdf: I am the offline model.")
