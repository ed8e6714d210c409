"""`Retry`: asks a model again, as long as nothing of its reply was shown."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.errors import GeminiAPIError, GeminiResponseError
from runner.events import Notice
from runner.models.base import Model
from runner.models.finish import is_malformed, refusal
from runner.models.limiting.quota import quota_within
from runner.requests import NO_USAGE, Finish, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from runner.errors import GeminiClientError
    from runner.messages import Part
    from runner.models.limiting.budget import RetryBudget
    from runner.requests import GenerateContentRequest, ModelItem

logger = logging.getLogger("agent_run")

MAX_WAIT = 60.0
"""Seconds; where the service asks for a longer wait, trying again is left to the user."""
_FIRST_WAIT = 1.0
_TOLD_AT_ONCE = {"rate_limit", "cache", "upload", "file_gone"}
"""Notices about what comes before a reply, and so are not held back with the rest of it."""
_USED_UP = "retry budget used up, "


class Retry(Model):
    """Sends a request up to 1 + `retries` times; all resends of one call, whatever their cause, count against that.

    Sent again: what failed with a `retryable` error (408, 429, 5xx, no connection, a reply that broke), once a reply
    with a malformed tool call or without content, and once what the model amends (`Model.amended`), also where there
    are no retries. Only before a text or a thought was passed on: calls are held back until the reply is finished or
    text follows. All models of one account share a budget of resends (`Model.quota`); only the first resend of a
    request that was one too many, at the time that the service named, is not refused for it.
    """

    def __init__(
        self,
        model: Model,
        retries: int = 3,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if retries < 0:
            raise ValueError("retries must be 0 or more")
        self.model, self.retries = model, retries
        self.name, self.family = model.name, model.family
        self._sleep, self._chance, self._clock = sleep, chance, clock

    def around(self, wrap: Callable[[Model], Model]) -> Retry:
        """The same retries of the inner model in a wrapper."""
        wrapped = copy.copy(self)
        wrapped.model = wrap(self.model)
        return wrapped

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """The inner model's reply; a `Notice` comes before each wait."""
        quota = quota_within(self.model)
        budget = None if quota is None else quota.budget
        tries = _Tries(1 + self.retries, self._chance, self._clock, budget)
        while True:
            if budget is not None:
                budget.count(is_resend=tries.is_resend)
            attempt, failure = _Attempt(tries.spent), None
            try:
                async with contextlib.aclosing(self.model.generate(request)) as items:
                    async for item in items:
                        for passed in attempt.passed(item):
                            yield passed
            except (GeminiAPIError, GeminiResponseError) as error:
                if attempt.shown:
                    raise
                failure = error
            again = self._again(tries, request, attempt, failure)
            if again is None:
                for item in attempt.rest():
                    yield item
                return
            tries.spent = attempt.usage
            logger.info("%s: %s", self.name, again.notice.message)
            yield again.notice
            if again.wait:
                await self._sleep(again.wait)
            request = again.request or request

    def _again(
        self,
        tries: _Tries,
        request: GenerateContentRequest,
        attempt: _Attempt,
        failure: GeminiAPIError | GeminiResponseError | None,
    ) -> _Again | None:
        """The next request; None where this attempt is the reply, and the error raised where there is no next one."""
        if failure is None:
            poor = None if attempt.shown else attempt.refusal()
            return None if poor is None else tries.again_malformed(poor)
        amended = self.amended(request, failure)
        return tries.again_failed(failure) if amended is None else tries.again_amended(failure, *amended)

    def amended(
        self, request: GenerateContentRequest, error: GeminiClientError
    ) -> tuple[GenerateContentRequest, Notice] | None:
        """What the inner model would rather send after `error`."""
        return self.model.amended(request, error)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.model.aclose()


@dataclass(frozen=True, slots=True)
class _Again:
    notice: Notice
    wait: float = 0.0
    request: GenerateContentRequest | None = None


@dataclass(slots=True)
class _Attempt:
    """What one request has brought so far. `usage` includes that of the attempts before it."""

    spent: Usage
    shown: bool = False
    held: list[ModelItem] = field(default_factory=list)
    _parts: list[Part] = field(default_factory=list)
    _usage: Usage = NO_USAGE
    _finish: Finish | None = None

    @property
    def usage(self) -> Usage:
        return self.spent + self._usage

    def passed(self, item: ModelItem) -> Sequence[ModelItem]:
        """What may be passed on now that `item` has come."""
        if isinstance(item, Usage):
            self._usage = item
            return (self.usage,)
        if self.shown or (isinstance(item, Notice) and item.code in _TOLD_AT_ONCE):
            return (item,)
        self.held.append(item)
        if isinstance(item, Finish):
            self._finish = item
        elif isinstance(item, dict):
            self._parts.append(item)
            if item.get("text"):
                self.shown = True
                return self.held
        return ()

    def rest(self) -> list[ModelItem]:
        """What was held back of a reply that is now accepted as it is."""
        return [] if self.shown else self.held

    def refusal(self) -> GeminiResponseError | None:
        """Why the finished reply is no answer."""
        return None if self._finish is None else refusal(self._finish, self._parts)


class _Tries:
    """Counts the requests of one logical call, and decides about the next."""

    def __init__(
        self, limit: int, chance: Callable[[], float], clock: Callable[[], float], budget: RetryBudget | None
    ) -> None:
        self.spent: Usage = NO_USAGE
        self._budget, self._was_limited = budget, False
        self._limit, self._chance, self._clock = limit, chance, clock
        self._began = clock()
        self._made = 1
        self._asked_again = False
        self._amended: set[str] = set()

    @property
    def is_resend(self) -> bool:
        """Whether the next request is not the first one."""
        return self._made > 1

    @property
    def _is_used_up(self) -> bool:
        return self._budget is not None and self._budget.is_used_up

    def again_failed(self, error: GeminiAPIError | GeminiResponseError) -> _Again:
        """After a failure: the wait, or the error to end with, raised."""
        floor = (error.retry_after if isinstance(error, GeminiAPIError) else None) or 0.0
        if not error.retryable:
            raise error
        if floor > MAX_WAIT:
            raise self._given_up(error, f"asked to wait {_seconds(floor)}, ") from error
        if self._made >= self._limit:
            raise self._given_up(error) from error
        is_named = floor > 0 and not self._was_limited and isinstance(error, GeminiAPIError) and error.code == 429
        if self._is_used_up and not is_named:
            raise self._given_up(error, _USED_UP) from error
        self._was_limited = self._was_limited or is_named
        wait = self._wait(floor)
        return self._again("retry", f"{_cause(error)}; trying again in {_seconds(wait)}", wait)

    def again_amended(
        self, error: GeminiAPIError | GeminiResponseError, request: GenerateContentRequest, notice: Notice
    ) -> _Again:
        """After a failure that the model answers with another request: at once, once for each thing it amends.

        It is not the same request, so one is sent even where no failed one is to be sent again.
        """
        if notice.code in self._amended or self._made >= max(self._limit, 2):
            raise error
        self._amended.add(notice.code)
        return self._again(notice.code, notice.message, request=request)

    def again_malformed(self, error: GeminiResponseError) -> _Again | None:
        """After a reply that is no answer: at once where that may help, else None."""
        if self._asked_again or self._made >= self._limit or self._is_used_up or not is_malformed(error):
            return None
        self._asked_again = True
        return self._again("retry", f"{error}; asking once more")

    def _again(self, code: str, words: str, wait: float = 0.0, request: GenerateContentRequest | None = None) -> _Again:
        self._made += 1
        return _Again(Notice(code, f"{words} ({self._made} of {max(self._limit, self._made)})"), wait, request)

    def _wait(self, floor: float) -> float:
        """Full jitter over an exponential bound; above the service's own floor, spread so that not all come at once."""
        backoff = self._chance() * min(MAX_WAIT, _FIRST_WAIT * 2.0 ** (self._made - 1))
        above = floor + self._chance() * max(1.0, floor / 4) if floor else 0.0
        return min(MAX_WAIT, max(backoff, above))

    def _given_up(self, error: GeminiAPIError | GeminiResponseError, asked: str = "") -> Exception:
        tries = f"{self._made} {'try' if self._made == 1 else 'tries'}"
        words = f"{_cause(error)}, {asked}gave up after {tries}, {_seconds(self._clock() - self._began)}"
        message = f"{words}: {error.message}"
        if isinstance(error, GeminiAPIError):
            return GeminiAPIError(
                error.code, error.status, message, retryable=error.retryable, retry_after=error.retry_after
            )
        return GeminiResponseError(error.reason, message, retryable=error.retryable)


def _cause(error: GeminiAPIError | GeminiResponseError) -> str:
    if isinstance(error, GeminiResponseError):
        return error.message
    if error.code == 429:
        return "rate limited by Gemini (429)"
    if error.code >= 500:
        return f"Gemini is failing or overloaded ({error.code})"
    return f"Gemini answered {error.code}" if error.code else "Gemini could not be reached"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
