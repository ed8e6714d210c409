"""The values of an agent's variables: those given, as their types have it, over the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from runner.loading.nodes import Mapping as MappingNode
from runner.loading.nodes import data_of
from runner.loading.words import listed
from runner.manifest.variables import Variable, fits

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOOLS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False, "1": True, "0": False}
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
}


def declared(tree: MappingNode) -> dict[str, Variable | None]:
    """The variables of a manifest's tree by name; None where a definition is wrong, which is told elsewhere."""
    node = tree.get("variables")
    entries = node.entries if isinstance(node, MappingNode) else {}
    return {name: _declared(data_of(entry.value)) for name, entry in entries.items()}


def _declared(data: object) -> Variable | None:
    try:
        return Variable.model_validate(data if isinstance(data, dict) else {"default": data})
    except ValidationError:
        return None


class VariableError(ValueError):
    """A value that a variable cannot take; the value is not in the message."""


def values_of(variables: Mapping[str, Variable], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every variable's value: the one given, else its default. Required ones that were not given are left out."""
    values = {
        name: converted(name, variable.default, variable)  # a default from the environment is text until here
        for name, variable in variables.items()
        if not variable.is_required
    }
    return values | {name: converted(name, given[name], variables[name]) for name in given if name in variables}


def converted(name: str, value: Any, variable: Variable) -> Any:
    """A value in the variable's type; a text, as a command line gives it, is read as one. Raises VariableError."""
    if isinstance(value, str) and variable.type != "string":
        value = _read(value.strip(), variable)
    if value is None or not fits(value, variable.type):
        raise VariableError(f"the variable {name} must be {_WORDS[variable.type]}")
    if variable.choices is not None and value not in variable.choices:
        raise VariableError(f"the variable {name} must be {listed([str(choice) for choice in variable.choices])}")
    return value


def _read(text: str, variable: Variable) -> Any:
    try:
        match variable.type:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return _BOOLS.get(text.lower())
            case "list":
                return [part.strip() for part in text.split(",") if part.strip()]
            case "string":
                return text
    except (ValueError, OverflowError):
        return None
