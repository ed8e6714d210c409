"""The JSON schema of a manifest: what the types say, in the words and forms that editors make the most of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.manifest import AgentManifest
from runner.plugins import EXECUTORS, MODELS, STORAGES
from runner.schemas.draft7 import DRAFT, choices, draft7, with_markdown
from runner.schemas.leaves import REFERENCE, finished
from runner.schemas.plugins import builtin_texts, plugin_schema
from runner.schemas.texts import MODEL_NAMES, SNIPPETS, STORAGE_URLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.messages import Json

ID = "urn:agent-run:schema:agent"

_TOOL_FILE: Json = {"type": "string", "pattern": rf"\.py(:[A-Za-z_][A-Za-z0-9_]*)?$|{REFERENCE['pattern']}"}


def agent_schema(tool_lines: Mapping[str, str] | None = None) -> Json:
    """The schema of a manifest, draft-07.

    With `tool_lines` it is that of a project: `tools` holds these lines, each with a text, or files. A value that is
    not text may also be written as `${VAR}`.
    """
    generated = AgentManifest.model_json_schema(by_alias=True, mode="validation")
    schema = finished(draft7(generated, nullable=False))
    properties: Json = schema["properties"]
    for key, plugins in _plugins(generated["$defs"]).items():
        properties[key] = {"description": properties[key]["description"], **plugins}
    if tool_lines is not None:
        known = [{"type": "string", **choices(tool_lines)}] if tool_lines else []
        properties["tools"]["items"] = {"anyOf": [*known, _TOOL_FILE]}
    for key, snippets in SNIPPETS.items():
        (properties[key] if key else schema)["defaultSnippets"] = snippets
    told: Json = with_markdown({"$schema": DRAFT, "$id": ID, **schema})
    return told


def _plugins(definitions: Json) -> dict[str, Json]:
    def spec(name: str) -> Json:
        return finished(draft7({**definitions[name], "$defs": definitions}, nullable=False))

    return {
        "model": plugin_schema(MODELS, spec("ModelSpec"), MODEL_NAMES, default="gemini"),
        "executor": plugin_schema(EXECUTORS, spec("ExecutorSpec"), builtin_texts(EXECUTORS)),
        "storage": plugin_schema(STORAGES, spec("StorageSpec"), STORAGE_URLS),
    }
