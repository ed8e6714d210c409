"""`history:`: the window that it needs is known. It only warns: without one, all of a chat is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.loading.checks.models import fallback_names, gemini_name
from runner.loading.nodes import Scalar
from runner.loading.words import quoted
from runner.manifest.history import kept
from runner.manifest.specs import DEFAULT_MODEL
from runner.models.catalog import catalog, window_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located


def check_history(subject: Subject) -> Iterator[Diagnostic]:
    """Whether the windows of the models that may answer are known, where what is sent goes by them."""
    place = subject.at("history", "keep") or subject.at("history")
    if place is None or not _needs_window(place) or subject.at("history", "window") is not None:
        return
    for name in _names(subject):
        if window_of(name) is None:
            message = f"nothing will be left out for {quoted(name)}: its window is not known on {catalog().as_of}"
            hint = "say how many tokens it takes, with window, or keep a number of turns"
            yield subject.say("W238", message, place, span=place.key_span, hint=hint)


def _needs_window(place: Located) -> bool:
    node = place.node
    return isinstance(node, Scalar) and not node.is_unknown and isinstance(kept(node.value), float | str)


def _names(subject: Subject) -> Iterator[str]:
    """The models that may answer, those of the project's own included; the offline model forgets nothing."""
    found = gemini_name(subject)
    other = subject.text("model") or subject.text("model", "type")
    if found is not None:
        yield found[1].shown
    elif subject.tree.get("model") is None:
        yield DEFAULT_MODEL
    elif other is not None and other.text != "offline":
        yield other.shown
    for _, node in fallback_names(subject):
        yield node.shown
