"""The schema of a value that may be a matcher, or hold some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.schemas.draft7 import choices
from runner.suite.matchers import MATCHERS, TYPES

if TYPE_CHECKING:
    from runner.messages import Json

TEMPLATE: Json = {"type": "string", "pattern": r"\$\{"}
"""A text with a variable in it: what it will be is known when it is run."""
VALUE: Json = {"$ref": "#/definitions/value"}
MATCHER: Json = {"$ref": "#/definitions/matcher"}

_NUMBER: Json = {"anyOf": [{"type": "number"}, TEMPLATE]}
_TYPE_TEXTS = {
    "string": "Text.",
    "number": "A number, whole or not.",
    "integer": "A whole number.",
    "boolean": "true or false.",
    "array": "A list.",
    "object": "A mapping.",
    "null": "Nothing.",
}
_OPERANDS: dict[str, Json] = {
    "literal": {},
    "literals": {"type": "array", "minItems": 1},
    "value": VALUE,
    "values": {"type": "array", "minItems": 1, "items": VALUE},
    "collection": {"type": ["array", "object"], "allOf": [VALUE]},
    "text": {"type": "string"},
    "regex": {"type": "string"},
    "bound": {"type": ["number", "string"]},
    "number": {
        "type": ["number", "object"],
        "properties": {
            "value": {"description": "The number.", **_NUMBER},
            "tol": {
                "description": "How far from it a number may be.",
                "anyOf": [{"type": "number", "minimum": 0}, TEMPLATE],
            },
        },
        "required": ["value"],
        "additionalProperties": False,
    },
    "length": {"anyOf": [{"type": "integer", "minimum": 0}, {"allOf": [MATCHER], "minProperties": 1}]},
    "type": choices({name: _TYPE_TEXTS[name] for name in TYPES}),
    "true": {"const": True},
    "schema": {"type": "object"},
}


_SIMPLE = ("string", "integer", "number", "boolean")


def matcher_definitions(judge: Json) -> Json:
    """The definitions `value` and `matcher`; `judge` is the schema of a rubric."""
    operands = {**_OPERANDS, "judge": judge}
    matchers = {
        name: {"description": kind.description, **_open(operands[kind.takes])} for name, kind in MATCHERS.items()
    }
    others = "|".join(name.removeprefix("$") for name in MATCHERS)
    return {
        "value": {
            "properties": matchers,
            "patternProperties": {rf"^\$(?!(?:{others})$)": False},
            "additionalProperties": VALUE,
            "items": VALUE,
            "dependencies": {name: {"maxProperties": 1} for name in matchers},
        },
        "matcher": {
            "type": "object",
            "properties": matchers,
            "additionalProperties": False,
            "maxProperties": 1,
        },
    }


def _open(operand: Json) -> Json:
    """An operand that may also be a text with a variable in it."""
    is_open = not operand or operand.get("type") == "string" or "$ref" in operand
    return operand if is_open and "$ref" not in operand else {"anyOf": [operand, TEMPLATE]}


def argument_value(schema: Json) -> Json:
    """The schema of what may stand for an argument, made from the argument's own: it, a matcher, or a variable.

    Editors offer choices from an `anyOf` alone, and matchers from an `allOf`.
    """
    told = {"description": schema["description"]} if "description" in schema else {}
    own = {key: part for key, part in schema.items() if key != "description"}
    open_to = [] if own == {"type": "string"} else [TEMPLATE]
    if {"enum", "const"} & schema.keys():
        return {**told, "anyOf": [own, MATCHER, *open_to]}
    if schema.get("type") in _SIMPLE:
        return {**told, "allOf": [VALUE], "anyOf": [own, {"type": "object"}, *open_to]}
    return {**told, "allOf": [VALUE]}


def argument_literal(schema: Json) -> Json:
    """The same without matchers."""
    told = {"description": schema["description"]} if "description" in schema else {}
    own = {key: part for key, part in schema.items() if key != "description"}
    return {**told, "anyOf": [own, TEMPLATE]} if own else told
