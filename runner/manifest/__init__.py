"""The manifest: what one YAML file says about an agent. Every key has one sentence."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

DEFAULT_MODEL = "gemini-3.8-flash"
DEFAULT_STORAGE = "sqlite:///.agent-run/chats.db"


class Spec(BaseModel):
    """A plug-in picked by name. Written as `name`, as `scheme://rest`, or as `{type: name, option: value, ...}`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(min_length=1, description="The plug-in: a known name, or module:Class under the project root.")

    @property
    def options(self) -> dict[str, Any]:
        """All keys but `type`."""
        return dict(self.model_extra or {})

    def __str__(self) -> str:
        return self.options.get("url") or self.type


def _spec(value: object) -> object:
    if not isinstance(value, str):
        return value
    scheme, colon, rest = value.partition(":")
    is_url = colon and (not rest or rest.startswith("//"))
    return {"type": scheme, "url": value} if is_url else {"type": value}


def _model_spec(value: object) -> object:
    if isinstance(value, str):
        return _spec(value) if value == "offline" or ":" in value else {"type": "gemini", "name": value}
    return {"type": "gemini", **value} if isinstance(value, dict) else value


PluginSpec = Annotated[Spec, BeforeValidator(_spec, json_schema_input_type=str | dict[str, Any])]
ModelSpec = Annotated[Spec, BeforeValidator(_model_spec, json_schema_input_type=str | dict[str, Any])]


class AgentManifest(BaseModel):
    """One agent: a model, some tools, an executor and a storage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(default=None, min_length=1, description="The agent's name; by default the file's.")
    description: str | None = Field(default=None, description="What the agent is for, in a sentence.")
    model: ModelSpec = Field(
        default_factory=lambda: Spec.model_validate({"type": "gemini", "name": DEFAULT_MODEL}),
        description="A Gemini model id, `offline`, or {type: ..., name: ...}.",
    )
    instructions: str | None = Field(default=None, description="The system instructions, as the model reads them.")
    tools: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list,
        description="Tool modules: `module`, `module:function`, or `path/to/file.py` relative to this file.",
    )
    tool_mode: Literal["auto", "any", "none", "validated"] = Field(
        default="auto",
        description="Whether the model may call tools: it chooses, must at first, never, or schema-checked.",
    )
    executor: PluginSpec = Field(
        default_factory=lambda: Spec(type="async"),
        description="How tool calls are run: `async`, or {type: rate_limiting, batch_size: 5}.",
    )
    storage: PluginSpec = Field(
        default_factory=lambda: Spec.model_validate(_spec(DEFAULT_STORAGE)),
        description="Where chats are kept: `memory:`, `sqlite:///relative.db` or `sqlite:////absolute.db`.",
    )
