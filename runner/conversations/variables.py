"""The variables of a case: `${name}` in its texts, filled in when they are used and never parsed again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = TypeVar("P", bound=BaseModel)

_VALUES = frozenset({"args", "result", "json_value", "when", "returns"})
"""The keys whose values are any JSON; what stands at the others is text."""
_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z][A-Za-z0-9_]*)\}")


def filled_text(text: str, variables: Mapping[str, Any]) -> str:
    """A text with its variables: texts as they are, all else as JSON; `$$` is a dollar sign."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        known = variables.get(found[1], found[0])
        return known if isinstance(known, str) else json.dumps(known, ensure_ascii=False)

    return _REFERENCE.sub(value, text) if "$" in text else text


def saved_value(pattern: str, reply: str) -> str | None:
    """What a turn saves of its reply: the first group of the pattern, or all of it; None where it is not there."""
    found = re.search(pattern, reply)
    return None if found is None else (found[1] if found.re.groups else found[0]) or ""


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """A JSON value with the variables in its texts; a text that is one reference alone becomes the variable's value.

    What holds no variable is returned as it is, not copied.
    """
    if isinstance(value, str):
        alone = _REFERENCE.fullmatch(value)
        if alone is not None and alone[1] in variables:
            return variables[alone[1]]
    return _rebuilt(value, lambda item: filled(item, variables), variables)


def filled_part(part: P, variables: Mapping[str, Any]) -> P:
    """A part of a conversations file with the variables in all its texts; what was left out is still left out."""
    changed = {}
    for name in part.model_fields_set:
        before = getattr(part, name)
        after = filled(before, variables) if name in _VALUES else _filled_texts(before, variables)
        if after is not before:
            changed[name] = after
    return part.model_copy(update=changed) if changed else part


def _filled_texts(value: Any, variables: Mapping[str, Any]) -> Any:
    """The same for what is text and stays text."""
    return _rebuilt(value, lambda item: _filled_texts(item, variables), variables)


def _rebuilt(value: Any, fill: Callable[[Any], Any], variables: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return filled_text(value, variables)
    if isinstance(value, BaseModel):
        return filled_part(value, variables)
    if isinstance(value, dict):
        items = {key: fill(item) for key, item in value.items()}
        return items if any(items[key] is not value[key] for key in items) else value
    if isinstance(value, list):
        listed = [fill(item) for item in value]
        return listed if any(new is not old for new, old in zip(listed, value, strict=True)) else value
    return value
