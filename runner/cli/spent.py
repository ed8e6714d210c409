"""What a run of the command has spent, and what it may."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.requests import CacheUse, Cost, Usage, summed
from runner.spending import dollars

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.client import RunOptions
    from runner.events import TurnEnded


@dataclass(slots=True)
class Spent:
    """The tokens and the dollars of all turns of a run; `max_tokens` and `max_cost` are what they may come to."""

    max_tokens: int | None = None
    max_cost: float | None = None
    turns: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: Cost | None = field(default_factory=Cost)
    cache: CacheUse | None = None
    last: TurnEnded | None = None

    def add(self, ended: TurnEnded) -> None:
        """Count a turn that is over."""
        self.turns += 1
        self.last = ended
        self.usage += ended.usage
        self.cost = summed(self.cost, ended.cost)
        if ended.cache is not None:
            self.cache = ended.cache if self.cache is None else self.cache + ended.cache

    def options(self, files: Sequence[str | Path] = ()) -> RunOptions:
        """What the next turn is run with: these files, and what it may cost."""
        options: RunOptions = {"files": files} if files else {}
        if self.max_tokens is not None:
            options["max_tokens"] = self.max_tokens - self.usage.total_tokens
        if self.max_cost is not None and self.cost is not None:
            options["max_cost"] = self.max_cost - self.cost.total
        return options

    @property
    def used_up(self) -> str | None:
        """Why no further turn may begin; None where one may."""
        if self.max_tokens is not None and self.usage.total_tokens >= self.max_tokens:
            return f"the tokens of this run are used up: {self.usage.total_tokens:,} of {self.max_tokens:,}"
        if self.max_cost is None:
            return None
        if self.cost is None:
            return "what this run has cost is not known: a price is missing"
        if self.cost.total >= self.max_cost:
            return f"the budget of this run is used up: {dollars(self.cost.total)} of {dollars(self.max_cost)}"
        return None
