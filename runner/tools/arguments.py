"""Arguments as a model sends them: checked against a JSON schema, and brought to its types."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from runner.errors import AgentRunError
from runner.tools.schema import resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.messages import Json

_SHOWN = 5


class ToolArgumentError(AgentRunError, ValueError):
    """A call's arguments do not fit the tool's declaration; the text names them and is fit for the model."""

    reason = "TOOL_ARGUMENTS"


class JsonSchemaCheck:
    """Checks arguments against `schema`, a JSON schema of an object; the validator is built here, once.

    Raises ValueError where the schema itself is none, or refers to another document: none is ever fetched.
    """

    def __init__(self, schema: Json) -> None:
        import jsonschema_rs

        self._schema = schema
        self._validator = jsonschema_rs.validator_for(schema, retriever=not_fetched)

    def checked(self, args: Json) -> Json:
        """The arguments, 1.0 made 1 where the schema says integer; raises ToolArgumentError where they do not fit."""
        try:
            args = coerced(args, self._schema)
            if self._validator.is_valid(args):
                return args
        except UnicodeError:
            raise argument_error(["the arguments hold text that is not Unicode"]) from None
        except (ValueError, RecursionError):
            raise argument_error(["the arguments are nested too deep"]) from None
        known = list(self._schema.get("properties", ()))
        problems = [line for error in self._validator.iter_errors(args) for line in _lines(error, known)]
        raise argument_error(problems)


def not_fetched(uri: str) -> Any:
    """The retriever of our validators: no schema is ever fetched."""
    raise ValueError(f"{uri} is another document")


def argument_error(problems: Iterable[str]) -> ToolArgumentError:
    """One error that tells the first few of `problems`, each once."""
    told = list(dict.fromkeys(problems))
    more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    text = "; ".join(told[:_SHOWN]) + more
    return ToolArgumentError(text.encode("utf-8", "backslashreplace").decode())


def missing(path: Sequence[str | int]) -> str:
    """The words for an argument that is required and was not given."""
    return f"argument {place(path)} is missing"


def unknown(path: Sequence[str | int], known: Sequence[str]) -> str:
    """The words for an argument that does not exist; `known` are those that do, at the top level."""
    if len(path) > 1:
        return f"argument {place(path)} is not known"
    near = difflib.get_close_matches(str(path[0]), known, 1)
    hint = f'did you mean "{near[0]}"?' if near else f"its arguments: {', '.join(known) or 'none'}"
    return f"the tool has no argument {place(path)}; {hint}"


def place(path: Sequence[str | int]) -> str:
    """`["stops", 0, "city"]` as `"stops[0].city"`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f'"{text.removeprefix(".")}"'


def shown(value: object) -> str:
    """A value as short JSON."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _lines(error: Any, known: Sequence[str]) -> list[str]:
    path, kind = list(error.instance_path), error.kind
    match kind.name:
        case "required":
            return [missing([*path, kind.property])]
        case "additionalProperties" | "unevaluatedProperties":
            return [unknown([*path, name], known) for name in kind.unexpected]
        case "type":
            expected = " or ".join(kind.types)
            return [f"argument {place(path)} should be of type {expected}, not {shown(error.instance)}"]
        case "enum":
            choices = ", ".join(shown(option) for option in kind.options)
            return [f"argument {place(path)} should be one of {choices}, not {shown(error.instance)}"]
    text = error.message if len(error.message) <= 300 else f"{error.message[:297]}..."
    return [f"argument {place(path)}: {text}" if path else text]


def coerced(value: Any, schema: Any) -> Any:
    """`value` with whole floats made ints wherever `schema` says integer; what needs no change is not copied."""
    return _coerced(value, schema, schema) if _holds_float(value) else value


def _holds_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_float, value.values()))
    return any(map(_holds_float, value)) if isinstance(value, list) else isinstance(value, float)


def _coerced(value: Any, schema: Any, root: Any) -> Any:
    if not isinstance(schema, dict):
        return value
    schema = resolved(schema, root)
    if isinstance(value, float):
        return int(value) if value.is_integer() and _says_integer(schema, root) else value
    if isinstance(value, dict):
        value = _with(value, {name: _coerced(item, _member(schema, name), root) for name, item in value.items()})
    elif isinstance(value, list):
        items = [_coerced(item, _item(schema, index), root) for index, item in enumerate(value)]
        value = items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    else:
        return value
    for arm in _arms(schema):
        value = _coerced(value, arm, root)
    return value


def _with(value: Json, items: Json) -> Json:
    return items if any(items[name] is not value[name] for name in items) else value


def _member(schema: Json, name: str) -> Any:
    return schema.get("properties", {}).get(name, schema.get("additionalProperties"))


def _item(schema: Json, index: int) -> Any:
    prefix = schema.get("prefixItems", ())
    return prefix[index] if index < len(prefix) else schema.get("items")


def _arms(schema: Json) -> list[Any]:
    return [arm for keyword in ("anyOf", "oneOf", "allOf") for arm in schema.get(keyword, ())]


def _says_integer(schema: Any, root: Json, depth: int = 0) -> bool:
    if not isinstance(schema, dict) or depth > 20:
        return False
    schema = resolved(schema, root)
    named = schema.get("type")
    types = named if isinstance(named, list) else [named]
    if "number" in types:
        return False
    options = [*schema.get("enum", ()), schema.get("const")]
    if "integer" in types or any(isinstance(option, int) and not isinstance(option, bool) for option in options):
        return True
    return any(_says_integer(arm, root, depth + 1) for arm in _arms(schema))
