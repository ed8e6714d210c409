"""How single values are told to an editor: choices with texts, `${VAR}` for what is not text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.schemas.draft7 import choices
from runner.schemas.suite_texts import SUITE_CHOICES
from runner.schemas.texts import CHOICES, QUANTITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.messages import Json


def _reference(prefix: str = "") -> Json:
    return {"type": "string", "pattern": rf"\$\{{{prefix}[A-Za-z_][A-Za-z0-9_]*(:-|\}})"}


@dataclass(frozen=True, slots=True)
class Style:
    """How the values of a kind of file are told: the texts of its choices by the end of their dotted key, a reference.

    A reference is a text with `${VAR}` in it: an editor does not know what it will be.
    """

    choices: Mapping[str, Mapping[str, str]]
    reference: Json

    def texts(self, key: str, values: list[str]) -> Mapping[str, str]:
        """A sentence on each choice of a key."""
        found = next((texts for end, texts in self.choices.items() if f".{key}".endswith(f".{end}")), {})
        if list(found) != values:
            raise LookupError(f"{key}: give each of {values} a sentence in the texts of the schema")
        return found


_MARKS = (("turns", "history"), ("%", "share"))  # what only the pattern of such a quantity has in it
REFERENCE = _reference()
MANIFEST = Style(CHOICES, REFERENCE)
SUITE = Style(SUITE_CHOICES | {"model.transport": CHOICES["model.transport"]}, _reference("env:"))


def finished(schema: Json, key: str = "", style: Style = MANIFEST) -> Json:
    """A schema with its choices described and its values open to references; `key` is the dotted key it is for."""
    done = dict(_joined(schema, style))
    for name in ("properties", "patternProperties"):
        if name in done:
            is_open = name == "patternProperties"
            done[name] = {
                each: finished(one, _below(key, "*" if is_open else each), style) for each, one in done[name].items()
            }
    for name in ("items", "additionalProperties"):
        if isinstance(done.get(name), dict):
            done[name] = finished(done[name], _below(key, "*"), style)
    if "anyOf" in done:
        done["anyOf"] = [finished(arm, key, style) for arm in done["anyOf"]]
    return _leaf(done, key, style)


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _leaf(schema: Json, key: str, style: Style) -> Json:
    value = {name: part for name, part in schema.items() if name != "description"}
    if "enum" in schema:
        value = choices(style.texts(key, schema["enum"]))
    elif schema.get("type") not in ("integer", "number", "boolean") or "const" in schema:
        return schema
    told = {"description": schema["description"]} if "description" in schema else {}
    return {**told, "anyOf": [value, style.reference]}


def _joined(schema: Json, style: Style) -> Json:
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
        joined["pattern"] = f"{joined['pattern']}|{style.reference['pattern']}"
        kind = next((name for mark, name in _MARKS if mark in joined["pattern"]), None)
        joined["patternErrorMessage"] = QUANTITIES[kind or ("size" if "integer" in types else "time")]
    return joined


def _types(schema: Json) -> list[str]:
    kind = schema.get("type", [])
    return kind if isinstance(kind, list) else [kind]
