"""Names of Gemini models: when two of them mean the same model, and what a model can do."""

from __future__ import annotations

import re

_VERSION = re.compile(r"(-(\d{3}|preview|exp|\d{2}|\d{4}))+")


def short_name(model: str) -> str:
    """`gemini-3.8-flash` for `models/gemini-3.8-flash` and `projects/.../publishers/google/models/gemini-3.8-flash`."""
    return model.rsplit("/", 1)[-1].lower()


def same_model(asked: str, answered: str) -> bool:
    """Whether the model that answered is the one asked for; `-001`, `-preview-09-2026` name a version of the same."""
    asked, answered = short_name(asked), short_name(answered)
    if asked == answered:
        return True
    return answered.startswith(asked) and _VERSION.fullmatch(answered[len(asked) :]) is not None


def has_explicit_caching(model: str) -> bool:
    """Whether contexts can be cached by name: Gemini 4 and later have implicit caching only."""
    generation = re.match(r"gemini-(\d+)", short_name(model))
    return generation is None or int(generation[1]) < 4
