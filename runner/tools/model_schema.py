"""The JSON schema of a pydantic model as Gemini likes it: no titles, no references where none is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.tools.schema import mapped

if TYPE_CHECKING:
    from pydantic import BaseModel, TypeAdapter
    from pydantic.json_schema import GenerateJsonSchema

    from runner.messages import Json

_NOISE = ("title", "discriminator")
_PREFIX = "#/$defs/"


def arguments_schema(model: type[BaseModel]) -> Json:
    """The schema of `model`'s input, with definitions inlined but for recursive ones."""
    whole = _inlined(model.model_json_schema(schema_generator=_quiet()))
    whole.pop("description", None)
    return whole


def type_schema(adapter: TypeAdapter[Any]) -> Json:
    """The schema of what a type is validated from, with definitions inlined but for recursive ones."""
    return _inlined(adapter.json_schema(schema_generator=_quiet()))


def _quiet() -> type[GenerateJsonSchema]:
    from pydantic.json_schema import GenerateJsonSchema

    class Quiet(GenerateJsonSchema):
        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012  # pydantic's own form

    return Quiet


def _inlined(schema: Json) -> Json:
    definitions = schema.pop("$defs", {})
    inlining = _Inlining(definitions)
    whole: Json = mapped(inlining.inlined(schema, ()), _tidied)
    kept = {name: mapped(inlining.inlined(definitions[name], (name,)), _tidied) for name in inlining.wanted()}
    return {**whole, "$defs": kept} if kept else whole


def _tidied(schema: Json) -> Json:
    for key in _NOISE:
        schema.pop(key, None)
    if schema.get("default", ...) is None:
        del schema["default"]
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    return {"$ref": schema["$ref"]} if "$ref" in schema else schema  # Gemini allows nothing beside a $ref


class _Inlining:
    """Replaces references by what they point at; those that lead back to themselves stay, and are wanted."""

    def __init__(self, definitions: Json) -> None:
        self._definitions = definitions
        self._recursive = {name for name in definitions if name in self._reached(name)}

    def _reached(self, name: str) -> set[str]:
        found: set[str] = set()
        waiting = [self._definitions[name]]
        while waiting:
            for target in _references(waiting.pop()):
                if target not in found:
                    found.add(target)
                    waiting.append(self._definitions[target])
        return found

    def wanted(self) -> list[str]:
        """The names of the definitions that are still referred to, sorted."""
        return sorted(self._recursive)

    def inlined(self, node: Any, inside: tuple[str, ...]) -> Any:
        """A copy of any part of a schema, references replaced."""
        if isinstance(node, list):
            return [self.inlined(item, inside) for item in node]
        if not isinstance(node, dict):
            return node
        target = _target(node)
        rest = {key: self.inlined(value, inside) for key, value in node.items() if key != "$ref" or target is None}
        if target is None:
            return rest
        if target in self._recursive:
            return {"$ref": node["$ref"], **rest}
        return {**self.inlined(self._definitions[target], (*inside, target)), **rest}


def _target(node: Json) -> str | None:
    pointer = node.get("$ref")
    return pointer.removeprefix(_PREFIX) if isinstance(pointer, str) and pointer.startswith(_PREFIX) else None


def _references(node: Any) -> set[str]:
    if isinstance(node, list):
        return {name for item in node for name in _references(item)}
    if not isinstance(node, dict):
        return set()
    target = _target(node)
    return {name for value in node.values() for name in _references(value)} | ({target} if target else set())
