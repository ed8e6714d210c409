"""`AgentManifest`: what one YAML file says about an agent."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from runner.manifest.base import Given, Part, Paths, Text, Whole
from runner.manifest.generation import GenerationPart
from runner.manifest.history import History, HistoryPart
from runner.manifest.limits import CachePart, LimitsPart
from runner.manifest.output import OutputForm  # noqa: TC001  # pydantic reads the hints
from runner.manifest.specs import Executor, Model, Storage, default_executor, default_model, default_storage
from runner.manifest.tools import ToolItem  # noqa: TC001  # pydantic reads the hints
from runner.manifest.variables import Variables  # noqa: TC001  # pydantic reads the hints

FORMAT = 1
"""The version of the format that this release reads."""


def _version(value: Any) -> Any:
    if isinstance(value, bool) or value != FORMAT:
        raise PydanticCustomError("format_version", "unknown version")
    return FORMAT


Version: TypeAlias = Annotated[Literal[1], BeforeValidator(_version)]


class AgentManifest(Part):
    """One agent: a model, some tools, an executor and a storage."""

    schema_url: Given[str] = Field(default=None, alias="$schema", description="The JSON schema for editors; not read.")
    version: Version = Field(default=1, description="The version of this format.")
    extends: Given[Text] = Field(default=None, description="A manifest this one is laid over, relative to this file.")
    include: Given[Paths] = Field(
        default=None, description="Fragments this file is laid over, in order, relative to this file."
    )
    name: Given[Text] = Field(default=None, description="The agent's name; by default the file's.")
    description: Given[Text] = Field(default=None, description="What the agent is for, in a sentence.")
    model: Model = Field(
        default_factory=default_model, description="A Gemini model id, `offline`, or {type: ..., name: ...}."
    )
    instructions: Given[Text] = Field(
        default=None, description="The system instructions: a Jinja2 template, rendered once a turn."
    )
    instructions_file: Given[Text] = Field(
        default=None, description="A text file with the instructions, relative to this file."
    )
    variables: Variables = Field(
        default_factory=dict, description="Variables of the instructions: `name: default`, or {type, default, choices}."
    )
    files: Given[Paths] = Field(
        default=None,
        description="Files and patterns of files sent with the first message of each chat, relative to this file.",
    )
    tools: list[ToolItem] = Field(
        default_factory=list,
        description="`module`, `module:function`, `path/to/file.py` relative to this file, or a built-in tool.",
    )
    tool_mode: Literal["auto", "any", "none", "validated"] = Field(
        default="auto",
        description="Whether the model may call tools: it chooses, must at first, never, or schema-checked.",
    )
    executor: Executor = Field(
        default_factory=default_executor,
        description="How tool calls are run: `async`, or {type: rate_limiting, batch_size: 5}.",
    )
    storage: Storage = Field(
        default_factory=default_storage,
        description="Where chats are kept: `memory:`, `sqlite:///relative.db` or `sqlite:////absolute.db`.",
    )
    cache: Given[CachePart] = Field(default=None, description="A context cache for what every turn begins with.")
    history: History = Field(
        default_factory=HistoryPart.model_construct, description="What is sent of a long chat; all if left out."
    )
    limits: LimitsPart = Field(default_factory=LimitsPart.model_construct, description="What a turn may cost.")
    retries: Annotated[Whole, Field(ge=0, le=3)] = Field(
        default=3, description="How often a failed model call is sent again."
    )
    generation: GenerationPart = Field(
        default_factory=GenerationPart.model_construct, description="How the model writes."
    )
    output: OutputForm = Field(
        default=None, description="The form of the answers: a JSON schema, a file with one, or `module:Type`."
    )
    welcome: Given[Text] = Field(default=None, description="What a terminal shows when a chat begins.")
    examples: list[Text] = Field(default_factory=list, description="Messages to try, shown when a chat begins.")
