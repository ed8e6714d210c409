"""`SuiteFile`: the conversations of one agent, and the cases they are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from runner.manifest.agent import Version  # noqa: TC001  # pydantic reads the hints
from runner.manifest.base import Given, Part, Paths, Text, Texts
from runner.manifest.quantities import Seconds  # noqa: TC001  # pydantic reads the hints
from runner.manifest.specs import Model  # noqa: TC001  # pydantic reads the hints
from runner.manifest.variables import Value, VariableName  # noqa: TC001  # pydantic reads the hints
from runner.suite.expectations import ExpectPart, FinallyPart
from runner.suite.quantities import Count, Moment, Share  # noqa: TC001  # pydantic reads the hints
from runner.suite.scripts import Scripted, Stubs  # noqa: TC001  # pydantic reads the hints


class JudgeDefaultsPart(Part):
    """Who judges, where a rubric does not say."""

    model: Given[Model] = Field(default=None, description="The judge's model.")
    votes: Count = Field(default=1, description="How many verdicts are asked for; most of them decide.")


class DefaultsPart(Part):
    """What holds for all cases that do not say otherwise."""

    repeat: Count = Field(default=1, description="How often each case is run.")
    pass_rate: Share = Field(default=1.0, description="The share of repeats that must pass.")
    timeout: Seconds = Field(default=60.0, description="How long one run of a case may take, such as 60s.")
    on_turn_failure: Literal["stop", "continue"] = Field(
        default="stop", description="Whether the turns after one that failed are run."
    )
    model: Given[Model] = Field(default=None, description="The model to ask instead of the manifest's.")
    now: Given[Moment] = Field(default=None, description="The time the instructions know, such as 2026-03-01T12:00Z.")
    judge: JudgeDefaultsPart = Field(default_factory=JudgeDefaultsPart, description="Who judges.")


class TurnPart(Part):
    """One message to the agent, and what is expected of its answer. The message may be files alone."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["user"]}, {"required": ["files"]}]})

    user: Given[Text] = Field(default=None, description="The message; ${name} is a variable.")
    files: Given[Paths] = Field(default=None, description="Files sent with the message, relative to this file.")
    assistant: Given[Text] = Field(
        default=None, description="The answer that stands in the history; the agent is not asked."
    )
    replies: Given[Annotated[list[Scripted], Field(min_length=1)]] = Field(
        default=None, description="What the scripted model replies: a text, or {call: tool, args: {...}}."
    )
    expect: ExpectPart = Field(default_factory=ExpectPart, description="What is expected of the turn.")
    save: dict[VariableName, Text] = Field(
        default_factory=dict,
        description="Variables taken from the reply: a regular expression, of which the first group is kept.",
    )

    @model_validator(mode="after")
    def _has_message(self) -> TurnPart:
        if self.user is None and not self.files:
            raise PydanticCustomError("lacks", "no message", {"key": "user"})
        return self


class CasePart(Part):
    """One conversation."""

    name: Text = Field(description="The case's name; no other case of the file has it.")
    description: Given[Text] = Field(default=None, description="What the case is for, in a sentence.")
    tags: Given[Texts] = Field(default=None, description="Words to select cases by.")
    skip: Given[Text] = Field(default=None, description="Why the case is not run for now.")
    vars: dict[VariableName, Value] = Field(default_factory=dict, description="Variables of the texts: ${name}.")
    variables: dict[VariableName, Value] = Field(
        default_factory=dict, description="Values of the manifest's variables, as with --var."
    )
    repeat: Given[Count] = Field(default=None, description="How often the case is run.")
    pass_rate: Given[Share] = Field(default=None, description="The share of repeats that must pass.")
    timeout: Given[Seconds] = Field(default=None, description="How long one run may take, such as 60s.")
    on_turn_failure: Given[Literal["stop", "continue"]] = Field(
        default=None, description="Whether the turns after one that failed are run."
    )
    model: Given[Model] = Field(default=None, description="The model to ask instead of the manifest's.")
    now: Given[Moment] = Field(default=None, description="The time the instructions know, such as 2026-03-01T12:00Z.")
    stubs: Stubs = Field(default_factory=dict, description="Answers that stand in for tools; they win over the file's.")
    turns: Annotated[list[TurnPart], Field(min_length=1)] = Field(description="The messages, in order.")
    finally_: Given[FinallyPart] = Field(
        default=None, alias="finally", description="What is expected of the whole conversation."
    )

    @property
    def is_scripted(self) -> bool:
        """Whether the case brings the model's replies along."""
        return any(turn.replies is not None for turn in self.turns)


class SuiteFile(Part):
    """A conversations file: one agent, and what it is tested with."""

    schema_url: Given[str] = Field(default=None, alias="$schema", description="The JSON schema for editors; not read.")
    version: Version = Field(default=1, description="The version of this format.")
    agent: Text = Field(description="The agent's manifest, relative to this file.")
    defaults: DefaultsPart = Field(default_factory=DefaultsPart, description="What holds for all cases.")
    stubs: Stubs = Field(default_factory=dict, description="Answers that stand in for tools, in all cases.")
    cases: Annotated[list[CasePart], Field(min_length=1)] = Field(description="The conversations.")
