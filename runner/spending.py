"""What a turn has cost so far, and whether it may go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.models.prices import cost_by_kind, price_of, prices
from runner.requests import NO_COST, NO_USAGE, summed

if TYPE_CHECKING:
    from datetime import datetime

    from runner.requests import Cost, Usage


@dataclass(slots=True)
class Spending:
    """The tokens and the dollars of a turn; `at_most` counts cached tokens of an unknown price like others."""

    usage: Usage = NO_USAGE
    cost: Cost | None = NO_COST
    at_most: Cost | None = NO_COST

    def add(self, model: str, usage: Usage, when: datetime) -> Cost | None:
        """Count one model call; returns what it cost, None where the price of the model that answered is not known."""
        cost = at_most = cost_by_kind(model, usage, when)
        if cost is None and (price := price_of(model, when)) is not None:
            at_most = price.at_most(usage)
        self.usage += usage
        is_same = self.at_most is self.cost and at_most is cost  # as it is where all prices are known
        self.cost = summed(self.cost, cost)
        self.at_most = self.cost if is_same else summed(self.at_most, at_most)
        return cost

    def limit(self, max_cost: float | None, max_tokens: int | None) -> tuple[str, str] | None:
        """Which limit is reached, and what is said of it."""
        tokens = self.usage.total_tokens
        if max_tokens is not None and tokens >= max_tokens:
            return "max_tokens", f"{tokens:,} tokens in one turn: {max_tokens:,} are allowed"
        if max_cost is None:
            return None
        if self.at_most is None:
            return "max_cost", f"a model answered whose price is not known, and {dollars(max_cost)} are allowed"
        if self.at_most.total >= max_cost:
            return "max_cost", f"{dollars(self.at_most.total)} in one turn: {dollars(max_cost)} are allowed"
        return None


def unpriced(model: str, when: datetime) -> str | None:
    """Why a limit of cost cannot be kept with a model; None where its price is known."""
    if price_of(model, when) is not None:
        return None
    return f"a limit of cost cannot be kept: the price of {model} is not known (prices of {prices().as_of})"


def dollars(amount: float) -> str:
    """`$1.25`, `$0.0042`, `$0.000023`."""
    if amount >= 1 or not amount:
        return f"${amount:,.2f}"
    return f"${amount:.4f}" if amount >= 0.001 else f"${max(amount, 1e-6):.6f}"
