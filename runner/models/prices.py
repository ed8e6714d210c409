"""What model calls cost, in US dollars: data of one date, kept in `prices.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from runner.models.catalog import GoneModel, catalog
from runner.requests import NO_COST, NO_USAGE, Cost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.requests import Usage

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars per million tokens from a day on; `cached` is None where it is not known.

    A call whose input is longer than `long_from` tokens costs `long_factor` times as much.
    """

    effective_from: date
    input: float
    output: float
    cached: float | None = None
    long_from: int | None = None
    long_factor: float = 1.0

    def of(self, usage: Usage) -> Cost | None:
        """What one call costs; None where it used a cache whose price is not known."""
        if usage.cached_tokens and self.cached is None:
            return None
        return self._with(usage, self.cached or 0.0)

    def at_most(self, usage: Usage) -> Cost:
        """What one call costs; where the price of cached tokens is not known, they are counted like others."""
        return self._with(usage, self.input if self.cached is None else self.cached)

    def _with(self, usage: Usage, cached: float) -> Cost:
        is_long = self.long_from is not None and usage.prompt_tokens > self.long_from
        factor = (self.long_factor if is_long else 1.0) / _MILLION
        fresh = max(0, usage.prompt_tokens - usage.cached_tokens) + usage.tool_use_tokens
        return Cost(
            prompt=fresh * self.input * factor,
            cached=usage.cached_tokens * cached * factor,
            output=usage.output_tokens * self.output * factor,
            thoughts=usage.thoughts_tokens * self.output * factor,
        )


FREE = Price(effective_from=date.min, input=0.0, output=0.0, cached=0.0)
"""That of a model which nobody is paid for."""


@dataclass(frozen=True, slots=True)
class Prices:
    """All prices that are known, as of a date; those of one model the newest last."""

    as_of: str
    source: str
    models: Mapping[str, tuple[Price, ...]]

    def at(self, model: str, day: date) -> Price | None:
        """A model's price on a day: `models/...` and `-001` do not matter, and a name that another model answers to
        has that model's."""
        valid = [price for price in self.models.get(_name(model), ()) if price.effective_from <= day]
        return valid[-1] if valid else None


@lru_cache(maxsize=100)
def _name(model: str) -> str:
    """The model that answers to an id; nothing where none is known."""
    known = catalog().find(model)
    return (known.answers if isinstance(known, GoneModel) else getattr(known, "name", None)) or ""


@cache
def prices() -> Prices:
    """The prices of this release, read once."""
    data = json.loads(Path(__file__).with_name("prices.json").read_text("utf-8"))
    models = {
        name: tuple(Price(**{**told, "effective_from": date.fromisoformat(told["effective_from"])}) for told in listed)
        for name, listed in data["models"].items()
    }
    return Prices(data["as_of"], data["source"], models)


def price_of(model: str, when: datetime) -> Price | None:
    """The price of a model at a time; None where it is not known. The embedded model costs nothing."""
    return FREE if model == "offline" else prices().at(model, when.astimezone(UTC).date())


def cost(model: str, usage: Usage, when: datetime) -> float | None:
    """What a model call of this usage cost at that time, in US dollars; None where the price is not known."""
    known = cost_by_kind(model, usage, when)
    return None if known is None else known.total


def cost_by_kind(model: str, usage: Usage, when: datetime) -> Cost | None:
    """The same by kind of token; what had no tokens costs nothing, whatever the price."""
    if usage == NO_USAGE:
        return NO_COST
    price = price_of(model, when)
    return None if price is None else price.of(usage)
