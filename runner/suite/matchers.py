"""The matchers: mappings of one key that starts with `$`, which stand where a value is compared.

Everything else is a literal, compared deeply. The loader, the schema for editors and the comparison read this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Takes: TypeAlias = Literal[
    "literal",  # a value in which nothing is a matcher
    "literals",  # a list of such
    "value",  # a value or a matcher
    "values",  # a list of such
    "collection",  # a list or a mapping, of values or matchers
    "text",
    "regex",
    "bound",  # a number or a text
    "number",  # or {value, tol}
    "length",  # a whole number or a matcher
    "type",
    "true",
    "schema",
    "judge",
]

TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
"""The names of types that `$type` knows: JSON's."""


@dataclass(frozen=True, slots=True)
class MatcherKind:
    """What one matcher takes, and what it is for."""

    takes: Takes
    description: str


MATCHERS: Mapping[str, MatcherKind] = {
    "$eq": MatcherKind("literal", "This very value; nothing in it is a matcher, and mappings have no other keys."),
    "$ne": MatcherKind("literal", "Any value but this one."),
    "$in": MatcherKind("literals", "One of these values."),
    "$nin": MatcherKind("literals", "None of these values."),
    "$regex": MatcherKind("regex", "A text in which this regular expression is found."),
    "$contains": MatcherKind("value", "A text that contains this one, or a list with such an item."),
    "$icontains": MatcherKind("text", "A text that contains this one, in upper or lower case."),
    "$startswith": MatcherKind("text", "A text that begins with this one."),
    "$approx": MatcherKind("number", "About this number: {value: 18, tol: 0.5}; without tol, to a millionth of it."),
    "$gt": MatcherKind("bound", "More than this number, or a text after this one."),
    "$gte": MatcherKind("bound", "At least this number or text."),
    "$lt": MatcherKind("bound", "Less than this number, or a text before this one."),
    "$lte": MatcherKind("bound", "At most this number or text."),
    "$len": MatcherKind("length", "A text, list or mapping of this length: a number or a matcher."),
    "$type": MatcherKind(
        "type", "A value of this type of JSON's: string, number, integer, boolean, array, object, null."
    ),
    "$any": MatcherKind("true", "`true`: any value; the key is there."),
    "$absent": MatcherKind("true", "`true`: the key is not there."),
    "$all": MatcherKind("values", "All of these values or matchers fit."),
    "$not": MatcherKind("value", "This value or matcher does not fit."),
    "$each": MatcherKind("value", "A list whose every item fits."),
    "$subset": MatcherKind(
        "collection", "A list with at least these items, in any order; or a mapping with these keys."
    ),
    "$exact": MatcherKind("value", "As the value, but mappings in it have no other keys."),
    "$schema": MatcherKind("schema", "A value that this JSON schema accepts."),
    "$judge": MatcherKind("judge", "A value that a model judges by this rubric."),
}


def matcher_of(value: Any) -> tuple[str, Any] | None:
    """The name and operand of a matcher; None for a literal."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, operand),) = value.items()
        if name in MATCHERS:
            return name, operand
    return None
