"""The form of the answers, as a manifest names it."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from runner.manifest.base import Given, Part, Text


def _form(value: object) -> object:
    if not isinstance(value, (str, dict)) or value == "":
        raise PydanticCustomError("output_form", "neither a name nor a JSON schema")
    return value


Form: TypeAlias = Annotated[Any, BeforeValidator(_form, json_schema_input_type=Text | dict[str, Any])]


class OutputPart(Part):
    """The form that answers have."""

    form: Form = Field(alias="schema", description="A JSON schema, a file with one, or `module:Type` of the project.")


def _long_form(value: object) -> object:
    return {"schema": value} if isinstance(value, str) else value


OutputForm: TypeAlias = Given[
    Annotated[OutputPart, BeforeValidator(_long_form, json_schema_input_type=Text | OutputPart)]
]
"""Written as `file.json`, as `module:Type`, or as `{schema: ...}`."""
