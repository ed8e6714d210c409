"""Built-in tools among those of a manifest: which items they are, whether the model has them, also beside functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.loading.checks.models import known_model
from runner.loading.nodes import Mapping, Scalar, Sequence
from runner.models.catalog import catalog
from runner.service_tools import BUILT_IN, FILE_SEARCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic
    from runner.loading.nodes import Node


def is_built_in(item: Node) -> bool:
    """Whether an item is a tool of the service."""
    named = item.get("use") if isinstance(item, Mapping) else item
    return named is None or (isinstance(named, Scalar) and named.text in BUILT_IN)


def missing(subject: Subject) -> Iterator[Diagnostic]:
    """The built-in tools that the model, or the platform on which it is asked, does not have."""
    node, model = subject.tree.get("tools"), known_model(subject)
    elsewhere = catalog().enterprise_without if _is_enterprise(subject) else ()
    for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
        named = item.get("use") if isinstance(item, Mapping) else item
        name = named.text if isinstance(named, Scalar) else FILE_SEARCH
        place = subject.at("tools", index) if is_built_in(item) else None
        if place is not None and name in elsewhere:
            message, hint = f"the enterprise platform has no {name}", "ask with an API key, without a project"
            yield subject.say("W234", message, place, hint=hint)
        elif place is not None and model is not None and model.built_in is not None and name not in model.built_in:
            yield subject.say("W234", f"{model.name} has no {name}", place, hint="use a newer model, or remove it")


def _is_enterprise(subject: Subject) -> bool:
    model = subject.tree.get("model")
    if not isinstance(model, Mapping):
        return False
    said = subject.text("model", "enterprise")
    return (said is not None and said.text == "true") or bool(model.get("project") or model.get("location"))


def not_together(subject: Subject) -> Iterator[Diagnostic]:
    """What to say of built-in tools beside functions, where the model does not take both."""
    model, place = known_model(subject), subject.at("tools")
    if model is not None and place is not None and not model.built_in_with_functions:
        message = f"{model.name} refuses built-in tools beside functions"
        yield subject.say("W234", message, place, span=place.key_span, hint="use a newer model, or remove one kind")
