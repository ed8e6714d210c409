"""Built-in tools among those of a manifest: which items they are, and whether the model takes them beside functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.loading.checks.models import known_model
from runner.loading.nodes import Mapping, Scalar
from runner.manifest.tools import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic
    from runner.loading.nodes import Node


def is_built_in(item: Node) -> bool:
    """Whether an item is a tool of the service."""
    named = item.get("use") if isinstance(item, Mapping) else item
    return named is None or (isinstance(named, Scalar) and named.text in BUILT_IN)


def not_together(subject: Subject) -> Iterator[Diagnostic]:
    """What to say of built-in tools beside functions, where the model does not take both."""
    model, place = known_model(subject), subject.at("tools")
    if model is not None and place is not None and not model.built_in_with_functions:
        message = f"{model.name} refuses built-in tools beside functions"
        yield subject.say("W234", message, place, span=place.key_span, hint="use a newer model, or remove one kind")
