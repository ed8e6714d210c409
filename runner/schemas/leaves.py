"""How single values of a manifest are told to an editor: choices with texts, `${VAR}` for what is not text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.schemas.draft7 import choices
from runner.schemas.texts import CHOICES, QUANTITIES

if TYPE_CHECKING:
    from runner.messages import Json

REFERENCE: Json = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-|\})"}
"""A text with `${VAR}` in it: an editor does not know what it will be."""


def finished(schema: Json, key: str = "") -> Json:
    """A schema with its choices described and its values open to `${VAR}`; `key` is the dotted key it is for."""
    done = dict(_joined(schema))
    for name in ("properties", "patternProperties"):
        if name in done:
            is_open = name == "patternProperties"
            done[name] = {
                each: finished(one, _below(key, "*" if is_open else each)) for each, one in done[name].items()
            }
    if isinstance(done.get("items"), dict):
        done["items"] = finished(done["items"], _below(key, "*"))
    if "anyOf" in done:
        done["anyOf"] = [finished(arm, key) for arm in done["anyOf"]]
    return _leaf(done, key)


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _leaf(schema: Json, key: str) -> Json:
    value = {name: part for name, part in schema.items() if name != "description"}
    if "enum" in schema:
        texts = CHOICES.get(key, {})
        if list(texts) != schema["enum"]:
            raise LookupError(f"{key}: give each of {schema['enum']} a sentence in runner.schemas.texts.CHOICES")
        value = choices(texts)
    elif schema.get("type") not in ("integer", "number", "boolean") or "const" in schema:
        return schema
    told = {"description": schema["description"]} if "description" in schema else {}
    return {**told, "anyOf": [value, REFERENCE]}


def _joined(schema: Json) -> Json:
    """A choice between values of unlike types in one piece: an editor names what is wrong with it better."""
    arms: list[Json] = schema.get("anyOf", [])
    types = [kind for arm in arms for kind in _types(arm)]
    keywords = [keyword for arm in arms for keyword in arm if keyword not in {"type", "description"}]
    is_told_better = "object" in types or "pattern" in keywords
    is_unlike = len({*types}) == len(types) and len({*keywords}) == len(keywords) and all(map(_types, arms))
    if not (is_told_better and is_unlike):
        return schema
    beside = {name: part for name, part in schema.items() if name != "anyOf"}
    joined = {name: part for arm in arms for name, part in arm.items()} | {"type": types} | beside
    if "pattern" in joined:
        joined["pattern"] = f"{joined['pattern']}|{REFERENCE['pattern']}"
        joined["patternErrorMessage"] = QUANTITIES["size" if "integer" in types else "time"]
    return joined


def _types(schema: Json) -> list[str]:
    kind = schema.get("type", [])
    return kind if isinstance(kind, list) else [kind]
