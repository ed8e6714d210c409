"""Matchers: whether a value is what was expected, and where it is not.

A mapping of one key that starts with `$` is a matcher; everything else is compared deeply. Mappings fit when they hold
what is expected, and may hold more; lists fit element by element. 1 equals 1.0, and true is no number.
"""

from __future__ import annotations

import json
import math
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.suite.matchers import matcher_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.conversations.rubrics import Rubrics

Compare: TypeAlias = "Callable[[Any, Any, Matching, str], list[Mismatch]]"

ABSENT = object()
"""The value of a key that is not there."""
_LONGEST = 200
_TAKE_NOTHING = frozenset({"$absent", "$not", "$all", "$nin", "$ne"})
"""The matchers that may fit where there is no value."""
_TYPED: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: _is_number(value),  # noqa: PLW0108  # defined below
    "integer": lambda value: _is_number(value) and value == int(value),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


class MatcherError(ValueError):
    """A matcher that cannot be compared by, with the variables of the case filled in."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where a value is not what was expected; the path is as `args.city`, `stops[0]`."""

    path: str
    expected: str
    actual: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{where}expected {self.expected}, got {self.actual}"


@dataclass(frozen=True, slots=True)
class Matching:
    """How values are compared: who judges rubrics, and whether mappings may hold more than is expected."""

    rubrics: Rubrics
    closed: bool = False

    def mismatches(self, expected: Any, actual: Any, path: str = "") -> list[Mismatch]:
        """Every place where `actual` is not as expected; an empty list where it is."""
        matcher = matcher_of(expected)
        if matcher is not None and (actual is not ABSENT or matcher[0] in _TAKE_NOTHING):
            return _COMPARED[matcher[0]](matcher[1], actual, self, path)
        if actual is ABSENT:
            return [Mismatch(path, described(expected), described(ABSENT))]
        if isinstance(expected, dict) and isinstance(actual, dict):
            return self._of_mapping(expected, actual, path)
        if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
            pairs = enumerate(zip(expected, actual, strict=True))
            return [each for index, (one, other) in pairs for each in self.mismatches(one, other, f"{path}[{index}]")]
        return [] if equal(expected, actual) else [Mismatch(path, described(expected), described(actual))]

    def fits(self, expected: Any, actual: Any) -> bool:
        """Whether `actual` is as expected."""
        return not self.mismatches(expected, actual)

    def _of_mapping(self, expected: dict[str, Any], actual: dict[str, Any], path: str) -> list[Mismatch]:
        found = [
            each
            for key, value in expected.items()
            for each in self.mismatches(value, actual.get(key, ABSENT), _inside(path, key))
        ]
        if self.closed:
            extra = [key for key in actual if key not in expected]
            found += [Mismatch(_inside(path, key), described(ABSENT), described(actual[key])) for key in extra]
        return found


def equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, exactly; true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def described(value: Any) -> str:
    """An expected or actual value in words: JSON, or what a matcher says."""
    if value is ABSENT:
        return "nothing"
    if matcher := matcher_of(value):
        name, inner = matcher
        listed = ", ".join(map(described, inner)) if isinstance(inner, list) else described(inner)
        return _WORDS[name].replace("{}", listed)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _inside(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _told(name: str, holds: bool, inner: Any, actual: Any, path: str) -> list[Mismatch]:
    return [] if holds else [Mismatch(path, described({name: inner}), described(actual))]


def _simple(name: str, holds: Callable[[Any, Any], bool]) -> Compare:
    """A matcher that only looks at the value as it is."""
    return lambda inner, actual, _, path: _told(name, holds(inner, actual), inner, actual, path)


def _text(name: str, holds: Callable[[str, str], bool]) -> Compare:
    """A matcher of texts, given as a text."""

    def compare(inner: Any, actual: Any, _: Matching, path: str) -> list[Mismatch]:
        return _told(name, isinstance(actual, str) and holds(str(inner), actual), inner, actual, path)

    return compare


def _ordered(name: str, holds: Callable[[Any, Any], bool]) -> Compare:
    """A comparison of two numbers, or of two texts such as ISO dates."""

    def compare(inner: Any, actual: Any, _: Matching, path: str) -> list[Mismatch]:
        comparable = (_is_number(inner) and _is_number(actual)) or (isinstance(inner, str) and isinstance(actual, str))
        return _told(name, comparable and bool(holds(actual, inner)), inner, actual, path)

    return compare


def _found(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error as error:
        raise MatcherError(f"{pattern!r} is no regular expression: {error}") from None


def _contains(inner: Any, actual: Any, matching: Matching, path: str) -> list[Mismatch]:
    if isinstance(actual, list):
        return _told("$contains", any(matching.fits(inner, each) for each in actual), inner, actual, path)
    return _told("$contains", isinstance(actual, str) and str(inner) in actual, inner, actual, path)


def _approx(inner: Any, actual: Any, _: Matching, path: str) -> list[Mismatch]:
    given = inner if isinstance(inner, dict) else {"value": inner}
    value: Any = given["value"]
    tolerance: Any = given.get("tol", abs(value) * 1e-6)
    holds = _is_number(actual) and math.isclose(actual, value, rel_tol=1e-9, abs_tol=tolerance)
    return [] if holds else [Mismatch(path, f"{value} ± {tolerance:g}", described(actual))]


def _length(inner: Any, actual: Any, matching: Matching, path: str) -> list[Mismatch]:
    if not isinstance(actual, (str, list, dict)):
        return _told("$len", False, inner, actual, path)
    found = matching.mismatches(inner, len(actual))
    return [Mismatch(path, f"a length of {each.expected}", f"{each.actual}: {described(actual)}") for each in found]


def _all(inner: Any, actual: Any, matching: Matching, path: str) -> list[Mismatch]:
    return [each for one in inner for each in matching.mismatches(one, actual, path)]


def _not(inner: Any, actual: Any, matching: Matching, path: str) -> list[Mismatch]:
    return _told("$not", not matching.fits(inner, actual), inner, actual, path)


def _each(inner: Any, actual: Any, matching: Matching, path: str) -> list[Mismatch]:
    if not isinstance(actual, list):
        return [Mismatch(path, "a list", described(actual))]
    return [
        found for index, each in enumerate(actual) for found in matching.mismatches(inner, each, f"{path}[{index}]")
    ]


def _subset(inner: Any, actual: Any, matching: Matching, path: str) -> list[Mismatch]:
    from runner.conversations.pairing import paired

    if isinstance(inner, dict):
        return Matching(matching.rubrics).mismatches(inner, actual, path)
    wanted = inner if isinstance(inner, list) else [inner]
    if not isinstance(actual, list):
        return [Mismatch(path, "a list", described(actual))]
    partners = paired([[matching.fits(one, each) for each in actual] for one in wanted])
    missing = [wanted[index] for index, partner in enumerate(partners) if partner is None]
    return [Mismatch(path, f"a list with {described(each)}", described(actual)) for each in missing]


def _exact(inner: Any, actual: Any, matching: Matching, path: str) -> list[Mismatch]:
    return Matching(matching.rubrics, closed=True).mismatches(inner, actual, path)


def _schema(inner: Any, actual: Any, _: Matching, path: str) -> list[Mismatch]:
    from runner.tools.conformance import problems_of

    try:
        problems = problems_of(actual, inner)
    except ValueError as error:
        raise MatcherError(f"$schema is no JSON schema: {error}") from None
    return [Mismatch(path, f"what the schema says ({problem})", described(actual)) for problem in problems]


def _judge(inner: Any, actual: Any, matching: Matching, path: str) -> list[Mismatch]:
    verdict = matching.rubrics.verdict(inner, actual)
    if verdict is None or verdict.passed:
        return []
    return [Mismatch(path, described({"$judge": inner}), f"{described(actual)} ({verdict.reason})")]


_COMPARED: dict[str, Compare] = {
    "$eq": _simple("$eq", equal),
    "$ne": _simple("$ne", lambda inner, actual: not equal(inner, actual)),
    "$in": _simple("$in", lambda inner, actual: any(equal(each, actual) for each in inner)),
    "$nin": _simple("$nin", lambda inner, actual: not any(equal(each, actual) for each in inner)),
    "$regex": _text("$regex", _found),
    "$contains": _contains,
    "$icontains": _text("$icontains", lambda inner, actual: inner.casefold() in actual.casefold()),
    "$startswith": _text("$startswith", lambda inner, actual: actual.startswith(inner)),
    "$approx": _approx,
    "$gt": _ordered("$gt", operator.gt),
    "$gte": _ordered("$gte", operator.ge),
    "$lt": _ordered("$lt", operator.lt),
    "$lte": _ordered("$lte", operator.le),
    "$len": _length,
    "$type": _simple("$type", lambda inner, actual: _TYPED[inner](actual)),
    "$any": _simple("$any", lambda _inner, _actual: True),
    "$absent": _simple("$absent", lambda _inner, actual: actual is ABSENT),
    "$all": _all,
    "$not": _not,
    "$each": _each,
    "$subset": _subset,
    "$exact": _exact,
    "$schema": _schema,
    "$judge": _judge,
}

_WORDS = {
    "$any": "any value",
    "$absent": "nothing",
    "$approx": "about {}",
    "$eq": "{}",
    "$ne": "anything but {}",
    "$in": "one of {}",
    "$nin": "none of {}",
    "$regex": "a text matching {}",
    "$contains": "something that contains {}",
    "$icontains": "a text that contains {} (in any case)",
    "$startswith": "a text that begins with {}",
    "$gt": "more than {}",
    "$gte": "at least {}",
    "$lt": "less than {}",
    "$lte": "at most {}",
    "$len": "a length of {}",
    "$type": "a value of type {}",
    "$all": "all of {}",
    "$not": "not {}",
    "$each": "a list of {}",
    "$subset": "a list with {}",
    "$exact": "exactly {}",
    "$schema": "what the schema {} says",
    "$judge": "what the judge was asked: {}",
}
