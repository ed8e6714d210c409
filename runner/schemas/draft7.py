"""From the JSON schema pydantic writes to one that editors like: draft-07, without references, titles and null noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.messages import Json

DRAFT = "http://json-schema.org/draft-07/schema#"

_SCHEMAS_BY_NAME = ("properties", "patternProperties", "definitions", "$defs")
_LISTS_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
_NOISE = ("title", "discriminator", "$defs", "deprecated", "format", "default")


def draft7(schema: Json) -> Json:
    """`schema` as draft-07: references inlined, and no `title`, `discriminator`, `format` or `default`.

    Draft-07 ignores what stands beside a `$ref`, so a description there would be lost. A schema that refers to itself
    becomes one that accepts anything where it does.
    """
    return _tidy(schema, schema.get("$defs", schema.get("definitions", {})), ())


def _tidy(schema: Any, known: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        found = {} if name in inside else known.get(name, {})
        return _tidy({**found, **beside}, known, (*inside, name))
    tidy = {key: _part(key, value, known, inside) for key, value in schema.items() if key not in _NOISE}
    if "prefixItems" in tidy:
        tidy["items"] = tidy.pop("prefixItems")
    return _joined(tidy)


def _part(key: str, value: Any, known: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    if key in _SCHEMAS_BY_NAME:
        return {name: _tidy(each, known, inside) for name, each in value.items()}
    if key in _LISTS_OF_SCHEMAS:
        return [_tidy(each, known, inside) for each in value]
    return _tidy(value, known, inside) if key in _SCHEMAS else value


def _joined(schema: Json) -> Json:
    """`anyOf: [{type: T, ...}, {type: null}]` as `{type: [T, null], ...}`, and nested choices as one."""
    arms: list[Json] = schema.get("anyOf", [])
    if {"type": "null"} not in arms:
        return schema
    others = [arm for arm in arms if arm != {"type": "null"}]
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(others) != 1:
        return {**beside, "anyOf": [*others, {"type": "null"}]}
    (arm,) = others
    if "type" in arm and "enum" not in arm and "const" not in arm:
        return {**arm, **beside, "type": [*_as_list(arm["type"]), "null"]}
    if "enum" in arm:
        return {**arm, **beside, "enum": [*arm["enum"], None], "type": [*_as_list(arm.get("type", [])), "null"]}
    return {**beside, "anyOf": [*others, {"type": "null"}]}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def choices(texts: Mapping[str, str]) -> Json:
    """The schema of a value that is one of these, with a text on each.

    An enum with the extra keys that editors read: a hover then shows the key's own description and all choices with
    their texts, where one of a `oneOf` of constants would show the chosen one's text alone.
    """
    return {
        "enum": list(texts),
        "enumDescriptions": list(texts.values()),
        "x-intellij-enum-metadata": {value: {"description": text} for value, text in texts.items()},
    }
