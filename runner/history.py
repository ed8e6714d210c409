"""`HistoryPolicy`: how much of a chat is sent to the model. All of it is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from runner.events import Notice
from runner.models.catalog import window_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.errors import GeminiAPIError

HISTORY = "history"
"""The code of notices about what is sent of a chat."""
CONTEXT = "context"
"""The code of the notice about a chat that has grown long."""

_REST = 0.75  # of what may be sent stays when something goes, so that what is sent changes rarely
_SUMMED_UP = 0.25  # of what may be sent stays as it is when the rest is summarised
_REFUSED = re.compile(r"input token count .{0,40}(?:exceeds|only supports up to)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPolicy:
    """What is sent of a chat: at most one of the first three; all of it, if none is given.

    `turns`: the last so many turns. `share`: what fits so much of the model's window, as 0.6. `summarize`: when
    `warn_at` of the window is reached, the older turns are summarised by the model. `window`: tokens the model takes;
    known for Gemini's. Only whole turns are left out, and a quarter of them at a time, so that what is sent begins
    alike for many turns and the service's implicit cache holds it. Raises ValueError for what makes no sense.
    """

    turns: int | None = None
    share: float | None = None
    summarize: bool = False
    warn_at: float = 0.8
    window: int | None = None

    def __post_init__(self) -> None:
        if sum((self.turns is not None, self.share is not None, self.summarize)) > 1:
            raise ValueError("turns, share and summarize exclude one another")
        if self.turns is not None and self.turns < 1:
            raise ValueError("turns must be 1 or more")
        for name, share in (("share", self.share), ("warn_at", self.warn_at)):
            if share is not None and not 0 < share <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1")
        if self.window is not None and self.window < 1:
            raise ValueError("window must be 1 or more")

    @property
    def cuts(self) -> bool:
        """Whether anything is ever left out."""
        return self.turns is not None or self.needs_window

    @property
    def needs_window(self) -> bool:
        """Whether it cannot be kept to without the model's window."""
        return self.share is not None or self.summarize

    def __str__(self) -> str:
        if self.turns is not None:
            return "1 turn" if self.turns == 1 else f"{self.turns} turns"
        if self.share is not None:
            return f"{self.share:.0%} of the window"
        return "summarize" if self.summarize else "all"


class History:
    """A policy, and what was told about it."""

    def __init__(self, policy: HistoryPolicy) -> None:
        self.policy = policy
        self._told = False

    def window(self, model: str) -> int | None:
        """How many tokens a model takes, as far as that is known."""
        return self.policy.window or window_of(model)

    def unknown_window(self, model: str) -> Notice | None:
        """What to tell, once, where the policy cannot be kept to."""
        if self._told or not self.policy.needs_window or self.window(model) is not None:
            return None
        self._told = True
        words = f"history: {self.policy} is not kept to, the window of {model} is not known; give history.window"
        return Notice(HISTORY, words)


def surplus_turns(count: int, keep: int) -> int:
    """How many of `count` turns go where `keep` are kept: none, or a quarter of those kept and all beyond."""
    return count - (keep + 1 - max(1, keep // 4)) if count > keep else 0


def surplus_tokens(sizes: Sequence[int], tokens: int, most: float) -> int:
    """How many of the oldest turns, of these sizes, go where `tokens` are over `most`; a quarter of it is freed."""
    return _turns_worth(sizes, tokens - _REST * most)


def turns_to_summarize(sizes: Sequence[int], tokens: int, most: float) -> int:
    """How many of the oldest turns are summarised where `tokens` are more than `most`."""
    return _turns_worth(sizes, tokens - _SUMMED_UP * most)


def turns_too_many(sizes: Sequence[int], tokens: int, error: GeminiAPIError) -> int:
    """How many of the oldest turns go after the service has refused a prompt: as it counts, or half of them."""
    counted, allowed, *_ = [*map(int, re.findall(r"\d{1,18}", error.message)), 0, 0]
    share = _REST * allowed / counted if counted > allowed > 0 else 0.5
    return _turns_worth(sizes, (1 - share) * tokens)


def is_too_long(error: GeminiAPIError) -> bool:
    """Whether the service says that a prompt has too many tokens for the model."""
    return error.code == 400 and _REFUSED.search(error.message) is not None


def _turns_worth(sizes: Sequence[int], tokens: float) -> int:
    """How many of the oldest turns have so many tokens; all, if they have fewer."""
    if tokens <= 0:
        return 0
    return next((count for count, total in enumerate(accumulate(sizes), 1) if total >= tokens), len(sizes))
