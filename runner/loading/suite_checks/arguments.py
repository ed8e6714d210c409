"""The arguments of calls: each tool has those that are named, and would be given such values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.loading import hinting
from runner.loading.describing import value
from runner.loading.diagnostics import Fix
from runner.loading.locations import dotted
from runner.loading.nodes import Mapping, Scalar, Sequence, data_of, walked
from runner.loading.suite_checks.subject import text_of
from runner.loading.words import certain, listed, nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.diagnostics import Diagnostic
    from runner.loading.known_tools import KnownTool
    from runner.loading.locations import Located
    from runner.loading.nodes import Node
    from runner.loading.suite_checks.subject import Suite
    from runner.messages import Json
    from runner.tools.conformance import Breach

_SAME = {"$eq", "$exact", "$subset"}  # matchers whose operand is what the value is
_EACH = {"$in", "$all"}  # matchers whose items are
_PLAIN = {"type", "enum", "description", "default", "title"}
_TYPES = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_HINTS = {
    "text": "string_type",
    "a whole number": "int_type",
    "a number": "float_type",
    "true or false": "bool_type",
    "a list": "list_type",
    "a mapping": "dict_type",
}


def check_arguments(suite: Suite) -> Iterator[Diagnostic]:
    """The arguments in expected calls, in `when` of stubs, and in the calls of a scripted model."""
    for tool, place, is_whole in _arguments(suite):
        arguments = _Arguments(suite, tool, is_whole)
        for path, mapping in _mappings(place.node, place.path):
            yield from arguments.problems(path, mapping)
        if is_whole:
            yield from arguments.missing(place)


def _arguments(suite: Suite) -> Iterator[tuple[KnownTool, Located, bool]]:
    """Each mapping of arguments, its tool, and whether it is all that the tool would get."""
    for expectation in suite.expectations:
        for call in expectation.calls:
            yield from _of_call(suite, call, "tool", is_whole=False)
    for stubs in suite.stubs:
        tool = _tool(suite, str(stubs.path[-1]))
        if tool is not None:
            yield from ((tool, place, False) for place in suite.below(stubs, "+", "when"))
    for pattern in (("replies", "*"), ("replies", "*", "calls", "*")):
        for call in suite.places("cases", "*", "turns", "*", *pattern):
            yield from _of_call(suite, call, "call", is_whole=True)


def _of_call(suite: Suite, call: Located, key: str, *, is_whole: bool) -> Iterator[tuple[KnownTool, Located, bool]]:
    name = text_of(call.node.get(key)) if isinstance(call.node, Mapping) else None
    tool = _tool(suite, name) if name is not None else None
    place = next(suite.below(call, "args"), None) or next(suite.below(call, key), None)
    if tool is not None and place is not None and (is_whole or place.path[-1] == "args"):
        yield tool, place, is_whole


def _tool(suite: Suite, name: str) -> KnownTool | None:
    """A tool whose parameters are known."""
    tool = suite.agent.tools.get(name) if suite.agent is not None else None
    return tool if tool is not None and "properties" in tool.parameters else None


def _mappings(node: Node, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Mapping]]:
    """The mappings of arguments in a value that is one, or a matcher of one."""
    if not isinstance(node, Mapping):
        return
    if not any(key.startswith("$") for key in node.entries):
        yield path, node
    for inner_path, inner in _operands(node, path):
        yield from _mappings(inner, inner_path)


def _operands(node: Mapping, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    for key, entry in node.entries.items():
        if key in _SAME:
            yield (*path, key), entry.value
        elif key in _EACH and isinstance(entry.value, Sequence):
            yield from (((*path, key, index), item) for index, item in enumerate(entry.value.items))


def _literals(node: Node, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    """The literals in a value that the argument would be; none of those that are not known before the run."""
    if isinstance(node, Mapping) and any(key.startswith("$") for key in node.entries):
        for inner_path, inner in _operands(node, path):
            yield from _literals(inner, inner_path)
    elif all(map(_is_known, (inner for _, inner in walked(node)))):
        yield path, node


def _is_known(node: Node) -> bool:
    if isinstance(node, Scalar):
        return not (node.is_unknown or node.variables or "${" in node.text or "$$" in node.text)
    return not (isinstance(node, Mapping) and any(key.startswith("$") for key in node.entries))


def _shown(choice: Any) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


def _is_plainly_right(data: object, schema: Json) -> bool:
    """Whether a value fits a schema that is simple enough to tell without a validator."""
    if schema.keys() - _PLAIN:
        return False
    if "enum" in schema:
        return any(data == choice and type(data) is type(choice) for choice in schema["enum"])
    kind = schema.get("type")
    return kind is None or (isinstance(kind, str) and type(data) in _TYPES.get(kind, ()))


class _Arguments:
    """The arguments of one call of a tool; `is_whole` says whether they are all that it would get."""

    def __init__(self, suite: Suite, tool: KnownTool, is_whole: bool) -> None:
        self._suite, self._tool, self._is_whole = suite, tool, is_whole
        self._known: dict[str, Any] = tool.parameters["properties"]

    def problems(self, path: tuple[str | int, ...], arguments: Mapping) -> Iterator[Diagnostic]:
        for name, entry in arguments.entries.items():
            if name in self._known:
                literals = [((*path, name), entry.value)] if self._is_whole else _literals(entry.value, (*path, name))
                for literal_path, literal in literals:
                    yield from self._value(name, literal_path, literal)
            elif not self._tool.parameters.get("additionalProperties", False):
                yield self._unknown((*path, name), name)

    def missing(self, place: Located) -> Iterator[Diagnostic]:
        """Arguments that are required; `place` is that of the arguments, or of the tool's name where there are none."""
        given = place.node.entries if isinstance(place.node, Mapping) else {}
        names = [name for name in self._tool.parameters.get("required", ()) if name not in given]
        if names:
            message = f"{self._tool.name} is called without {listed([quoted(name) for name in names], 'and')}"
            yield self._suite.subject.say("E183", message, place, hint=f"add {names[0]}:")

    def _unknown(self, path: tuple[str | int, ...], name: str) -> Diagnostic:
        place = self._suite.subject.at(*path)
        assert place is not None  # noqa: S101  # it was found there
        known = list(self._known)
        sure = certain(name, known)
        near = sure or nearest(name, known)
        present = place.parent.entries if isinstance(place.parent, Mapping) else {}
        return self._suite.subject.say(
            "E182",
            f"{self._tool.name} has no argument {quoted(name)}",
            place,
            span=place.key_span,
            hint=f"did you mean {quoted(near)}?" if near else None,
            nearest=near,
            notes=(f"its arguments: {', '.join(known)}" if known else "it has none",),
            fix=Fix(place.key_span, sure) if sure and sure not in present else None,
        )

    def _value(self, name: str, path: tuple[str | int, ...], node: Node) -> Iterator[Diagnostic]:
        if not all(map(_is_known, (inner for _, inner in walked(node)))):
            return
        if _is_plainly_right(data_of(node), self._known[name]):
            return
        from runner.tools.conformance import breaches_of

        schema = {**self._tool.parameters, "properties": {name: self._known[name]}, "required": []}
        try:
            breaches = breaches_of({name: data_of(node)}, schema)
        except ValueError:  # the tool's own schema is none, which is told when it is loaded
            return
        for breach in breaches:
            if self._is_whole or not breach.is_missing:
                yield self._refused((*path, *breach.path[1:]), breach)

    def _refused(self, path: tuple[str | int, ...], breach: Breach) -> Diagnostic:
        subject = self._suite.subject
        place = subject.at(*path) or subject.at(*path[:-1])
        assert place is not None  # noqa: S101  # a breach is about a part of the value, or a key it lacks
        name = dotted(breach.path)
        said = f"{name} of {self._tool.name}"
        if breach.is_missing:
            return subject.say("E183", f"{said} is missing", place, span=place.key_span)
        if breach.is_unknown:
            return subject.say("E183", f"{self._tool.name} has no {name}", place, span=place.key_span)
        if breach.wanted is None:
            return subject.say("E183", f"{said}: {breach.message}", place)
        near = self._near(place.node, breach)
        hint = f"did you mean {quoted(near)}?" if near else hinting.for_type(_HINTS.get(breach.wanted, ""), place.node)
        if isinstance(place.node, Scalar) and place.node.value is None:
            hint = "leave it out, or write a value"
        wanted = listed([_shown(choice) for choice in breach.choices]) if breach.choices else breach.wanted
        message = f"{said} must be {wanted}, not {value(place.node)}"
        return subject.say("E183", message, place, hint=hint, nearest=near, expected=wanted)

    @staticmethod
    def _near(node: Node, breach: Breach) -> str | None:
        choices = [choice for choice in breach.choices if isinstance(choice, str)]
        return nearest(node.text, choices) if isinstance(node, Scalar) and choices else None
