"""What stands in for the world: a scripted model's replies, and stubs of tools."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from runner.manifest.base import Given, Part, Text, Whole
from runner.manifest.quantities import Seconds  # noqa: TC001  # pydantic reads the hints

_KINDS = ("say", "call", "calls", "fail")
_ANSWERS = ("returns", "error", "passthrough")


class ScriptedCallPart(Part):
    """A tool call that the scripted model makes."""

    call: Text = Field(description="The tool's name.")
    args: dict[str, Any] = Field(default_factory=dict, description="Its arguments.")


def _scripted(value: object) -> object:
    return {"say": value} if isinstance(value, str) else value


class ScriptedPart(Part):
    """One reply of the scripted model: a text, a call, several calls at once, or a failure."""

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
            raise PydanticCustomError("scripted_kind", "not one kind of reply")
        if self.args is not None and self.call is None:
            raise PydanticCustomError("scripted_args", "arguments without a call")
        return self


Scripted: TypeAlias = Annotated[ScriptedPart, BeforeValidator(_scripted, json_schema_input_type=Text | ScriptedPart)]


class StubPart(Part):
    """An answer that stands in for a tool's; the first whose `when` fits a call answers it."""

    when: dict[str, Any] = Field(
        default_factory=dict, description="The arguments it answers: values or matchers; all calls if left out."
    )
    returns: Given[Any] = Field(default=None, alias="return", description="What the tool returns.")
    error: Given[Text] = Field(default=None, description="An error that the model is told.")
    passthrough: Given[bool] = Field(default=None, description="`true`: the real tool is run.")
    delay: Given[Seconds] = Field(default=None, description="How long the answer takes, such as 200ms.")

    @model_validator(mode="after")
    def _one_answer(self) -> StubPart:
        if len(self.model_fields_set & set(_ANSWERS)) != 1:
            raise PydanticCustomError("stub_answer", "not one answer")
        return self


def _stub(value: object) -> object:
    is_stub = isinstance(value, dict) and value.keys() & {"return", "error", "passthrough", "when"}
    return value if is_stub else {"return": value}


def _stubs(value: object) -> object:
    return [_stub(each) for each in value] if isinstance(value, list) else [_stub(value)]


Stubs: TypeAlias = dict[
    Text, Annotated[list[StubPart], BeforeValidator(_stubs, json_schema_input_type=StubPart | list[StubPart])]
]
"""Stubs by the tool's name; a call that none of a stubbed tool's answers fits fails the case."""
