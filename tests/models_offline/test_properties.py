import asyncio
import json
import re

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.messages import ChatMessage
from runner.models.offline import OfflineModel
from runner.models.offline.wording import worded
from runner.requests import Finish
from tests.models_offline.score import FILES, NOW, load, request_of, tools

DECLARATIONS = [tool["declaration"] for tool in tools().values()]
SCHEMAS = {
    one["name"]: jsonschema_rs.validator_for(one["parametersJsonSchema"], validate_formats=False)
    for one in DECLARATIONS
}
SAID = [str(turn["say"]) for case in load(FILES["seen"]) for turn in case.get("turns") or [case]]
WORDS = sorted(
    {word for text in SAID for word in text.split()} | {"in", "and", "?", "5", "°F", '"', "tomorrow", "$", "1/0", "--"}
)

names = st.sampled_from(
    ["city", "to_unit", "value", "text", "items", "date", "when", "on", "a b", "", "to", "x1", "naïve"]
)
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5)
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
schemas = st.deferred(
    lambda: (
        junk
        | st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(
                    ["string", "integer", "number", "boolean", "array", "object", "null", ["string", "null"], 7]
                ),
                "format": st.sampled_from(["date", "date-time", "time", "email", "uri", "uuid", "odd"]),
                "enum": st.lists(scalars, max_size=4) | junk,
                "const": scalars,
                "minimum": st.integers(-3, 9) | junk,
                "maxLength": st.integers(0, 9),
                "minItems": st.integers(0, 3),
                "multipleOf": st.integers(0, 3),
                "default": junk,
                "examples": junk,
                "description": st.text(max_size=20) | junk,
                "items": schemas,
                "anyOf": st.lists(schemas, max_size=2) | junk,
                "allOf": st.lists(schemas, max_size=2),
                "not": schemas,
                "$ref": st.sampled_from(["#", "#/properties/city", "#/$defs/none", "http://x.y/z", 3]),
                "properties": st.dictionaries(names, schemas, max_size=3) | junk,
                "required": st.lists(names, max_size=2) | junk,
                "additionalProperties": st.booleans() | schemas,
                "if": schemas,
            },
        )
    )
)
objects = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(names, schemas, max_size=4)},
    optional={"required": st.lists(names, max_size=3)},
)
messages = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
    st.sampled_from(SAID),
)


def parts_of(request):
    async def answer():
        return [item async for item in OfflineModel(clock=lambda: NOW).generate(request)]

    items = asyncio.run(answer())
    assert isinstance(items[-1], Finish)
    parts = [item for item in items if isinstance(item, dict)]
    assert parts
    assert "".join(part.get("text", "x") for part in parts).strip()
    return parts


@settings(max_examples=60, deadline=None)
@given(st.lists(messages, min_size=1, max_size=4), st.sampled_from(["AUTO", "ANY", "VALIDATED"]))
def test_whatever_is_said_every_call_fits_its_schema_and_every_turn_ends(texts, mode):
    history = []
    for text in texts:
        history.append(ChatMessage.user(text))
        for _ in range(2):
            parts = parts_of(request_of(history, DECLARATIONS, tool_config={"functionCallingConfig": {"mode": mode}}))
            history.append(ChatMessage({"role": "model", "parts": parts}))
            calls = [part["functionCall"] for part in parts if "functionCall" in part]
            for call in calls:
                SCHEMAS[call["name"]].validate(call["args"])
            if not calls:
                break
            responses = [
                {"functionResponse": {"name": call["name"], "id": call["id"], "response": {"ok": True}}}
                for call in calls
            ]
            history.append(ChatMessage({"role": "user", "parts": responses}))
        else:
            raise AssertionError("a second round of calls")


@settings(max_examples=60, deadline=None)
@given(objects, messages, st.sampled_from(["AUTO", "ANY"]))
def test_whatever_a_schema_looks_like_no_call_breaks_it(schema, text, mode):
    declaration = {
        "name": "weather_convert",
        "description": "Weather, convert, add and remind.",
        "parametersJsonSchema": schema,
    }
    request = request_of([ChatMessage.user(text)], [declaration], tool_config={"functionCallingConfig": {"mode": mode}})
    calls = [part["functionCall"]["args"] for part in parts_of(request) if "functionCall" in part]
    try:
        validator = jsonschema_rs.validator_for(json.loads(json.dumps(schema)), validate_formats=False)
    except (ValueError, TypeError, RecursionError):
        return  # no schema at all: there is nothing to break
    for args in calls:
        validator.validate(args)


parts = st.fixed_dictionaries(
    {}, optional={"text": junk, "functionCall": junk, "functionResponse": junk, "thought": st.booleans()}
)
contents = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "model", "x"]), "parts": st.lists(parts, max_size=3) | junk}
)


@settings(max_examples=60, deadline=None)
@given(st.lists(contents, max_size=4))
def test_whatever_a_history_looks_like_there_is_an_answer(history):
    parts_of(request_of([ChatMessage(content) for content in history], DECLARATIONS))


# --- wordings

keys = st.sampled_from(
    [
        "temperature",
        "wind_kmh",
        "humidity_percent",
        "name",
        "unit",
        "days",
        "pm2_5",
        "id",
        "price",
        "currency",
        "note",
        "7_km",
        "error",
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("ab 019.,:-%", max_size=12),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=12,
)


def digits(text):
    return set(re.findall("[0-9]+", re.sub(r"(?<=[0-9])\.0(?![0-9])", "", text)))


def in_result(value):
    if isinstance(value, dict):
        return set().union(*(digits(key) | in_result(inner) for key, inner in value.items()))
    if isinstance(value, list):
        return set().union(*map(in_result, value))
    return digits(value if isinstance(value, str) else json.dumps(value))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(keys, values, max_size=6))
def test_a_wording_has_every_number_of_the_result_and_no_other(result):
    if result.get("error"):  # beside an error, what says nothing is left out
        result = {key: value for key, value in result.items() if value not in (None, False, "", [], {}) or value == 0}
    assert digits(worded([("tool", {}, result)])) == in_result(result)


@settings(max_examples=50, deadline=None)
@given(st.integers(11, 400), st.booleans())
def test_a_long_list_says_how_many_more_there_are(length, in_objects):
    rows = [{"name": f"row {index}", "count": index} for index in range(length)] if in_objects else list(range(length))
    text = worded([("tool", {}, {"rows": rows, "total": length})])
    assert f"and {length - 10} more" in text
    assert digits(text) <= in_result(rows) | {str(length), str(length - 10)}


def test_a_long_text_is_never_cut_within_a_number():
    text = worded([("tool", {}, {"result": "1234567890" * 1000 + " " + "7 " * 4000})])
    assert digits(text) <= {"7", "1234567890" * 1000} | {str(count) for count in range(20000)}
    assert text.endswith("more characters.")
