"""`Limiter`: when each request to one model may begin, in the order in which they were wanted."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import ChatStorageError
from runner.events import Notice
from runner.models.limiting.ledger import MINUTE, NO_RATES, Ledger, Rates
from runner.storages.shared_state import LocalSharedState

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.requests import Usage
    from runner.storages.shared_state import SharedState

logger = logging.getLogger("agent_run")

CODE = "rate_limit"
"""The code of the notice that a request waits."""

_ATTEMPTS = 50
_BATCH_SECONDS = 0.5  # how far ahead one trip to the storage takes permits
_SPREAD = 0.02  # seconds between two requests after a pause, where no rate is known
_SPANS = (1.0, 5.0, 15.0, 60.0)
_ENOUGH = 5  # requests that were accepted before a rate is read off them
_CAUTION = 0.95  # of that rate
_FORGOTTEN = 5 * MINUTE  # a rate that was learnt holds for a minute, is doubled each minute, and is gone after these


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the queue: `left` is how many seconds there are to wait now; a pause makes it more."""

    limiter: Limiter
    moment: float  # without the pauses

    @property
    def left(self) -> float:
        """Seconds to wait; 0 or less when the request may begin."""
        return self.limiter.left(self.moment)

    async def reached(self) -> None:
        """Wait until then, and through all pauses that come meanwhile."""
        while (left := self.left) > 0:  # noqa: ASYNC110  # it is a time that is waited for, and it may move
            await asyncio.sleep(left)


@dataclass(frozen=True, slots=True)
class _Learnt:
    interval: float
    at: float


class Limiter:
    """Gives out places in a queue that keep to `rates`, and learns from refusals what nobody has said.

    A 429 that names a delay is a pause for all who wait, and how much was accepted until then is the rate from there
    on. Permits are taken in small batches from a ledger: that of `shared` where there are rates and processes to share
    them with, else one of this process. May be used by several event loops.
    """

    def __init__(self, model: str, key: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.model = model
        self._claims: dict[object, tuple[Rates, SharedState | None]] = {}
        self._key, self._clock, self._since_1970 = key, clock, time.time() - time.monotonic()
        self._lock = threading.Lock()
        self._gates: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = weakref.WeakKeyDictionary()
        self._waiting = 0
        self._permits: deque[float] = deque()  # moments without the pauses
        self._last = 0.0  # the last moment that was given out, without the pauses
        self._paused_until = self._pauses = 0.0
        self._accepted: deque[float] = deque(maxlen=10_000)
        self._refusal: float | None = None  # its delay, until all that it teaches is known
        self._learnt: _Learnt | None = None
        self._ledger = Ledger()
        self._tokens, self._uncharged = 0, 0  # of a request, as a rule; not in the ledger yet

    def claim(self, who: object, rates: Rates, shared: SharedState | None) -> None:
        """Let these rates hold, if they are any; they are shared with other processes through `shared`."""
        if rates != NO_RATES:
            self._claims = {**self._claims, who: (rates, shared)}

    def release(self, who: object) -> None:
        """Let the rates that were claimed so hold no longer."""
        self._claims = {each: claim for each, claim in self._claims.items() if each is not who}

    @property
    def rates(self) -> Rates:
        """Those that were claimed last."""
        return next(reversed(self._claims.values()))[0] if self._claims else NO_RATES

    def now(self) -> float:
        """Seconds since 1970, by a clock that only goes forward."""
        return self._since_1970 + self._clock()

    def left(self, moment: float) -> float:
        """How long it is to a moment that does not know of pauses."""
        return moment + self._pauses - self.now()

    async def ticket(self) -> Ticket | None:
        """The next place in the queue; None where nothing is limited now."""
        now = self.now()
        self._learn(now)
        if self._rates(now) == NO_RATES and now >= self._paused_until:
            return None
        self._waiting += 1
        try:
            async with self._gate():
                while True:
                    with self._lock:
                        if self._permits:
                            self._last = self._permits.popleft()
                            return Ticket(self, self._last)
                    await self._take()
        finally:
            self._waiting -= 1

    def notice(self, seconds: float) -> Notice:
        """What is told where a request has to wait."""
        rates, why = self.rates, "it refused some as too many"
        if rates.requests is not None and self._interval(self.now()) is None:
            times = "once" if rates.requests == 1 else f"{rates.requests:g} times"
            why = f"it may be asked {times} a minute"
        if rates.tokens is not None:
            why = f"{why}, with {rates.tokens:,} tokens a minute"
        return Notice(CODE, f"{self.model}: waiting {seconds:.0f} s, for {why}")

    def accepted(self) -> None:
        """The service has begun to answer a request."""
        self._accepted.append(self._active(self.now()))

    def refused(self, delay: float) -> None:
        """The service refused a request as one too many, and named the seconds after which it will not."""
        with self._lock:
            now = self.now()
            until = now + delay
            if until > self._paused_until:
                self._pauses += until - max(now, self._paused_until)
                self._paused_until = until
            self._refusal = delay

    def spent(self, usage: Usage) -> None:
        """What a request has had in tokens."""
        tokens = usage.prompt_tokens + usage.tool_use_tokens
        if tokens and self.rates.tokens is not None:
            with self._lock:
                self._uncharged += tokens - self._tokens
                self._tokens = (self._tokens * 3 + tokens) // 4 if self._tokens else tokens

    def _gate(self) -> asyncio.Lock:
        return self._gates.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    def _rates(self, now: float) -> Rates:
        return self.rates.slower(self._interval(now))

    def _interval(self, now: float) -> float | None:
        """What was learnt, as far as it still holds."""
        if self._learnt is None:
            return None
        age = now - self._learnt.at
        return self._learnt.interval / 2 ** int(age / MINUTE) if age < _FORGOTTEN else None

    def _learn(self, now: float) -> None:
        """Take the last refusal's lesson: by the end of its pause, all that had been accepted before it is known."""
        if self._refusal is None:
            return
        rate = self._rate(self._active(now), self._refusal)
        if rate is not None:
            self._learnt = _Learnt(1 / (rate * _CAUTION), now)
        if now >= self._paused_until:
            self._refusal = None

    def _active(self, now: float) -> float:
        """The time without the pauses, as far as they are over."""
        return now - self._pauses + max(0.0, self._paused_until - now)

    def _rate(self, active: float, delay: float) -> float | None:
        """How many requests a second were accepted, the delay counted in; over the span that shows most."""
        rates = []
        for span in _SPANS:
            within = [moment for moment in self._accepted if moment > active - span]
            if len(within) >= _ENOUGH:
                rates.append(len(within) / (active - within[0] + delay))
        return max(rates, default=None)

    async def _take(self) -> None:
        """Take permits for those who wait, a few at a time, so that other processes come in between."""
        now, pauses = self.now(), self._pauses
        rates = self._rates(now).slower(_SPREAD)
        count = max(1, min(self._waiting, int(_BATCH_SECONDS / rates.interval)))
        shared = next(reversed(self._claims.values()))[1] if self._claims else None
        if shared is None:
            moments = self._from_own(now, count, rates)
        else:
            moments = await self._from_shared(shared, now, count, rates)
        with self._lock:
            self._permits.extend(moment - pauses for moment in moments)

    def _from_own(self, now: float, count: int, rates: Rates) -> list[float]:
        with self._lock:
            self._ledger, moments = self._reserved(self._ledger, now, count, rates)
            self._uncharged = 0
        return moments

    async def _from_shared(self, shared: SharedState, now: float, count: int, rates: Rates) -> list[float]:
        try:
            for _ in range(_ATTEMPTS):
                found = await shared.get(self._key)
                before = Ledger() if found is None else Ledger.from_text(found.text, now)
                charged = self._uncharged
                after, moments = self._reserved(before, now, count, rates)
                version = None if found is None else found.version
                if await shared.put_if(self._key, after.to_text(), version) is not None:
                    with self._lock:
                        self._ledger, self._uncharged = after, self._uncharged - charged
                    return moments
        except ChatStorageError as error:
            logger.warning("the rate limit of %s is counted by this process alone: %s", self.model, error)
        return self._from_own(now, count, rates)

    def _reserved(self, ledger: Ledger, now: float, count: int, rates: Rates) -> tuple[Ledger, list[float]]:
        queued = self._last + self._pauses + rates.interval if self._last else 0.0
        ledger = ledger.charged(now, self._uncharged).after(max(self._paused_until, queued))
        return ledger.reserved(now, count, rates, self._tokens)


def is_shared(state: SharedState | None) -> bool:
    """Whether other processes see it."""
    return state is not None and not isinstance(state, LocalSharedState)
