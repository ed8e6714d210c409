"""The schema of manifests: generated from the types, as editors like it; the copy in the repository is up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from runner.manifest import AgentManifest
from runner.manifest.specs import spec_of
from runner.plugins import EXECUTORS, MODELS, STORAGES
from runner.schemas.agent import agent_schema
from runner.schemas.files import schema_text
from runner.schemas.texts import STORAGE_URLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.messages import Json

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = agent_schema()


def inner(schema: Any, key: str = "") -> Iterator[tuple[str, Json]]:
    """Every schema in a schema, with the dotted key it is for."""
    if not isinstance(schema, dict):
        return
    yield key, schema
    for word in ("properties", "patternProperties"):
        for name, each in schema.get(word, {}).items():
            yield from inner(each, f"{key}.{name}" if key else name)
    for word in ("anyOf", "allOf"):
        for each in schema.get(word, ()):
            yield from inner(each, key)
    for word in ("items", "then"):
        yield from inner(schema.get(word), key)


def test_the_copy_in_the_repository_is_what_the_types_generate() -> None:
    """If not: agent-run schema > schemas/agent.schema.json"""
    assert (ROOT / "schemas" / "agent.schema.json").read_text("utf-8") == schema_text(SCHEMA)


def test_it_is_a_draft_07_schema_with_an_id() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert SCHEMA["$id"]
    jsonschema_rs.meta.validate(SCHEMA)
    jsonschema_rs.meta.validate(agent_schema({"tools.weather": "The weather."}))


def test_it_has_every_key_of_the_manifest_with_its_sentence() -> None:
    fields = {field.alias or name: field.description for name, field in AgentManifest.model_fields.items()}
    assert {name: each["description"] for name, each in SCHEMA["properties"].items()} == fields


def test_every_key_has_a_sentence() -> None:
    for key, schema in inner(SCHEMA):
        for name, each in schema.get("properties", {}).items():
            assert each == {} or each["description"].endswith("."), f"{key}.{name}"


def test_every_choice_has_a_sentence() -> None:
    for key, schema in inner(SCHEMA):
        if "enum" in schema and "description" not in schema:
            texts = schema["enumDescriptions"]
            assert len(texts) == len(schema["enum"]), key
            assert key in {"model", "model.name"} or all(text.endswith(".") for text in texts), key


def test_there_is_no_noise() -> None:
    noise = {"title", "default", "discriminator", "$defs", "definitions", "$ref", "format", "deprecated"}
    for key, schema in inner(SCHEMA):
        assert not noise & schema.keys(), key
        assert "null" not in str(schema.get("type")), key


def test_a_text_that_a_reference_could_be_is_told_as_one() -> None:
    validator = jsonschema_rs.validator_for(SCHEMA)
    for right in ({"retries": "${N}"}, {"tool_mode": "${MODE:-auto}"}, {"limits": {"turn_timeout": "${T}"}}):
        assert validator.is_valid(right), right
    for wrong in ({"retries": "$N"}, {"retries": "${1}"}, {"tools": "${TOOLS}"}, {"version": "${V}"}):
        assert not validator.is_valid(wrong), wrong


@pytest.mark.parametrize("registry", [MODELS, EXECUTORS, STORAGES], ids=lambda registry: registry.kind)
def test_every_plug_in_of_ours_is_offered_by_name(registry: Any) -> None:
    _, _, long_form = SCHEMA["properties"][registry.kind]["anyOf"]
    assert long_form["properties"]["type"]["anyOf"][0]["enum"] == list(registry.builtins)


def test_every_storage_of_ours_is_offered_as_a_url() -> None:
    assert {spec_of(url)["type"] for url in STORAGE_URLS} == set(STORAGES.builtins)


def test_the_schema_of_a_project_holds_its_tools_and_takes_files_and_references() -> None:
    validator = jsonschema_rs.validator_for(agent_schema({"tools.weather": "The weather."}))
    for right in ("tools.weather", "../tools/weather.py", "weather.py:get_weather", "${TOOLS}"):
        assert validator.is_valid({"tools": [right]}), right
    for wrong in ("tools.wether", "weather", "tools/weather", "weather.py:", "x.pyc"):
        assert not validator.is_valid({"tools": [wrong]}), wrong


def test_a_project_without_tools_takes_files_only() -> None:
    validator = jsonschema_rs.validator_for(agent_schema({}))
    assert validator.is_valid({"tools": ["weather.py"]})
    assert not validator.is_valid({"tools": ["tools.weather"]})
