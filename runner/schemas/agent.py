"""The JSON schema of a manifest: what the types say, in the words and forms that editors make the most of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.manifest import AgentManifest
from runner.manifest.specs import MODEL_KEYS
from runner.manifest.variables import RESERVED
from runner.models.catalog import catalog
from runner.plugins import EXECUTORS, MODELS, STORAGES
from runner.schemas.draft7 import DRAFT, choices, draft7, with_markdown
from runner.schemas.leaves import MANIFEST, REFERENCE, finished
from runner.schemas.plugins import builtin_texts, plugin_schema
from runner.schemas.texts import BUILT_IN_TOOLS, SNIPPETS, STORAGE_URLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.messages import Json
    from runner.schemas.leaves import Style

ID = "urn:agent-run:schema:agent"

_TOOL_KEYS = ("use", "file_search")  # either of which says what a tool's long form is
_STORAGE_NEEDS = {"hybrid": [["url"], ["cache", "database"]]}
_TOOL_FILE: Json = {"type": "string", "pattern": rf"\.py(:[A-Za-z_][A-Za-z0-9_]*)?$|{REFERENCE['pattern']}"}


def agent_schema(tool_lines: Mapping[str, str] | None = None) -> Json:
    """The schema of a manifest, draft-07.

    With `tool_lines` it is that of a project: `tools` holds these lines, each with a text, or files. A value that is
    not text may also be written as `${VAR}`.
    """
    generated = AgentManifest.model_json_schema(by_alias=True, mode="validation")
    schema = finished(draft7(generated, nullable=False))
    properties: Json = schema["properties"]
    ((pattern, variable),) = properties["variables"]["patternProperties"].items()
    free_name = f"^(?!(?:{'|'.join(RESERVED)})$){pattern.removeprefix('^')}"
    properties["variables"]["patternProperties"] = {free_name: {**variable, "minProperties": 1}}
    _exclude_one_another(schema, "instructions", "instructions_file")
    _exclude_one_another(properties["generation"]["properties"]["thinking"], "level", "budget")
    for key, plugins in _plugins(generated["$defs"]).items():
        properties[key] = {"description": properties[key]["description"], **plugins}
    properties["tools"]["items"] = _tool_item(properties["tools"]["items"], tool_lines)
    for key, snippets in SNIPPETS.items():
        (properties[key] if key else schema)["defaultSnippets"] = snippets
    told: Json = with_markdown({"$schema": DRAFT, "$id": ID, **schema})
    return told


def _tool_item(item: Json, tool_lines: Mapping[str, str] | None) -> Json:
    """The schema of an item of `tools`: a line, which in a project is one of these or a file, or the long form."""
    long_form = {**item, "type": "object", "oneOf": [{"required": [key]} for key in _TOOL_KEYS]}
    long_form.pop("minLength", None)
    known = [{"type": "string", **choices({**(tool_lines or {}), **BUILT_IN_TOOLS})}]
    line = [*known, {"type": "string", "minLength": 1} if tool_lines is None else _TOOL_FILE]
    if tool_lines is not None:
        long_form["properties"] = {**item["properties"], "use": {**item["properties"]["use"], "anyOf": line}}
    return {"anyOf": [*line, long_form]}


def _exclude_one_another(schema: Json, one: str, other: str) -> None:
    """Where `one` is given, `other` is not allowed; an editor underlines the latter."""
    schema["dependencies"] = {one: {"properties": {other: False}}}


def _plugins(definitions: Json) -> dict[str, Json]:
    def spec(name: str, key: str) -> Json:
        return _spec(definitions, name, key, MANIFEST)

    return {
        "model": model_schema(definitions),
        "executor": plugin_schema(EXECUTORS, spec("ExecutorSpec", "executor"), builtin_texts(EXECUTORS)),
        "storage": plugin_schema(
            STORAGES, spec("StorageSpec", "storage"), STORAGE_URLS, general=["retention"], needs=_STORAGE_NEEDS
        ),
    }


def model_schema(definitions: Json, style: Style = MANIFEST) -> Json:
    """The schema of a model, in its short form or its long one; `definitions` are those of pydantic's schema."""
    spec = _spec(definitions, "ModelSpec", "model", style)
    return plugin_schema(MODELS, spec, _model_names(), default="gemini", general=MODEL_KEYS)


def _spec(definitions: Json, name: str, key: str, style: Style) -> Json:
    return finished(draft7({**definitions[name], "$defs": definitions}, nullable=False), key, style)


def _model_names() -> dict[str, str]:
    """The models known today, each with what there is to know when choosing one."""
    names = {}
    for name, model in catalog().models.items():
        levels = f"Thinks {', '.join(model.levels)}." if model.levels else ""
        names[name] = " ".join(text for text in (levels, f"Shut down on {model.ends}." if model.ends else "") if text)
    return {**names, "offline": builtin_texts(MODELS)["offline"]}
