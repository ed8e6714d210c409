"""`RateLimit`: asks a model no more often than it may be asked, together with all other chats."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from runner.errors import GeminiAPIError
from runner.models.base import Model
from runner.models.limiting.ledger import NO_RATES, Rates
from runner.models.limiting.limiter import is_shared
from runner.models.limiting.quota import Quota
from runner.requests import NO_USAGE, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.errors import GeminiClientError
    from runner.events import Notice
    from runner.models.limiting.limiter import Limiter
    from runner.requests import GenerateContentRequest, ModelItem
    from runner.storages.shared_state import SharedState

_WORTH_TELLING = 1.0  # seconds
_LONGEST_PAUSE = 60.0  # seconds: a service that wants a longer one is not asked again anyway


class RateLimit(Model):
    """Asks `model` when its turn has come, in the order of the requests; a wait of more than a second is told.

    There is one queue for each model of an account in this process, and with `rates`, through `shared`, among all
    processes. Where several of this process give rates, the newest hold, until `leave`. Stands below `Retry`, so that
    every resend takes its turn as well.
    """

    def __init__(self, model: Model, rates: Rates | None = None, shared: SharedState | None = None) -> None:
        self.model, self.rates = model, rates or NO_RATES
        self.name, self.family = model.name, model.family
        self._shared = shared if is_shared(shared) else None
        self._own: Quota | None = None
        self._limiter: Limiter | None = None

    @property
    def quota(self) -> Quota:
        """What is shared with all models of the account; its own where the model has none."""
        found = self.model.quota or self._own
        if found is None:
            found = self._own = Quota("")
        return found

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """The inner model's reply, once the request may be sent."""
        limiter = self._limiter_of(request.model)
        ticket = await limiter.ticket()
        if ticket is not None:
            if (left := ticket.left) > _WORTH_TELLING:
                yield limiter.notice(left)
            await ticket.reached()
        usage, is_accepted = NO_USAGE, False
        try:
            async with contextlib.aclosing(self.model.generate(request)) as items:
                async for item in items:
                    if not is_accepted:
                        is_accepted = True
                        limiter.accepted()
                    if isinstance(item, Usage):
                        usage = item
                    yield item
        except GeminiAPIError as error:
            _learn(limiter, error)
            raise
        finally:
            limiter.spent(usage)

    def amended(
        self, request: GenerateContentRequest, error: GeminiClientError
    ) -> tuple[GenerateContentRequest, Notice] | None:
        """What the inner model would rather send after `error`."""
        return self.model.amended(request, error)

    async def aclose(self) -> None:
        """Let the rates hold no longer, and close the inner model."""
        self.leave()
        await self.model.aclose()

    def leave(self) -> None:
        """Let the rates given here hold no longer."""
        if self._limiter is not None:
            self._limiter.release(self)

    def _limiter_of(self, model: str) -> Limiter:
        if model != self.name:
            return self.quota.limiter(model)
        if self._limiter is None:
            self._limiter = self.quota.limiter(model)
            self._limiter.claim(self, self.rates, self._shared)
        return self._limiter


def _learn(limiter: Limiter, error: GeminiAPIError) -> None:
    delay = error.retry_after or 0.0
    if error.code == 429 and error.retryable and 0 < delay <= _LONGEST_PAUSE:
        limiter.refused(delay)
