"""How many tokens a context cache has at least."""

from __future__ import annotations

from runner.models.catalog import KnownModel, catalog


def minimum_of(model: str) -> int | None:
    """How many tokens a cache for a model has at least, as far as that is known."""
    known = catalog().find(model)
    return known.cache_minimum if isinstance(known, KnownModel) else None


def too_few(tokens: int, minimum: int | None, model: str) -> str | None:
    """Why so many tokens have no cache, if they are fewer than the minimum."""
    if minimum is None or tokens >= minimum:
        return None
    return f"about {tokens:,} tokens are fewer than the {minimum:,} that a cache for {model} has at least"
