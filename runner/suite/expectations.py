"""What a turn, or a whole conversation, is expected to bring."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from runner.manifest.base import Given, Part, Text, Texts, Whole
from runner.manifest.quantities import Seconds  # noqa: TC001  # pydantic reads the hints
from runner.manifest.specs import Model  # noqa: TC001  # pydantic reads the hints
from runner.suite.quantities import Count, Money, Share  # noqa: TC001  # pydantic reads the hints

Matcher: TypeAlias = Any
"""A value compared deeply, or a mapping of one key that starts with `$`, such as `{$icontains: paris}`."""

Order: TypeAlias = Literal["ordered", "any_order", "subset"]
TurnStatus: TypeAlias = Literal["answered", "failed", "limit", "stopped", "interrupted"]
CallStatus: TypeAlias = Literal["ok", "error", "timeout", "cancelled", "not_started", "outcome_unknown"]


def _count(value: object) -> object:
    return {"min": value, "max": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _call(value: object) -> object:
    return {"tool": value} if isinstance(value, str) else value


def _judge(value: object) -> object:
    return {"rubric": value} if isinstance(value, str) else value


def _reply(value: object) -> object:
    return {"contains": [value]} if isinstance(value, str) else value


def _replies(value: object) -> object:
    return value if isinstance(value, list) else [value]


class CountPart(Part):
    """How often: `2`, or {min: 1, max: 2}."""

    min: Annotated[Whole, Field(ge=0)] = Field(default=1, description="At least so often.")
    max: Given[Annotated[Whole, Field(ge=0)]] = Field(default=None, description="At most so often.")


class CallPart(Part):
    """A tool call that is expected: its tool's name alone, or with arguments."""

    tool: Text = Field(description="The tool's name.")
    args: Given[dict[str, Matcher]] = Field(
        default=None, description="Its arguments: values or matchers; arguments not named here may be anything."
    )
    times: Annotated[CountPart, BeforeValidator(_count, json_schema_input_type=Whole | CountPart)] = Field(
        default_factory=lambda: CountPart(min=1, max=1), description="How often such a call is made; once if left out."
    )
    status: CallStatus = Field(default="ok", description="How the call ended.")
    result: Matcher = Field(default=None, description="What the tool returned: a value or a matcher.")


Call: TypeAlias = Annotated[CallPart, BeforeValidator(_call, json_schema_input_type=Text | CallPart)]


class ParallelPart(Part):
    """Calls that are expected in one reply of the model, in any order."""

    parallel: Annotated[list[Call], Field(min_length=1)] = Field(description="Calls made at the same time.")


def _step(value: object) -> str:
    is_parallel = isinstance(value, ParallelPart) or (isinstance(value, dict) and "parallel" in value)
    return "(parallel)" if is_parallel else "(call)"


def _calls(value: object) -> object:
    if (isinstance(value, list) and value) or value in ("any", "none"):
        return value
    raise PydanticCustomError("calls", "neither a word nor a list")


class JudgePart(Part):
    """A rubric that a model judges by."""

    rubric: Text = Field(description="What must be true, in a sentence or a few.")
    threshold: Share = Field(default=0.5, description="The score, from 0 to 1, from which on it passes.")
    model: Given[Model] = Field(default=None, description="The judge; that of `defaults.judge` if left out.")
    votes: Given[Count] = Field(default=None, description="How many verdicts are asked for; most of them decide.")


Judge: TypeAlias = Annotated[JudgePart, BeforeValidator(_judge, json_schema_input_type=Text | JudgePart)]


class ReplyPart(Part):
    """What a reply must be like; all keys given must hold. A text alone means `contains`."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    equals: Given[str] = Field(default=None, description="The whole reply, but for blanks at its ends.")
    contains: Given[Texts] = Field(default=None, description="A text, or several that all occur.")
    icontains: Given[Texts] = Field(default=None, description="The same, in upper or lower case.")
    not_contains: Given[Texts] = Field(default=None, description="A text, or several of which none occurs.")
    starts_with: Given[Text] = Field(default=None, description="How the reply begins.")
    regex: Given[Text] = Field(default=None, description="A regular expression found in the reply.")
    not_regex: Given[Text] = Field(default=None, description="A regular expression not found in the reply.")
    json_value: Matcher = Field(default=None, alias="json", description="The reply as JSON: a value or a matcher.")
    judge: Given[Judge] = Field(default=None, description="A rubric that a model judges the reply by.")

    @model_validator(mode="after")
    def _not_empty(self) -> ReplyPart:
        if not self.model_fields_set:
            keys = [field.alias or name for name, field in type(self).model_fields.items()]
            raise PydanticCustomError("one_of", "no key", {"keys": " ".join(keys)})
        return self


Reply: TypeAlias = Annotated[ReplyPart, BeforeValidator(_reply, json_schema_input_type=Text | ReplyPart)]
Replies: TypeAlias = Annotated[
    list[Reply],
    BeforeValidator(
        _replies, json_schema_input_type=Text | ReplyPart | Annotated[list[Text | ReplyPart], Field(min_length=1)]
    ),
    Field(min_length=1),
]
Step: TypeAlias = Annotated[
    Annotated[Call, Tag("(call)")] | Annotated[ParallelPart, Tag("(parallel)")], Discriminator(_step)
]
"""A call, or several made in parallel."""
Steps: TypeAlias = Annotated[list[Step], Field(min_length=1)]
Calls: TypeAlias = Annotated[
    Annotated[Literal["any", "none"], Tag("(word)")] | Annotated[Steps, Tag("(list)")],
    Discriminator(lambda value: "(list)" if isinstance(value, list) else "(word)"),
    BeforeValidator(
        _calls,
        json_schema_input_type=Literal["any", "none"]
        | Annotated[list[Text | CallPart | ParallelPart], Field(min_length=1)],
    ),
]
"""The calls in the order in which they are expected, or a word."""


class _Calls(Part):
    calls: Given[Calls] = Field(
        default=None, description="The tool calls: `none`, `any`, or a list; anything goes if left out."
    )
    order: Order = Field(
        default="ordered",
        description="How `calls` are compared: in this order, in any order, or as some of those made.",
    )
    allow_extra: bool = Field(default=False, description="Whether calls that are not listed may be made between.")
    no_calls: Given[Texts] = Field(default=None, description="Tools that are not called.")
    reply: Given[Replies] = Field(default=None, description="What the reply is like: a text it contains, or checks.")
    max_tokens: Given[Count] = Field(default=None, description="The tokens it may cost.")
    max_latency: Given[Seconds] = Field(default=None, description="The time it may take, such as 8s.")
    max_cost: Given[Money] = Field(default=None, description="What it may cost, in US dollars.")


class ExpectPart(_Calls):
    """What is expected of one turn."""

    status: TurnStatus = Field(default="answered", description="How the turn ends.")
    max_steps: Given[Count] = Field(default=None, description="The model calls it may take.")


class FinallyPart(_Calls):
    """What is expected of the whole conversation; `reply` is about all replies together."""

    judge: Given[Judge] = Field(default=None, description="A rubric that a model judges the conversation by.")
