"""From a tree of nodes to a checked pydantic value, and from pydantic's errors to diagnostics.

Pydantic's messages and the values in them are never shown: they may hold secrets, and they do not say what to write.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from runner.loading.locations import locate
from runner.loading.nodes import Mapping, Scalar, data_of

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from runner.loading.diagnostics import Diagnostic
    from runner.loading.vocabulary import Vocabulary

T = TypeVar("T", bound=BaseModel)

_TYPED = {"int_type", "float_type", "bool_type", "variable_type"}


def checked(root: Mapping, kind: type[T], vocabulary: Vocabulary, problems: list[Diagnostic]) -> T | None:
    """The value that a tree describes, or None; what keeps it from being one is added to `problems`.

    Text that came from the environment becomes a number or true or false where one is wanted.
    """
    try:
        return kind.model_validate(data_of(root))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    if _converted(root, details):
        try:
            return kind.model_validate(data_of(root))
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
    from runner.loading.telling import told

    problems += told(root, kind, vocabulary, details)
    return None


def _converted(root: Mapping, details: list[ErrorDetails]) -> bool:
    """Whether a text from the environment could be read as the number or truth value that is wanted in its place."""
    changed = False
    for detail in details:
        place = locate(root, detail["loc"])
        if detail["type"] in _TYPED and isinstance(place.node, Scalar) and place.node.pieces:
            value = _read(place.node.text.strip(), detail["type"])
            if value is not None:
                place.node.value, changed = value, True
    return changed


def _read(text: str, wanted: str) -> object:
    if wanted == "bool_type":
        return {"true": True, "false": False}.get(text.lower())
    try:
        number = float(text) if wanted == "float_type" else int(text)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
