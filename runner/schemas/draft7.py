"""From the JSON schema pydantic writes to one that editors like: draft-07, without references, titles and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.messages import Json

DRAFT = "http://json-schema.org/draft-07/schema#"

_SCHEMAS_BY_NAME = {"properties", "patternProperties"}
_LISTS_OF_SCHEMAS = {"anyOf", "oneOf", "allOf", "prefixItems"}
_SCHEMAS = {"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"}
_NOISE = {"title", "discriminator", "$defs", "definitions", "deprecated", "format", "default"}
_PYTHON_NAMES = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_MARKED = {"description": "markdownDescription", "enumDescriptions": "markdownEnumDescriptions"}
_FOR_OTHERS = {"x-intellij-enum-metadata", "defaultSnippets"}  # not schemas
_NULL = {"type": "null"}


def draft7(schema: Json, *, nullable: bool = True) -> Json:
    """`schema` as draft-07: references inlined, and no `title`, `discriminator`, `format` or `default`.

    Draft-07 ignores what stands beside a `$ref`, so a description there would be lost. Where a schema refers to itself,
    anything is accepted. Without `nullable`, null is not among the choices.
    """
    known = schema.get("$defs") or schema.get("definitions") or {}
    tidy: Json = _Tidying(known, nullable).tidy(schema, ())
    return tidy


def choices(texts: Mapping[str, str]) -> Json:
    """The schema of a value that is one of these, with a text on each.

    An enum with the extra keys that editors read: a hover then shows the key's own description and all choices with
    their texts, where one of a `oneOf` of constants would show the chosen one's text alone.
    """
    return {
        "enum": list(texts),
        "enumDescriptions": list(texts.values()),
        "x-intellij-enum-metadata": {value: {"description": text} for value, text in texts.items()},
    }


def with_markdown(schema: Any) -> Any:
    """A schema whose descriptions with `code` in them are told as Markdown, too: some editors escape a plain one."""
    if isinstance(schema, list):
        return [with_markdown(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: value if key in _FOR_OTHERS else with_markdown(value) for key, value in schema.items()}
    for plain, marked in _MARKED.items():
        text = schema.get(plain)
        if isinstance(text, str if plain == "description" else list) and "`" in str(text):
            told[marked] = text
    return told


@dataclass(frozen=True, slots=True)
class _Tidying:
    known: Mapping[str, Any]  # the definitions that a $ref may name
    nullable: bool

    def tidy(self, schema: Any, inside: tuple[str, ...]) -> Any:
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return self._resolved(schema, inside)
        tidy: Json = {
            _PYTHON_NAMES.get(str(key), str(key)): self._part(key, value, inside)
            for key, value in schema.items()
            if key not in _NOISE
        }
        if "prefixItems" in tidy:
            tidy["items"] = tidy.pop("prefixItems")
        if "patternProperties" in tidy:
            tidy.setdefault("additionalProperties", False)
        return self._with_fewer_arms(tidy)

    def _resolved(self, schema: Json, inside: tuple[str, ...]) -> Any:
        name = str(schema["$ref"]).rpartition("/")[2]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        found = {} if name in inside else self.known.get(name, {})
        return self.tidy({**found, **beside}, (*inside, name))

    def _part(self, key: str, value: Any, inside: tuple[str, ...]) -> Any:
        if key in _SCHEMAS_BY_NAME:
            return {name: self.tidy(each, inside) for name, each in value.items()}
        if key in _LISTS_OF_SCHEMAS:
            return [self.tidy(each, inside) for each in value]
        return self.tidy(value, inside) if key in _SCHEMAS else value

    def _with_fewer_arms(self, schema: Json) -> Json:
        """A choice between something and null as the former, or as one type that may be null."""
        arms: list[Json] = schema.get("anyOf", [])
        others = [arm for arm in arms if arm != _NULL]
        if len(others) == len(arms):
            return schema
        beside = {key: value for key, value in schema.items() if key != "anyOf"}
        if len(others) == 1 and not self.nullable:
            return {**others[0], **beside}
        if len(others) == 1 and isinstance(others[0].get("type"), str) and not others[0].keys() & {"enum", "const"}:
            return {**others[0], **beside, "type": [others[0]["type"], "null"]}
        return {**beside, "anyOf": [*others, _NULL] if self.nullable else others}
