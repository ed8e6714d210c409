"""Whether a value fits a JSON schema. What it cannot judge does not fit: a call is never a guess about its schema."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from runner.models.offline.lexicon import word_set
from runner.tools.schema import resolved

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.messages import Json

_UNJUDGED = word_set(
    "if then else dependentRequired dependentSchemas dependencies patternProperties propertyNames unevaluatedProperties"
    " unevaluatedItems contains minContains maxContains prefixItems additionalItems $dynamicRef $recursiveRef"
)
_DEEPEST = 24


def fits(value: Any, schema: Any, root: Json, depth: int = 0) -> bool:
    """Whether `value` is valid by `schema`, whose references are looked up in `root`."""
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, dict) or depth > _DEEPEST or _UNJUDGED & schema.keys():
        return False
    if "$ref" in schema:
        target = resolved(schema, root)
        rest = {key: inner for key, inner in schema.items() if key != "$ref"}
        return (
            "$ref" not in target
            and bool(target)
            and fits(value, target, root, depth + 1)
            and fits(value, rest, root, depth + 1)
        )
    try:
        return all(check(value, schema) for check in _CHECKS) and _inner_fits(value, schema, root, depth + 1)
    except (TypeError, ValueError, re.error, OverflowError, ArithmeticError):
        return False


def _inner_fits(value: Any, schema: Json, root: Json, depth: int) -> bool:
    def suits(inner: Any) -> bool:
        return fits(value, inner, root, depth)

    return (
        all(map(suits, schema.get("allOf", ())))
        and ("anyOf" not in schema or any(map(suits, schema["anyOf"])))
        and ("oneOf" not in schema or sum(map(suits, schema["oneOf"])) == 1)
        and ("not" not in schema or (_is_simple(schema["not"]) and not suits(schema["not"])))
        and (not isinstance(value, list) or all(fits(item, schema.get("items", True), root, depth) for item in value))
        and (not isinstance(value, dict) or _properties_fit(value, schema, root, depth))
    )


def _is_simple(schema: Any) -> bool:
    """Whether a schema is judged in full, so that failing it means something."""
    return isinstance(schema, dict) and schema.keys() <= {"type", "const", "enum", "minimum", "maximum"}


def _properties_fit(value: Json, schema: Json, root: Json, depth: int) -> bool:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    return all(name in value for name in schema.get("required", ())) and all(
        fits(inner, properties.get(name, others), root, depth) for name, inner in value.items()
    )


def _type(value: Any, schema: Json) -> bool:
    named = schema.get("type")
    if named is None or (value is None and schema.get("nullable") is True):
        return True
    return any(_is(value, one) for one in (named if isinstance(named, list) else [named]))


def _is(value: Any, named: Any) -> bool:
    if isinstance(value, bool):
        return bool(named == "boolean")
    if named == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    kinds: dict[Any, type | tuple[type, ...]] = {
        "string": str,
        "number": (int, float),
        "array": list,
        "object": dict,
        "null": type(None),
    }
    return named in kinds and isinstance(value, kinds[named])


def _choice(value: Any, schema: Json) -> bool:
    if "const" in schema and not _same(value, schema["const"]):
        return False
    return "enum" not in schema or any(_same(value, one) for one in schema["enum"])


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


_SIZES: dict[type, tuple[str, str]] = {
    str: ("minLength", "maxLength"),
    list: ("minItems", "maxItems"),
    dict: ("minProperties", "maxProperties"),
}


def _size(value: Any, schema: Json) -> bool:
    if not isinstance(value, (str, list, dict)):
        return True
    least, most = _SIZES[type(value)]
    if (
        isinstance(value, list)
        and schema.get("uniqueItems")
        and any(item in value[:index] for index, item in enumerate(value))
    ):
        return False
    return bool(schema.get(least, 0) <= len(value) <= schema.get(most, len(value)))


def _range(value: Any, schema: Json) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return True
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if isinstance(above, bool) or isinstance(below, bool):
        return bool((low < value if above else low <= value) and (value < high if below else value <= high))
    step = schema.get("multipleOf")
    return bool(
        low <= value <= high
        and (above is None or above < value)
        and (below is None or value < below)
        and (step is None or (value / step).is_integer())
    )


def _pattern(value: Any, schema: Json) -> bool:
    return not isinstance(value, str) or "pattern" not in schema or bool(re.search(schema["pattern"], value))


def _format(value: Any, schema: Json) -> bool:
    form = schema.get("format")
    if not isinstance(value, str) or not isinstance(form, str):
        return True
    if form == "date":
        return len(value) == 10 and bool(date.fromisoformat(value))
    if form == "date-time":
        return "T" in value and bool(datetime.fromisoformat(value))
    if form == "time":
        return bool(re.fullmatch(r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?.*", value))
    if form in {"email", "idn-email"}:
        return bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value))
    return (form in {"uri", "url"} and "://" in value) or form not in _JUDGED_ELSEWHERE


_JUDGED_ELSEWHERE = word_set("uri url ipv4 ipv6 uuid hostname regex duration json-pointer iri uri-reference")
_CHECKS: list[Callable[[Any, Json], bool]] = [_type, _choice, _size, _range, _pattern, _format]
