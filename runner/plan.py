"""What a turn is made with, and what one of its model calls has brought: data of the loop in `runner.turn`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from runner.errors import GeminiClientError
from runner.history import History, HistoryPolicy
from runner.models.finish import joined, refusal
from runner.requests import NO_USAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner.chats import ToolMode
    from runner.executors.base import ToolExecutor
    from runner.messages import Content, Json, Part
    from runner.models.base import Model
    from runner.requests import CacheUse, Cost, Finish, Usage
    from runner.tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Limits:
    """What a turn may cost. Times are in seconds; `busy_timeout` is how long to wait for a chat in use elsewhere.

    `max_tokens` and `max_cost`, in US dollars, are looked at between two steps.
    """

    max_iterations: int = 10
    max_tool_calls: int = 128
    turn_timeout: float = 600.0
    tool_timeout: float = 60.0
    busy_timeout: float = 30.0
    max_output_chars: int = 1_000_000
    max_tokens: int | None = None
    max_cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a turn is made with but the chat: fixed when the turn begins, so a reload cannot change it."""

    model: Model
    model_name: str
    toolbox: Toolbox
    executor: ToolExecutor[Any]
    tool_mode: ToolMode = "auto"
    limits: Limits = field(default_factory=Limits)
    system_instruction: Content | None = None
    generation_config: Json | None = None
    settings: Json | None = None
    deps: object = None
    history: History = field(default_factory=lambda: History(HistoryPolicy()))
    first_files: Callable[[], Sequence[str | Path | Part]] = tuple

    async def begun(self) -> Plan:
        """The plan of a turn that begins now: where there is a choice of models, it is made."""
        model = await self.model.for_turn()
        return self if model is self.model else replace(self, model=model, model_name=model.name)


@dataclass(slots=True)
class Reply:
    """What one model call has given so far."""

    parts: list[Part] = field(default_factory=list)
    usage: Usage = NO_USAGE
    cache: CacheUse | None = None
    cost: Cost | None = None
    finish: Finish | None = None

    def answering(self, asked: str) -> str:
        """The model that answered, as far as it says so; else the one that was asked."""
        return (self.finish and self.finish.model_version) or asked

    def whole(self, asked: str) -> tuple[list[Part], Finish]:
        """The joined parts and the finish, once all has come. Raises GeminiClientError where it is no answer."""
        finish, parts = self.finish, joined(self.parts)
        if finish is None:
            raise GeminiClientError(f"the model {asked} ended its reply without a finish")
        if problem := refusal(finish, parts):
            raise problem
        return parts, finish

    @property
    def cache_use(self) -> CacheUse | None:
        """What became of the context cache, with the tokens that came from it."""
        if self.cache is None or self.cache.state == "off":
            return self.cache
        return replace(self.cache, saved=self.usage.cached_tokens)
