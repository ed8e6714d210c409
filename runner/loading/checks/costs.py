"""`limits.max_cost`: the prices that it needs are known. It only warns; a turn with another model is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.loading.checks.models import fallback_names, gemini_name
from runner.loading.words import quoted
from runner.manifest.specs import DEFAULT_MODEL
from runner.models.prices import price_of, prices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic


def check_costs(subject: Subject) -> Iterator[Diagnostic]:
    """Whether a limit of cost can be kept with the models that may answer."""
    place = subject.at("limits", "max_cost")
    if place is None:
        return
    for name in _names(subject):
        if price_of(name, datetime.now(UTC)) is None:
            message = f"max_cost cannot be kept with {quoted(name)}: its price is not known on {prices().as_of}"
            hint = "limit max_tokens, or use a model of a known price"
            yield subject.say("W237", message, place, span=place.key_span, hint=hint)


def _names(subject: Subject) -> Iterator[str]:
    """The ids of the Gemini models that may answer; of others nothing is said here."""
    found = gemini_name(subject)
    if found is not None:
        yield found[1].shown
    elif subject.tree.get("model") is None:
        yield DEFAULT_MODEL
    for _, node in fallback_names(subject):
        yield node.shown
