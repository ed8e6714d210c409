"""Values as literals of a conversations file: taken as they are, also where they look like variables or matchers."""

from __future__ import annotations

import re
from typing import Any

_DOLLARS = re.compile(r"\$+(?=\{)|\${2,}")
_REFERENCE = re.compile(r"(?<!\$)(?:\$\$)*\$\{")


def template(value: Any) -> Any:
    """A value whose texts hold no variables: what would be read as `${name}` or `$$` has its dollars doubled."""
    if isinstance(value, str):
        return _DOLLARS.sub(lambda dollars: dollars[0] * 2, value)
    if isinstance(value, dict):
        return {key: template(each) for key, each in value.items()}
    return [template(each) for each in value] if isinstance(value, list) else value


def literal(value: Any) -> Any:
    """A value to compare with: one in which something looks like a matcher is marked as none."""
    return {"$eq": template(value)} if _has_sign(value) else template(value)


def literal_arguments(args: dict[str, Any]) -> dict[str, Any]:
    """Arguments to compare with, each by itself."""
    if any(key.startswith("$") for key in args):
        return {"$eq": template(args)}
    return {key: literal(each) for key, each in args.items()}


def has_variable(value: Any) -> bool:
    """Whether a value of a file holds a variable of its case."""
    if isinstance(value, dict):
        return any(map(has_variable, value.values()))
    if isinstance(value, list):
        return any(map(has_variable, value))
    return isinstance(value, str) and _REFERENCE.search(value) is not None


def _has_sign(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key.startswith("$") or _has_sign(each) for key, each in value.items())
    return isinstance(value, list) and any(map(_has_sign, value))
