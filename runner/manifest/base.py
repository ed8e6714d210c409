"""What all parts of a manifest share: closed keys, strict types, no null."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

T = TypeVar("T")


class Part(BaseModel):
    """A mapping of the manifest: unknown keys are refused, and values are not converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


def _not_null(value: object) -> object:
    if value is None:
        raise PydanticCustomError("no_value", "has no value")
    return value


def whole(value: object) -> object:
    """5.0 as 5, as JSON schemas have it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_list(value: object) -> object:
    """A text as a list of one."""
    if not isinstance(value, (str, list)):
        raise PydanticCustomError("paths", "neither a path nor a list")
    return [value] if isinstance(value, str) else value


def _texts(value: object) -> object:
    if not isinstance(value, (str, list)):
        raise PydanticCustomError("texts", "neither a text nor a list")
    return [value] if isinstance(value, str) else value


Given: TypeAlias = Annotated[T | None, BeforeValidator(_not_null)]
"""A key that may be left out, but not left empty."""
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Whole: TypeAlias = Annotated[int, BeforeValidator(whole)]
Paths: TypeAlias = Annotated[list[Text], BeforeValidator(as_list, json_schema_input_type=Text | list[Text])]
"""One path, or a list of them."""
Texts: TypeAlias = Annotated[
    list[Text], BeforeValidator(_texts, json_schema_input_type=Text | list[Text]), Field(min_length=1)
]
"""One text, or a list of them."""
Options: TypeAlias = dict[str, Any]
