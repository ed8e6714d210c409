"""A tool's declaration as the slots that a message can fill, and whether a value fits its schema."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.models.offline.lexicon import GENERIC_NOUNS, word_set
from runner.models.offline.words import name_words, readable, stem, stems
from runner.tools.schema import from_openapi, resolved

if TYPE_CHECKING:
    from runner.messages import Json

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in the arguments: `("to",)`, `("place", "city")`, `("rows", 0, "name")`."""

_TYPES = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
}
_FORMATS = {
    "date": "date",
    "date-time": "datetime",
    "time": "time",
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "url": "url",
}
_NAMED_KINDS = [
    ("email", {"email", "mail"}),
    ("url", {"url", "uri", "link", "website", "webpage"}),
    ("datetime", {"datetime", "timestamp"}),
    ("date", {"date", "day", "deadline", "birthday"}),
    ("time", {"time"}),
]
_PLACES = word_set(
    "city place location town country address where destination origin airport region station village state area venue"
)
_CONTENTS = word_set(
    "text body message content query note title subject description question prompt task reminder what comment reason"
    " keyword keywords summary sentence phrase details words search caption todo about"
)
_ROLES = [
    ("unit", {"unit", "units"}),
    ("currency", {"currency", "currencies"}),
    ("language", {"language", "lang", "languages"}),
    ("expression", {"expression", "formula", "equation", "calculation", "expr"}),
    ("place", _PLACES),
    ("content", _CONTENTS),
]
_FROM = {"from", "source", "src", "origin", "start", "since", "departure", "begin", "after", "min", "base"}
_TO = {"to", "target", "tgt", "dest", "destination", "into", "end", "until", "arrival", "before", "max"}
_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Slot:
    """One value that a call needs or takes.

    `role` says what a text is about: place, unit, content, thing, ...; `many` that the value is a list of such.
    """

    path: Path
    schema: Json
    kind: str
    role: str
    required: bool
    many: bool = False
    words: frozenset[str] = frozenset()
    hints: frozenset[str] = frozenset()
    direction: str = ""

    @property
    def label(self) -> str:
        """The argument's name as people say it."""
        return " ".join(readable(part) for part in self.path if isinstance(part, str))

    @property
    def choices(self) -> list[Any]:
        """The allowed values, where the schema lists them."""
        if "const" in self.schema:
            return [self.schema["const"]]
        values = self.schema.get("enum")
        return [value for value in values if value is not None] if isinstance(values, list) else []

    @property
    def description(self) -> str:
        """What the schema says about the value."""
        text = self.schema.get("description")
        return text.strip() if isinstance(text, str) else ""


@dataclass(frozen=True)
class OfferedTool:
    """A declared tool: its name, what it says about itself, and its slots."""

    name: str
    description: str
    schema: Json
    slots: tuple[Slot, ...] = field(default=(), compare=False)

    @cached_property
    def title(self) -> str:
        """The name as people say it."""
        return readable(self.name)

    @cached_property
    def evidence(self) -> dict[str, float]:
        """The stems that speak for this tool, and how much each does."""
        weights: dict[str, float] = {}
        for weight, words in (
            (3.0, [stem(word) for word in name_words(self.name)]),
            (1.2, stems(self.description)),
            (0.8, [one for slot in self.slots for one in slot.words]),
            (0.3, [one for slot in self.slots for one in stems(slot.description)]),
        ):
            for one in words:
                if one not in _GENERIC:
                    weights[one] = max(weights.get(one, 0.0), weight)
        return weights

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """All stems of the name and the description."""
        return frozenset([*map(stem, name_words(self.name)), *stems(self.description)])

    def required(self) -> list[Slot]:
        """The slots that must be filled."""
        return [slot for slot in self.slots if slot.required]


_GENERIC = frozenset(stem(word) for word in GENERIC_NOUNS) | {
    "a",
    "an",
    "the",
    "of",
    "in",
    "on",
    "for",
    "to",
    "from",
    "by",
    "with",
    "and",
    "or",
}


def offered(declaration: Any) -> OfferedTool | None:
    """The tool of a function declaration; None for what is none."""
    if not isinstance(declaration, dict) or not isinstance(declaration.get("name"), str) or not declaration["name"]:
        return None
    schema = declaration.get("parametersJsonSchema")
    if not isinstance(schema, dict):
        schema = from_openapi(declaration.get("parameters"))
    schema = schema if isinstance(schema, dict) else {}
    description = declaration.get("description")
    slots = tuple(_slots(schema, schema, (), required=True))
    return OfferedTool(declaration["name"], description if isinstance(description, str) else "", schema, slots)


def _slots(schema: Json, root: Json, path: Path, *, required: bool) -> list[Slot]:
    schema = plain_schema(schema, root)
    properties = schema.get("properties")
    must = schema.get("required")
    must = must if isinstance(must, list) else []
    found: list[Slot] = []
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        if isinstance(name, str):
            found += _slot(inner, root, (*path, name), required=required and name in must)
    return found


def _slot(schema: Any, root: Json, path: Path, *, required: bool) -> list[Slot]:
    plain = plain_schema(schema if isinstance(schema, dict) else {}, root)
    kind, many = _kind(plain, path), False
    if kind == "object":
        return _slots(plain, root, path, required=required) if len(path) < _MAX_DEPTH else []
    if kind == "list":
        items = plain_schema(plain["items"] if isinstance(plain.get("items"), dict) else {}, root)
        if (inner := _kind(items, path)) == "object":
            return _slots(items, root, (*path, 0), required=required) if len(path) < _MAX_DEPTH else []
        kind = "text" if inner == "list" else inner
        plain = {**items, **{key: plain[key] for key in ("description", "examples", "default") if key in plain}}
        many = True
    words, hints = _stems_of(path), frozenset(stems(str(plain.get("description") or "")))
    return [Slot(path, plain, kind, _role(plain, path, kind), required, many, words, hints, _direction(path))]


def plain_schema(schema: Json, root: Json) -> Json:
    """`schema` without references, and of its alternatives the first that is not null."""
    own = schema
    for _ in range(8):
        schema = resolved(schema, root)
        branches = next((schema[key] for key in ("anyOf", "oneOf", "allOf") if isinstance(schema.get(key), list)), None)
        if branches is None or "properties" in schema:
            break
        some = [resolved(branch, root) for branch in branches if isinstance(branch, dict)]
        schema = next((branch for branch in some if branch.get("type") != "null"), {})
    if isinstance(schema.get("type"), list):
        schema = {**schema, "type": next((one for one in schema["type"] if one != "null"), None)}
    told: Json = {key: own[key] for key in ("description", "default", "examples") if key in own}
    return {**schema, **told}


def _kind(schema: Json, path: Path) -> str:
    if isinstance(schema.get("enum"), list) or "const" in schema:
        return "enum"
    named = schema.get("type")
    kind = _TYPES.get(named) if isinstance(named, str) else None
    if kind is None:
        return "object" if isinstance(schema.get("properties"), dict) else "text"
    if kind != "text":
        return kind
    form = schema.get("format")
    if isinstance(form, str) and form in _FORMATS:
        return _FORMATS[form]
    parts = _parts(path)
    return next((kind for kind, names in _NAMED_KINDS if parts and parts[-1] in names), "text")


def _parts(path: Path) -> list[str]:
    return [word for part in path[-1:] if isinstance(part, str) for word in name_words(part)]


def _stems_of(path: Path) -> frozenset[str]:
    return frozenset(
        stem(word) for word in _parts(path) if word not in _FROM | _TO | {"is", "has", "include", "with", "the", "of"}
    )


def _role(schema: Json, path: Path, kind: str) -> str:
    if kind != "text":
        return kind
    parts = _parts(path)
    for role, names in _ROLES:
        if any(part in names for part in parts):
            return role
    described = re.findall(r"[a-z]+", str(schema.get("description") or "").lower())[:6]
    for role, names in _ROLES:
        if any(word in names for word in described):
            return role
    return "thing"


def _direction(path: Path) -> str:
    parts = _parts(path)
    return "from" if any(part in _FROM for part in parts) else "to" if any(part in _TO for part in parts) else ""
