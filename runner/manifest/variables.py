"""The variables of an agent's instructions."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from runner.manifest.base import Given, Part, Text

VariableType: TypeAlias = Literal["string", "integer", "number", "boolean", "list"]

RESERVED = ("now", "today", "agent", "tools")
"""What the instructions know beside the variables."""
NAME = r"^[a-zA-Z][a-zA-Z0-9_]*$"
_NAME = re.compile(NAME)


def _name(value: object) -> object:
    if not isinstance(value, str) or not _NAME.match(value):
        raise PydanticCustomError("variable_name", "not a name")
    return value


def type_of(value: object) -> VariableType | None:
    """The type of a value; None for what no variable can hold."""
    if isinstance(value, bool):
        return "boolean"
    for kind, name in _TYPES:
        if isinstance(value, kind):
            return name
    return None


def _scalar(value: object) -> object:
    if isinstance(value, (str, bool, int, float)):
        return value
    raise PydanticCustomError("variable_choice", "not a value")


def _value(value: object) -> object:
    if isinstance(value, (str, bool, int, float)) or (isinstance(value, list) and all(map(type_of_scalar, value))):
        return value
    raise PydanticCustomError("variable_value", "not a value")


_SCALAR = {"type": ["string", "number", "boolean"]}
Scalar: TypeAlias = Annotated[Any, BeforeValidator(_scalar), WithJsonSchema(_SCALAR)]
"""A text, a number, or true or false."""
Value: TypeAlias = Annotated[
    Any, BeforeValidator(_value), WithJsonSchema({"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]})
]
"""A scalar, or a list of them."""

_TYPES: tuple[tuple[type, VariableType], ...] = ((str, "string"), (int, "integer"), (float, "number"), (list, "list"))


def type_of_scalar(value: object) -> VariableType | None:
    """The type of a value that is no list."""
    return None if isinstance(value, list) else type_of(value)


def fits(value: object, kind: VariableType) -> bool:
    """Whether a value is of a variable's type; an integer is a number, too."""
    found = type_of(value)
    return found == kind or (kind == "number" and found == "integer")


class Variable(Part):
    """One variable: `name: value`, or `name: {type, default, description, choices}`."""

    type: VariableType = Field(default="string", description="The type; that of the default if there is one.")
    default: Given[Value] = Field(default=None, description="The value where none is given; without it, one must be.")
    description: Given[Text] = Field(default=None, description="What the variable is for, in a sentence.")
    choices: Given[Annotated[list[Scalar], Field(min_length=1)]] = Field(
        default=None, description="The values allowed."
    )

    @property
    def is_required(self) -> bool:
        """Whether a value must be given."""
        return self.default is None

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, value: Any) -> Any:
        if isinstance(value, dict) and "type" not in value and (kind := type_of(value.get("default"))):
            return {"type": kind, **value}
        return value


def _definition(value: object) -> object:
    return value if value is None or isinstance(value, dict) else {"default": value}


VariableName: TypeAlias = Annotated[str, BeforeValidator(_name), Field(json_schema_extra={"pattern": NAME})]
Variables: TypeAlias = dict[
    VariableName,
    Annotated[Variable, BeforeValidator(_definition, json_schema_input_type=Value | Variable)],
]
