"""The matchers: each is one that there is, alone in its mapping, and given what it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

from runner.loading.describing import value
from runner.loading.diagnostics import Fix
from runner.loading.nodes import Mapping, Scalar, Sequence, data_of
from runner.loading.structure import checked
from runner.loading.suite_checks.regexes import regex_problem
from runner.loading.suite_vocabulary import CONVERSATIONS
from runner.loading.words import certain, listed, nearest, normal, quoted
from runner.suite import JudgePart
from runner.suite.matchers import MATCHERS, TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located
    from runner.loading.nodes import Node
    from runner.loading.suite_checks.subject import Suite

_OTHER_NAMES = {
    **dict.fromkeys(("matches", "match", "pattern", "regexp", "re", "like"), "$regex"),
    **dict.fromkeys(("equals", "equal", "is"), "$eq"),
    **dict.fromkeys(("not_equal", "neq", "not_eq"), "$ne"),
    **dict.fromkeys(("one_of", "oneof", "any_of", "anyof", "enum", "or"), "$in"),
    **dict.fromkeys(("not_in", "notin", "none_of"), "$nin"),
    **dict.fromkeys(("includes", "include", "has", "contain"), "$contains"),
    **dict.fromkeys(("starts_with", "prefix", "begins_with"), "$startswith"),
    **dict.fromkeys(("near", "close", "about", "close_to", "almost"), "$approx"),
    **dict.fromkeys(("min", "ge", "at_least"), "$gte"),
    **dict.fromkeys(("max", "le", "at_most"), "$lte"),
    **dict.fromkeys(("length", "size", "count"), "$len"),
    **dict.fromkeys(("is_type", "typeof", "instanceof"), "$type"),
    **dict.fromkeys(("exists", "present", "anything", "defined"), "$any"),
    **dict.fromkeys(("missing", "not_exists", "undefined"), "$absent"),
    **dict.fromkeys(("and", "all_of", "allof", "every"), "$all"),
    **dict.fromkeys(("elem_match", "items", "elemmatch", "every_item"), "$each"),
    **dict.fromkeys(("superset", "partial"), "$subset"),
    **dict.fromkeys(("strict", "only", "exactly"), "$exact"),
    **dict.fromkeys(("json_schema", "jsonschema"), "$schema"),
    **dict.fromkeys(("rubric", "llm_rubric", "llm"), "$judge"),
}
_OTHER_TYPES = {
    **dict.fromkeys(("str", "text"), "string"),
    **dict.fromkeys(("int", "whole"), "integer"),
    **dict.fromkeys(("float", "double", "numeric"), "number"),
    "bool": "boolean",
    **dict.fromkeys(("list", "tuple", "sequence"), "array"),
    **dict.fromkeys(("dict", "map", "mapping"), "object"),
    **dict.fromkeys(("none", "nil", "nonetype"), "null"),
}
_APPROX_KEYS = ("value", "tol")
_JUDGE = replace(CONVERSATIONS, thing="$judge")


def check_matchers(suite: Suite) -> Iterator[Diagnostic]:
    """All matchers in expected arguments, results and replies, and in `when` of stubs."""
    checks = _Matchers(suite)
    for place in _values(suite):
        yield from checks.problems(place)


def _values(suite: Suite) -> Iterator[Located]:
    """What may hold matchers."""
    for expectation in suite.expectations:
        for call in expectation.calls:
            yield from suite.below(call, "args")
            yield from suite.below(call, "result")
        yield from expectation.below("reply", "+", "json")
    for stubs in suite.stubs:
        yield from suite.below(stubs, "+", "when")


class _Matchers:
    """The matchers in one value and below it."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._below: dict[str, Callable[[Located], Iterator[Diagnostic]]] = {
            "value": self.problems,
            "values": self._list_of_values,
            "literals": self._list,
            "collection": self._collection,
            "text": self._text,
            "regex": self._regex,
            "bound": self._bound,
            "number": self._number,
            "length": self._length,
            "type": self._type,
            "true": self._true,
            "schema": self._schema,
            "judge": self._judge,
        }

    def problems(self, place: Located) -> Iterator[Diagnostic]:
        node = place.node
        names = [key for key in node.entries if key.startswith("$")] if isinstance(node, Mapping) else []
        if not names:
            for inner in self._suite.below(place, "*"):
                yield from self.problems(inner)
            return
        known = [name for name in names if name in MATCHERS]
        for name in names:
            if name not in MATCHERS:
                yield self._unknown(self._at(place, name), name)
        if known and isinstance(node, Mapping) and len(node.entries) > 1:
            yield self._not_alone(place, node, known[0])
        for name in known:
            inner = self._at(place, name)
            if not _waits_for_variables(inner.node):
                yield from self._below.get(MATCHERS[name].takes, self._nothing)(inner)

    def _at(self, place: Located, key: str) -> Located:
        found = self._suite.subject.at(*place.path, key)
        assert found is not None  # noqa: S101  # the key was found there
        return found

    def _unknown(self, place: Located, name: str) -> Diagnostic:
        near = _meant(name)
        sure = certain(name, MATCHERS) or near if near else None
        present = place.parent.entries if isinstance(place.parent, Mapping) else {}
        fix = Fix(place.key_span, sure) if sure and sure not in present and certain(name, MATCHERS) else None
        return self._suite.subject.say(
            "E184",
            f"there is no matcher {quoted(name)}",
            place,
            span=place.key_span,
            hint=f"did you mean {quoted(near)}?" if near else None,
            nearest=near,
            notes=() if near else (f"matchers: {' '.join(MATCHERS)}", "under $eq a key may begin with $"),
            fix=fix,
        )

    def _not_alone(self, place: Located, node: Mapping, name: str) -> Diagnostic:
        others = [key for key in node.entries if key != name]
        matchers = [key for key in others if key in MATCHERS]
        hint = (
            "to have all of them hold write $all: [{...}, {...}]"
            if matchers
            else f"write it as a value: {others[0]}: ..."
        )
        found = self._at(place, others[0])
        message = f"{name} stands alone in its mapping, and {quoted(others[0])} is beside it"
        if not matchers:
            hint = f"give {others[0]} a place of its own, outside of the matcher"
        return self._suite.subject.say("E184", message, found, span=found.key_span, hint=hint)

    def _say(self, place: Located, wanted: str, hint: str | None = None, nearest: str | None = None) -> Diagnostic:
        message = f"{place.path[-1]} takes {wanted}, not {value(place.node)}"
        return self._suite.subject.say("E184", message, place, hint=hint, nearest=nearest, expected=wanted)

    def _nothing(self, place: Located) -> Iterator[Diagnostic]:
        del place
        return iter(())

    def _list(self, place: Located) -> Iterator[Diagnostic]:
        node = place.node
        if not isinstance(node, Sequence):
            yield self._say(place, "a list", f"write [{node.shown}]" if _is_short(node) else None)
        elif not node.items:
            yield self._suite.subject.say("E184", f"{place.path[-1]} has an empty list", place)

    def _list_of_values(self, place: Located) -> Iterator[Diagnostic]:
        yield from self._list(place)
        if isinstance(place.node, Sequence):
            yield from self._items(place)

    def _items(self, place: Located) -> Iterator[Diagnostic]:
        for inner in self._suite.below(place, "*"):
            yield from self.problems(inner)

    def _collection(self, place: Located) -> Iterator[Diagnostic]:
        if isinstance(place.node, Scalar):
            yield self._say(place, "a list or a mapping")
        elif isinstance(place.node, Sequence):
            yield from self._items(place)
        else:
            yield from self.problems(place)

    def _text(self, place: Located) -> Iterator[Diagnostic]:
        node = place.node
        if not (isinstance(node, Scalar) and isinstance(node.value, str)):
            yield self._say(place, "text", f'put it in quotes: "{node.shown}"' if _is_short(node) else None)

    def _regex(self, place: Located) -> Iterator[Diagnostic]:
        if not (isinstance(place.node, Scalar) and isinstance(place.node.value, str)):
            yield from self._text(place)
        elif problem := regex_problem(self._suite.subject, place, place.node):
            yield problem

    def _bound(self, place: Located) -> Iterator[Diagnostic]:
        data = data_of(place.node)
        if isinstance(data, bool) or not isinstance(data, (str, int, float)):
            yield self._say(place, "a number or a text")

    def _number(self, place: Located) -> Iterator[Diagnostic]:
        node = place.node
        if not isinstance(node, Mapping):
            if not _is_number(node):
                yield self._say(place, "a number, or {value: 18, tol: 0.5}", _unquoted(node))
            return
        for key, entry in node.entries.items():
            inner = self._at(place, key)
            if key not in _APPROX_KEYS:
                yield self._unknown_key(place, key)
            elif not _is_number(entry.value) and not _waits_for_variables(entry.value):
                yield self._suite.subject.say(
                    "E184", f"{key} of $approx is a number", inner, hint=_unquoted(entry.value)
                )
            elif key == "tol" and _is_number(entry.value) and _number_of(entry.value) < 0:
                yield self._suite.subject.say("E184", "tol of $approx is at least 0", inner)
        if "value" not in node.entries:
            message = "$approx lacks its value"
            yield self._suite.subject.say(
                "E184", message, place, span=place.key_span, hint="write {value: 18, tol: 0.5}"
            )

    def _length(self, place: Located) -> Iterator[Diagnostic]:
        data = data_of(place.node)
        if isinstance(place.node, Mapping):
            if not any(key.startswith("$") for key in place.node.entries):
                yield self._say(place, "a whole number or a matcher", "such as {$gte: 2}")
            yield from self.problems(place)
        elif isinstance(data, bool) or not isinstance(data, (int, float)) or data < 0 or data != int(data):
            yield self._say(place, "a whole number or a matcher", _unquoted(place.node))

    def _type(self, place: Located) -> Iterator[Diagnostic]:
        node = place.node
        if isinstance(node, Scalar) and node.value in TYPES:
            return
        text = ("null" if node.value is None else node.shown) if isinstance(node, Scalar) else ""
        near = certain(text, TYPES) or _OTHER_TYPES.get(normal(text)) or nearest(text, TYPES)
        hint = 'put it in quotes: "null"' if text == "null" else f"did you mean {quoted(near)}?" if near else None
        yield self._say(place, listed(TYPES), hint, near)

    def _true(self, place: Located) -> Iterator[Diagnostic]:
        if not (isinstance(place.node, Scalar) and place.node.value is True):
            hint = "for one of several values write $in" if isinstance(place.node, Sequence) else "write true"
            yield self._say(place, "true", hint)

    def _schema(self, place: Located) -> Iterator[Diagnostic]:
        from runner.tools.conformance import schema_problem

        if not isinstance(place.node, Mapping):
            yield self._say(place, "a JSON schema, which is a mapping")
        elif problem := schema_problem(data_of(place.node)):
            yield self._suite.subject.say("E184", f"$schema is no JSON schema: {problem}", place, span=place.key_span)

    def _judge(self, place: Located) -> Iterator[Diagnostic]:
        node = place.node
        if not isinstance(node, Mapping):
            yield from self._text(place)
            return
        problems: list[Diagnostic] = []
        checked(node, JudgePart, _JUDGE, problems)
        yield from problems

    def _unknown_key(self, place: Located, key: str) -> Diagnostic:
        near = nearest(key, _APPROX_KEYS) or ("tol" if normal(key) in _TOLERANCES else None)
        hint = f"did you mean {quoted(near)}?" if near else None
        message = f"unknown key {quoted(key)} in $approx: it has value and tol"
        inner = self._at(place, key)
        return self._suite.subject.say("E184", message, inner, span=inner.key_span, hint=hint, nearest=near)


_TOLERANCES = {"tolerance", "delta", "eps", "epsilon", "within", "abs", "rel", "error"}


def _meant(name: str) -> str | None:
    return certain(name, MATCHERS) or _OTHER_NAMES.get(normal(name.lstrip("$"))) or nearest(name, MATCHERS)


def _is_short(node: Node) -> TypeGuard[Scalar]:
    return isinstance(node, Scalar) and node.plain and len(node.shown) < 40


def _waits_for_variables(node: Node) -> bool:
    return isinstance(node, Scalar) and (node.is_unknown or "${" in node.text)


def _is_number(node: Node) -> bool:
    return isinstance(node, Scalar) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool)


def _number_of(node: Node) -> Any:
    return data_of(node)


def _unquoted(node: Node) -> str | None:
    is_number = isinstance(node, Scalar) and not node.plain and node.text.replace(".", "", 1).lstrip("-").isdigit()
    return "remove the quotes" if is_number else None
