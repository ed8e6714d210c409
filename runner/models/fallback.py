"""`Fallback`: other models for the next turns, when a model is out of quota or out of order."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.errors import ChatStorageError, GeminiAPIError
from runner.events import Notice
from runner.models.base import Model
from runner.models.gemini.signatures import without_foreign_signatures
from runner.models.limiting.quota import quota_within
from runner.storages.shared_state import LocalSharedState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from runner.messages import ChatMessage
    from runner.models.retry import Retry
    from runner.requests import GenerateContentRequest, ModelItem
    from runner.storages.shared_state import SharedState

logger = logging.getLogger("agent_run")

COOL_DOWN = 300.0
"""Seconds for which a model that failed is not asked; twice as many each time it fails again at once."""
CODE = "fallback"
"""The code of the notices about another model."""

_LONGEST = 3600.0  # seconds of a cool-down
_ATTEMPTS = 20


class Fallback(Model):
    """The first of `models` that has not failed lately; chosen when a turn begins, and kept to its end.

    A model has failed when a request ended with a 429, a 5xx or no connection, all resends made. The turn in which
    that happens fails: its resends are used up, and no turn is of two models. The next ones, of all who share
    `shared`, go to the next model, until the cool-down is over. Thought signatures that another model made are left
    out of what is sent.
    """

    def __init__(
        self,
        models: Sequence[Retry],
        shared: SharedState | None = None,
        *,
        cool_down: float = COOL_DOWN,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if len({model.name for model in models}) < len(models):
            raise ValueError(f"a model stands twice: {', '.join(model.name for model in models)}")
        self.models = list(models)
        self.name, self.family = models[0].name, models[0].family
        self._shared = LocalSharedState() if shared is None else shared
        self._cool_down, self._clock = cool_down, clock

    def around(self, wrap: Callable[[Model], Model]) -> Fallback:
        """The same, the first model in a wrapper: what is for one model is not for the others."""
        first, *others = self.models
        return self._of([first.around(wrap), *others])

    def each_around(self, wrap: Callable[[Model], Model]) -> Fallback:
        """The same, every model in a wrapper of its own."""
        return self._of([model.around(wrap) for model in self.models])

    def _of(self, models: list[Retry]) -> Fallback:
        return Fallback(models, self._shared, cool_down=self._cool_down, clock=self._clock)

    async def for_turn(self) -> Model:
        """The model that a turn which begins now is held with; where all have failed, the first."""
        for model in self.models:
            if await self._until(model) <= self._clock():
                return _Held(model, self)
        return _Held(self.models[0], self)

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """One reply of the model that a turn would have now."""
        held = await self.for_turn()
        async with contextlib.aclosing(held.generate(request)) as items:
            async for item in items:
                yield item

    async def aclose(self) -> None:
        """Close all models."""
        for model in self.models:
            await model.aclose()

    async def failed(self, model: Model, error: GeminiAPIError) -> Notice:
        """Let a model rest, and say so."""
        now, rest = self._clock(), self._cool_down
        try:
            rest = await self._rest(model, max(self._cool_down, error.retry_after or 0.0))
        except ChatStorageError as problem:
            logger.warning("that %s failed could not be shared: %s", model.name, problem)
        others = [each.name for each in self.models if each is not model and await self._until(each) <= now]
        if not others:
            return Notice(CODE, f"{model.name} failed, and so have the others")
        return Notice(CODE, f"{model.name} failed: the next turns go to {others[0]}, for {_minutes(rest)}")

    def switch(self, messages: Sequence[ChatMessage], model: Model) -> Notice | None:
        """What to tell where another model goes on with a chat than the one that was in it last."""
        names = [each.name for each in self.models]
        asked = next((each.meta.get("model") for each in reversed(messages) if each.role == "model"), None)
        before = asked if asked in names else self.name
        if before == model.name:
            return None
        if model.name == self.name:
            return Notice(CODE, f"{model.name} is asked again")
        return Notice(CODE, f"{model.name} answers: {self.name} has failed lately")

    async def _until(self, model: Model) -> float:
        """When a model may be asked again."""
        try:
            found = await self._shared.get(self._key(model))
        except ChatStorageError as error:
            logger.warning("whether %s has failed elsewhere is not known: %s", model.name, error)
            return 0.0
        return 0.0 if found is None else _moments(found.text)[1]

    async def _rest(self, model: Model, least: float) -> float:
        """Write down until when a model rests; twice as long as last time, if it failed soon after that."""
        for _ in range(_ATTEMPTS):
            now = self._clock()
            found = await self._shared.get(self._key(model))
            rest, until = (0.0, 0.0) if found is None else _moments(found.text)
            if until > now:
                return until - now
            rest = min(_LONGEST, max(least, 2 * rest if now < until + 2 * rest else 0.0))
            version = None if found is None else found.version
            if await self._shared.put_if(self._key(model), f"{rest:.0f} {now + rest:.3f}", version) is not None:
                return rest
        return least

    def _key(self, model: Model) -> str:
        quota = quota_within(model)
        return f"fallback/{'' if quota is None else quota.account}/{model.name}"


class _Held(Model):
    """One of the models, for one turn."""

    def __init__(self, model: Model, fallback: Fallback) -> None:
        self.model, self._fallback = model, fallback
        self.name, self.family = model.name, model.family
        self._is_told = False

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        if not self._is_told:
            self._is_told = True
            if (notice := self._fallback.switch(request.messages, self.model)) is not None:
                yield notice
        request = without_foreign_signatures(replace(request, model=self.name))
        try:
            async with contextlib.aclosing(self.model.generate(request)) as items:
                async for item in items:
                    yield item
        except GeminiAPIError as error:
            if is_out(error):
                yield await self._fallback.failed(self.model, error)
            raise


def is_out(error: GeminiAPIError) -> bool:
    """Whether it says that the model is out of quota or out of order, and not that the request is wrong."""
    return error.code == 429 or (error.retryable and (error.code == 0 or error.code >= 500))


def _moments(text: str) -> tuple[float, float]:
    """How long a model rests, and until when; what is of another form says that it does not."""
    try:
        rest, until = map(float, text.split())
    except ValueError:
        return 0.0, 0.0
    return rest, until


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
