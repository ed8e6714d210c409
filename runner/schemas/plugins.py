"""The schema of `model`, `executor` and `storage`: the names, their options, and any plug-in of one's own."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from runner.schemas.draft7 import choices, draft7

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.messages import Json
    from runner.registry import Registry

_TEXT: Json = {"type": "string", "minLength": 1}
_SHORT: Json = {"type": "string", "pattern": "^(?!:(//|$))."}  # a name, a URL with its scheme, or module:Class


def plugin_schema(
    registry: Registry,
    spec: Json,
    short_forms: Mapping[str, str],
    default: str | None = None,
    general: Sequence[str] = (),
    needs: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> Json:
    """The choice between a short form (one of these, or any text) and the long one, `{type: ..., option: ...}`.

    `spec` is the schema of the long form as the manifest's types have it; what a built-in plug-in takes beside, is read
    off its signature. `default` is the plug-in where no `type` is given; `general` are keys that all plug-ins have;
    `needs` are, by plug-in, sets of options of which one must be given.
    """
    needs = needs or {}
    plugins = {name: registry.builtin(name) for name in registry.builtins}
    described = {name: schema for name, schema in spec["properties"].items() if name != "type"}
    common = {name: described[name] for name in general}
    texts = builtin_texts(registry)
    kind = {"description": spec["properties"]["type"]["description"], "anyOf": [choices(texts), _TEXT]}
    bare = {
        "not": {
            "enum": [
                name for name, plugin in plugins.items() if default is None and (_required(plugin) or name in needs)
            ]
        }
    }
    is_own = {"not": {"properties": {"type": {"enum": [*texts]}}}}
    long_form: Json = {
        "type": "object",
        "properties": {"type": kind},
        "allOf": [
            *(
                {"if": _is(name, name == default), "then": _only_of(plugin, described, common, needs.get(name, ()))}
                for name, plugin in plugins.items()
            ),
            {"if": is_own, "then": {"properties": described}},
        ],
    }
    if default is None:
        long_form["required"] = ["type"]
    return {"anyOf": [choices(short_forms), _SHORT | (bare if bare["not"]["enum"] else {}), long_form]}


def builtin_texts(registry: Registry) -> dict[str, str]:
    """Our own plug-ins of a kind, each with its sentence."""
    return {name: _text(registry.builtin(name)) for name in registry.builtins}


def _text(plugin: Callable[..., Any]) -> str:
    return (inspect.getdoc(plugin) or "").partition("\n")[0]


def _is(name: str, is_default: bool) -> Json:
    named: Json = {"properties": {"type": {"const": name}}}
    return named if is_default else {**named, "required": ["type"]}


def _only_of(plugin: Callable[..., Any], described: Json, common: Json, needs: Sequence[Sequence[str]]) -> Json:
    """A plug-in's own options and no others: as the manifest's types describe them, else as its signature does."""
    from pydantic import TypeAdapter

    options: Json = {}
    for option in _parameters(plugin):
        own: Json = draft7(TypeAdapter(option.annotation).json_schema())
        options[option.name] = described.get(option.name) or {"description": _text(plugin), **own}
    own = {"properties": {"type": {}, **options, **common}, "additionalProperties": False}
    if required := _required(plugin):
        own["required"] = required
    if needs:
        own["anyOf"] = [{"required": list(each)} for each in needs]
    return own


def _required(plugin: Callable[..., Any]) -> list[str]:
    return [option.name for option in _parameters(plugin) if option.default is option.empty]


def _parameters(plugin: Callable[..., Any]) -> list[inspect.Parameter]:
    parameters = inspect.signature(plugin, eval_str=True).parameters.values()
    return [parameter for parameter in parameters if parameter.name != "place"]
