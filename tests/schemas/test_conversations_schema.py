"""The schema of conversations files: generated from the types and the matchers; the repository's copy is up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from runner.loading.known_tools import KnownTool
from runner.schemas.conversations import conversations_schema
from runner.schemas.files import schema_text
from runner.suite import CallPart, CasePart, ExpectPart, ReplyPart, StubPart, SuiteFile, TurnPart
from runner.suite.matchers import MATCHERS
from tests.schemas.test_agent_schema import inner

if TYPE_CHECKING:
    from pydantic import BaseModel

    from runner.messages import Json

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = conversations_schema()
TOOLS = [KnownTool("get_weather", "Tell the weather.", {"type": "object", "properties": {"city": {"type": "string"}}})]
CASE = SCHEMA["properties"]["cases"]["items"]
TURN = CASE["properties"]["turns"]["items"]
EXPECT = TURN["properties"]["expect"]
CALL = EXPECT["properties"]["calls"]["anyOf"][1]["items"]


def test_the_copy_in_the_repository_is_what_the_types_generate() -> None:
    """If not: agent-run schema --kind conversations > schemas/conversations.schema.json"""
    assert (ROOT / "schemas" / "conversations.schema.json").read_text("utf-8") == schema_text(SCHEMA)


def test_it_is_a_draft_07_schema_with_an_id() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert SCHEMA["$id"]
    for schema in (SCHEMA, conversations_schema([]), conversations_schema(TOOLS, has_all_tools=True)):
        jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize(
    ("schema", "model"),
    [
        (SCHEMA, SuiteFile),
        (CASE, CasePart),
        (TURN, TurnPart),
        (EXPECT, ExpectPart),
        (EXPECT["properties"]["reply"]["items"], ReplyPart),
        (SCHEMA["definitions"]["stub"], StubPart),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_it_has_every_key_with_its_sentence(schema: Json, model: type[BaseModel]) -> None:
    fields = {field.alias or name: field.description for name, field in model.model_fields.items()}
    assert {name: each["description"] for name, each in schema["properties"].items()} == fields


def test_a_call_has_its_keys_or_is_several() -> None:
    assert set(CALL["properties"]) == {*CallPart.model_fields, "parallel"}


def test_every_key_and_every_matcher_has_a_sentence() -> None:
    for key, schema in (*inner(SCHEMA), *inner(SCHEMA["definitions"]["stub"])):
        for name, each in schema.get("properties", {}).items():
            assert each in ({}, False) or each["description"].endswith("."), f"{key}.{name}"
    matchers = SCHEMA["definitions"]["matcher"]["properties"]
    assert {name: each["description"] for name, each in matchers.items()} == {
        name: kind.description for name, kind in MATCHERS.items()
    }


def test_there_is_no_noise() -> None:
    noise = {"title", "default", "discriminator", "$defs", "format", "deprecated", "x-part"}
    for key, schema in inner(SCHEMA):
        assert not noise & schema.keys(), key
        assert "null" not in str(schema.get("type")), key


def test_a_case_a_turn_a_call_and_a_stub_have_snippets() -> None:
    for schema in (SCHEMA, CASE, TURN, CALL, SCHEMA["definitions"]["stub"]):
        assert all(snippet["body"] and snippet["label"] for snippet in schema["defaultSnippets"])


def suite(**turn: Any) -> Json:
    return {"agent": "a.yaml", "cases": [{"name": "a", "turns": [{"user": "Hello", **turn}]}]}


@pytest.mark.parametrize(
    "turn",
    [
        {"expect": {"calls": "none", "reply": "Paris"}},
        {"expect": {"calls": ["a", {"tool": "b", "args": {"x": {"$in": [1]}}}, {"parallel": ["c", {"tool": "d"}]}]}},
        {"expect": {"reply": ["Paris", {"regex": "x", "json": None}, {"json": {"$each": {"$gt": "${n}"}}}]}},
        {"expect": {"max_tokens": "${env:TOKENS}", "max_latency": "8s", "status": "${env:STATUS:-failed}"}},
        {
            "replies": [
                "Hello",
                {"say": "a", "call": "b", "args": {"c": None}},
                {"calls": [{"call": "b"}]},
                {"fail": 503},
            ]
        },
        {"assistant": "Good day"},
    ],
)
def test_what_is_right_is_accepted(turn: Json) -> None:
    assert [error.message for error in jsonschema_rs.validator_for(SCHEMA).iter_errors(suite(**turn))] == []


@pytest.mark.parametrize(
    "turn",
    [
        {"expect": {"calls": []}},
        {"expect": {"calls": "get_weather"}},
        {"expect": {"calls": [{"tool": "a", "parallel": ["b"]}]}},
        {"expect": {"reply": {}}},
        {"expect": {"reply": {"json": {"a": [{"$regexp": "x"}]}}}},
        {"expect": {"max_tokens": "${TOKENS}"}},
        {"replies": [{"say": "a", "fail": 503}]},
        {"replies": [{"args": {}}]},
        {"assistant": "Good day", "expect": {}},
    ],
)
def test_what_is_wrong_is_refused(turn: Json) -> None:
    assert not jsonschema_rs.validator_for(SCHEMA).is_valid(suite(**turn))
