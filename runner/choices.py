"""Which model and which storage an agent has: the manifest's, or what stands in its place by command or environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.events import Notice

if TYPE_CHECKING:
    from runner.manifest import AgentManifest, ModelSpec, Spec
    from runner.manifest.specs import StorageSpec
    from runner.settings import Settings

_OR_OFFLINE = "or choose the embedded rules with --model offline"
_NO_KEY = f"no API key for Gemini was found: set GEMINI_API_KEY (https://aistudio.google.com/apikey), {_OR_OFFLINE}"
_NO_SIGN_IN = f"no credentials of Google Cloud were found: run `gcloud auth application-default login`, {_OR_OFFLINE}"
OFFLINE = Notice(
    "offline_model",
    "no API key: answering with the embedded offline model (simple rules, not a language model); "
    "set GEMINI_API_KEY for Gemini",
)


def model_spec(manifest: AgentManifest, override: str | Spec | None, settings: Settings) -> ModelSpec:
    """The model of a manifest, or the one that the command or the environment puts in its place."""
    chosen = override or settings.model
    return manifest.model if chosen is None else type(manifest).model_validate({"model": chosen}).model


def storage_spec(manifest: AgentManifest, settings: Settings) -> StorageSpec:
    """The storage of a manifest, or the one that the environment puts in its place."""
    if settings.storage is None:
        return manifest.storage
    return type(manifest).model_validate({"storage": settings.storage}).storage


def missing_key(spec: Spec, settings: Settings) -> str | None:
    """What to do about the key or the sign-in that the model needs and that is not there; None where nothing lacks."""
    from runner.models.gemini.credentials import find_credentials

    if spec.type != "gemini":
        return None
    if spec.options.get("project") or spec.options.get("location"):  # a project of Google Cloud, asked without a key
        return None if find_credentials(has_project=True) else _NO_SIGN_IN
    return None if settings.api_key or find_credentials() else _NO_KEY
