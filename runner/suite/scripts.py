"""What stands in for the world: a scripted model's replies, and stubs of tools."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from runner.manifest.base import Given, Part, Text, Whole
from runner.manifest.quantities import Seconds  # noqa: TC001  # pydantic reads the hints

_KINDS = ("say", "call", "calls", "fail")
_ANSWERS = ("return", "error", "passthrough")


class ScriptedCallPart(Part):
    """A tool call that the scripted model makes."""

    call: Text = Field(description="The tool's name.")
    args: dict[str, Any] = Field(default_factory=dict, description="Its arguments.")


def _scripted(value: object) -> object:
    return {"say": value} if isinstance(value, str) else value


class ScriptedPart(Part):
    """One reply of the scripted model: a text, a call, several calls at once, or a failure."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [kind]} for kind in _KINDS],
            "dependencies": {
                "args": ["call"],
                "call": {"properties": {"calls": False, "fail": False}},
                "calls": {"properties": {"fail": False}},
                "say": {"properties": {"fail": False}},
            },
        }
    )

    say: Given[Text] = Field(default=None, description="The model's text.")
    call: Given[Text] = Field(default=None, description="A tool the model calls.")
    args: Given[dict[str, Any]] = Field(default=None, description="The arguments of `call`.")
    calls: Given[Annotated[list[ScriptedCallPart], Field(min_length=1)]] = Field(
        default=None, description="Calls made at the same time."
    )
    fail: Given[Annotated[Whole, Field(ge=400, le=599)]] = Field(
        default=None, description="An HTTP status that the model service fails with, such as 503."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> ScriptedPart:
        kinds = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1 and kinds not in (["say", "call"], ["say", "calls"]):
            raise PydanticCustomError("one_of", "not one kind of reply", {"keys": " ".join(_KINDS)})
        if self.args is not None and self.call is None:
            raise PydanticCustomError("needs", "arguments without a call", {"key": "args", "other": "call"})
        return self


Scripted: TypeAlias = Annotated[ScriptedPart, BeforeValidator(_scripted, json_schema_input_type=Text | ScriptedPart)]


def _true(value: object) -> object:
    if value is not True:  # 1 is equal to it
        raise PydanticCustomError("literal_error", "not true", {"expected": "True"})
    return value


class StubPart(Part):
    """An answer that stands in for a tool's; the first whose `when` fits a call answers it."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [answer]} for answer in _ANSWERS],
            "dependencies": {
                "return": {"properties": {"error": False, "passthrough": False}},
                "error": {"properties": {"passthrough": False}},
            },
        }
    )

    when: dict[str, Any] = Field(
        default_factory=dict, description="The arguments it answers: values or matchers; all calls if left out."
    )
    returns: Any = Field(default=None, alias="return", description="What the tool returns; it may be null.")
    error: Given[Text] = Field(default=None, description="An error that the model is told.")
    passthrough: Given[Annotated[Literal[True], BeforeValidator(_true)]] = Field(
        default=None, description="`true`: the real tool is run."
    )
    delay: Given[Seconds] = Field(default=None, description="How long the answer takes, such as 200ms.")

    @model_validator(mode="after")
    def _one_answer(self) -> StubPart:
        if len(self.model_fields_set & {"returns", "error", "passthrough"}) != 1:
            raise PydanticCustomError("one_of", "not one answer", {"keys": " ".join(_ANSWERS)})
        return self


def _stubs(value: object) -> object:
    return value if isinstance(value, list) else [value]


Stubs: TypeAlias = dict[
    Text,
    Annotated[
        list[StubPart],
        BeforeValidator(_stubs, json_schema_input_type=StubPart | list[StubPart]),
        Field(min_length=1),
    ],
]
"""Stubs by the tool's name; a call that none of a stubbed tool's answers fits fails the case."""
