"""Plug-ins as a manifest names them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from runner.manifest.base import Given, Text, Texts, Whole
from runner.manifest.quantities import Seconds  # noqa: TC001  # pydantic reads the hints

DEFAULT_MODEL = "gemini-3.8-flash"
MODEL_KEYS = ("requests_per_minute", "tokens_per_minute", "fallback")
"""Keys of a model that every plug-in has, and none is given."""
DEFAULT_STORAGE = "sqlite:///.agent-run/chats.db"


class Spec(BaseModel):
    """A plug-in picked by name. Written as `name`, as `scheme://rest`, or as `{type: name, option: value, ...}`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    type: Text = Field(description="The plug-in: a known name, or module:Class under the project root.")

    @property
    def options(self) -> dict[str, Any]:
        """All keys but `type`."""
        declared = {name: getattr(self, name) for name in self.model_fields_set if name != "type"}
        return {**declared, **(self.model_extra or {})}

    def __str__(self) -> str:
        return self.options.get("url") or self.type


class ModelSpec(Spec):
    """A model by its id."""

    type: Text = Field(default="gemini", description="What speaks for the model: `gemini`, `offline` or module:Class.")
    name: Given[Text] = Field(default=None, description="The model's id, such as gemini-3.8-flash.")
    transport: Given[Literal["auto", "direct", "sdk"]] = Field(
        default=None, description="How `gemini` is reached; `auto` if left out."
    )
    enterprise: Given[bool] = Field(
        default=None, description="Whether `gemini` is asked on the Gemini Enterprise Agent Platform (Vertex AI)."
    )
    project: Given[Text] = Field(default=None, description="The Google Cloud project that asks; means enterprise.")
    location: Given[Text] = Field(default=None, description="Where it is asked, such as global; means enterprise.")
    api_version: Given[Text] = Field(default=None, description="The version of the API, such as v1beta.")
    base_url: Given[Text] = Field(default=None, description="Another address of the API: a gateway, a proxy.")
    extra_body: Given[dict[str, Any]] = Field(
        default=None, description="Fields merged into the body of every request, in the API's own words."
    )
    requests_per_minute: Given[Annotated[Whole, Field(ge=1)]] = Field(
        default=None, description="How often all chats together may ask the model; as often as they like if left out."
    )
    tokens_per_minute: Given[Annotated[Whole, Field(ge=1)]] = Field(
        default=None, description="How many tokens all prompts together may have; as many as they like if left out."
    )
    fallback: Given[Texts] = Field(
        default=None, description="Models that answer the next turns when this one is out of quota or out of order."
    )

    @property
    def options(self) -> dict[str, Any]:
        """What the plug-in itself takes."""
        return {name: value for name, value in super().options.items() if name not in MODEL_KEYS}

    def of(self, name: str) -> ModelSpec:
        """Another model of the same kind, with the same options, and none of the limits."""
        return ModelSpec.model_validate({**self.options, "type": self.type, "name": name})


class ExecutorSpec(Spec):
    """How the calls of one step are run."""

    type: Text = Field(description="`async`: all at once; `rate_limiting`: some at once; or module:Class.")
    batch_size: Given[Annotated[Whole, Field(ge=1, le=1000)]] = Field(
        default=None, description="How many calls of `rate_limiting` run at once; 5 if left out."
    )


class StorageSpec(Spec):
    """Where chats are kept."""

    type: Text = Field(description="`memory`, `sqlite`, or module:Class.")
    url: Given[Text] = Field(default=None, description="Where, such as sqlite:///chats.db.")
    retention: Given[Seconds] = Field(
        default=None, description="How long a chat is kept that nobody writes to, such as 30d; for ever if left out."
    )

    @property
    def options(self) -> dict[str, Any]:
        """What the plug-in itself takes: all keys but `type` and `retention`."""
        return {name: value for name, value in super().options.items() if name != "retention"}


def spec_of(value: object) -> object:
    """The long form of a plug-in written as a name or a URL; anything else as it is.

    A scheme may say more behind a plus, for the plug-in itself: `hybrid+redis://` is the plug-in `hybrid`.
    """
    if not isinstance(value, str):
        return value
    scheme, colon, rest = value.partition(":")
    is_url = colon and (not rest or rest.startswith("//"))
    return {"type": scheme.partition("+")[0], "url": value} if is_url else {"type": value}


def model_spec_of(value: object) -> object:
    """The long form of a model written as its id, a URL, module:Class, or `offline`."""
    if not isinstance(value, str):
        return value
    return spec_of(value) if value == "offline" or ":" in value else {"type": "gemini", "name": value}


Model: TypeAlias = Annotated[ModelSpec, BeforeValidator(model_spec_of, json_schema_input_type=Text | ModelSpec)]
Executor: TypeAlias = Annotated[ExecutorSpec, BeforeValidator(spec_of, json_schema_input_type=Text | ExecutorSpec)]
Storage: TypeAlias = Annotated[StorageSpec, BeforeValidator(spec_of, json_schema_input_type=Text | StorageSpec)]


def default_model() -> ModelSpec:
    """The model of a manifest that names none."""
    return ModelSpec.model_construct({"type", "name"}, type="gemini", name=DEFAULT_MODEL)


def default_executor() -> ExecutorSpec:
    """The executor of a manifest that names none."""
    return ExecutorSpec.model_construct({"type"}, type="async")


def default_storage() -> StorageSpec:
    """The storage of a manifest that names none."""
    return StorageSpec.model_construct({"type", "url"}, type="sqlite", url=DEFAULT_STORAGE)
