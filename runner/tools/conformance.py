"""Whether a JSON value is what a JSON schema says, in words for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.tools.arguments import not_fetched, place

if TYPE_CHECKING:
    from runner.messages import Json

_SHOWN = 5
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


@dataclass(frozen=True, slots=True)
class Breach:
    """One place of a value that breaks a schema: what is wanted there in words, if that can be said; else the message.

    `choices` are the values that are allowed, where the schema lists them; `is_missing` says that a key is not there,
    `is_unknown` that one should not be.
    """

    path: tuple[str | int, ...]
    message: str
    wanted: str | None = None
    choices: tuple[Any, ...] = ()
    is_missing: bool = False
    is_unknown: bool = False


def problems_of(value: Any, schema: Json) -> list[str]:
    """What of a value breaks a schema, a sentence each. Raises ValueError where the schema is none."""
    return [_told(list(each.path), each.message) for each in breaches_of(value, schema)]


def breaches_of(value: Any, schema: Json) -> list[Breach]:
    """The first few places of a value that break a schema. Raises ValueError where the schema is none."""
    import jsonschema_rs

    validator = jsonschema_rs.validator_for(schema, retriever=not_fetched)
    errors = [error for error, _ in zip(validator.iter_errors(value), range(_SHOWN), strict=False)]
    return [_breach(error) for error in errors]


def schema_problem(schema: Any) -> str | None:
    """What keeps a value from being a JSON schema."""
    import jsonschema_rs

    try:
        jsonschema_rs.validator_for(schema, retriever=not_fetched)
    except ValueError as error:
        return str(error).partition("\n")[0]
    return None


def _breach(error: Any) -> Breach:
    path, kind = tuple(error.instance_path), error.kind
    match kind.name:
        case "type":
            return Breach(path, error.message, " or ".join(_WORDS[str(each)] for each in kind.types))
        case "enum":
            choices = tuple(kind.options)
            return Breach(path, error.message, " or ".join(map(_json, choices)), choices)
        case "const":
            return Breach(path, error.message, _json(kind.expected_value), (kind.expected_value,))
        case "required":
            return Breach((*path, kind.property), error.message, is_missing=True)
        case "additionalProperties" | "unevaluatedProperties":
            return Breach((*path, next(iter(kind.unexpected))), error.message, is_unknown=True)
    return Breach(path, error.message)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _told(path: list[str | int], message: str) -> str:
    return f"{place(path)}: {message}" if path else message
