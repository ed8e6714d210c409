"""JSON schemas of parameters: from Gemini's OpenAPI form to JSON schema, and without noise."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.messages import Json

_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SINGLE = frozenset({"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"})
_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_RENAMED = {
    "any_of": "anyOf",
    "one_of": "oneOf",
    "all_of": "allOf",
    "prefix_items": "prefixItems",
    "additional_properties": "additionalProperties",
    "property_ordering": "propertyOrdering",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "defs": "$defs",
    "ref": "$ref",
}
_EMPTY_HAS = frozenset({"type", "properties", "required", "additionalProperties", "title", "description", "$schema"})


def dumped(value: Any) -> Any:
    """A pydantic object (such as google-genai's `Schema`) as its JSON with camelCase keys; anything else as it is."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return value


def resolved(schema: Json, root: Json) -> Json:
    """`schema`, or what its local `$ref` points at in `root`."""
    for _ in range(20):
        pointer = schema.get("$ref")
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            return schema
        target: Any = root
        for key in pointer.removeprefix("#").split("/")[1:]:
            target = target.get(key.replace("~1", "/").replace("~0", "~"), {}) if isinstance(target, dict) else {}
        if not isinstance(target, dict):
            return {}
        schema = target
    return schema


def mapped(schema: Any, change: Callable[[Json], Json]) -> Any:
    """A copy of `schema` in which each schema object is replaced by `change` of it, the inner ones first."""
    if not isinstance(schema, dict):
        return schema
    copy: Json = {}
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, dict):
            copy[key] = {name: mapped(inner, change) for name, inner in value.items()}
        elif (key in _LISTS or key == "items") and isinstance(value, list):
            copy[key] = [mapped(inner, change) for inner in value]
        elif key in _SINGLE:
            copy[key] = mapped(value, change)
        else:
            copy[key] = value
    return change(copy)


def from_openapi(schema: Any) -> Any:
    """Gemini's `Schema` (upper case types, `nullable`, snake case keys) as JSON schema; one already such stays so."""
    return mapped(_renamed(dumped(schema)), _from_openapi)


def _renamed(schema: Any) -> Any:
    schema = dumped(schema)
    if not isinstance(schema, dict):
        return schema
    copy: Json = {}
    for old, value in schema.items():
        key = _RENAMED.get(old) or old
        if key in _MAPS and isinstance(value, dict):
            copy[key] = {name: _renamed(inner) for name, inner in value.items()}
        elif isinstance(value, (list, tuple)) and (key in _LISTS or key == "items"):
            copy[key] = [_renamed(inner) for inner in value]
        elif key in _SINGLE:
            copy[key] = _renamed(value)
        else:
            copy[key] = value
    return copy


def _from_openapi(schema: Json) -> Json:
    for key in _COUNTS & schema.keys():
        if isinstance(schema[key], str) and schema[key].isdecimal():  # an int64 in protobuf's JSON
            schema[key] = int(schema[key])
    if isinstance(schema.get("$ref"), str):
        schema["$ref"] = schema["$ref"].replace("#/defs/", "#/$defs/")
    if "example" in schema:
        schema.setdefault("examples", [schema.pop("example")])
    if "type" in schema:
        schema["type"] = _type(schema["type"])
        if schema["type"] == "type_unspecified":
            del schema["type"]
    return _nullable(schema) if schema.pop("nullable", False) else schema


def _type(named: Any) -> Any:
    if isinstance(named, (list, tuple)):
        return [_type(item) for item in named]
    text = named.value if isinstance(named, Enum) else named
    return text.lower() if isinstance(text, str) else text


def _nullable(schema: Json) -> Json:
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]} if schema else schema
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    schema["type"] = [*types, "null"] if "null" not in types else types
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema


def is_empty(schema: Json) -> bool:
    """Whether an object schema admits no argument at all: Gemini wants such parameters left out."""
    return (
        schema.keys() <= _EMPTY_HAS
        and not schema.get("properties")
        and not schema.get("required")
        and schema.get("additionalProperties") in {None, False}
    )
