"""`Ledger`: when requests to one model may begin, as all who share it have agreed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from runner.messages import to_json

MINUTE = 60.0
_MARGIN = 1.02  # a request may take a little longer to arrive than the one before it
_MERGED = 1.0  # seconds within which uses are kept as one
_LONGEST = 3600.0  # seconds: a moment later than that was written by a clock that was wrong


@dataclass(frozen=True, slots=True)
class Rates:
    """What may be asked of a model in a minute; None is no limit. Tokens are those of the prompts."""

    requests: float | None = None
    tokens: int | None = None

    @property
    def interval(self) -> float:
        """Seconds from one request to the next: one a second, or more often where the limit of a minute is higher."""
        return 0.0 if self.requests is None else min(1.0, MINUTE / self.requests) * _MARGIN

    def slower(self, interval: float | None) -> Rates:
        """These rates with at least so many seconds between two requests."""
        if interval is None or interval <= MINUTE / (self.requests or float("inf")):
            return self
        return replace(self, requests=MINUTE / interval)


NO_RATES = Rates()


@dataclass(frozen=True, slots=True)
class Ledger:
    """The moment from which the next request may begin, and what the last minute's had: (moment, requests, tokens).

    Moments are seconds since 1970.
    """

    next: float = 0.0
    used: tuple[tuple[float, int, int], ...] = ()

    @classmethod
    def from_text(cls, text: str, now: float) -> Ledger:
        """The ledger of a stored text; one of another form, or of a clock that was wrong, is as if there were none."""
        try:
            told = json.loads(text)
            ledger = cls(float(told["next"]), tuple((float(at), int(n), int(tokens)) for at, n, tokens in told["used"]))
        except (ValueError, TypeError, KeyError):
            return cls()
        return ledger if ledger.next < now + _LONGEST else cls()

    def to_text(self) -> str:
        """The ledger as one line of JSON."""
        used = [[round(at, 3), n, tokens] for at, n, tokens in self.used]
        return to_json({"next": round(self.next, 3), "used": used})

    def after(self, moment: float) -> Ledger:
        """With no request before that moment."""
        return replace(self, next=max(self.next, moment))

    def charged(self, now: float, tokens: int) -> Ledger:
        """With so many tokens more than were reckoned with, or less."""
        return self.with_use(now, 0, tokens) if tokens else self

    def reserved(self, now: float, count: int, rates: Rates, tokens: int) -> tuple[Ledger, list[float]]:
        """With `count` more requests of about so many tokens each; and when they may begin, in order."""
        ledger, moments = self._recent(now), []
        for _ in range(count):
            moment = ledger.free_from(max(now, ledger.next), rates, tokens)
            ledger = replace(ledger.with_use(moment, 1, tokens), next=moment + rates.interval)
            moments.append(moment)
        return ledger, moments

    def _recent(self, now: float) -> Ledger:
        return replace(self, used=tuple(use for use in self.used if use[0] + MINUTE + _MERGED > now))

    def with_use(self, moment: float, requests: int, tokens: int) -> Ledger:
        """With so many requests and tokens at a moment."""
        if self.used and moment - self.used[-1][0] < _MERGED:
            at, n, before = self.used[-1]
            return replace(self, used=(*self.used[:-1], (at, n + requests, before + tokens)))
        return replace(self, used=(*self.used, (moment, requests, tokens)))

    def free_from(self, moment: float, rates: Rates, tokens: int) -> float:
        """The first moment, not before this one, at which the minute before it leaves room for one more request."""
        most = rates.requests if rates.requests is not None and rates.requests < MINUTE else None
        if most is None and rates.tokens is None:
            return moment
        used = list(self.used)
        while used:
            requests, spent = sum(use[1] for use in used), sum(use[2] for use in used)
            fits = rates.tokens is None or spent + min(tokens, rates.tokens) <= rates.tokens
            if used[0][0] + MINUTE + _MERGED > moment and ((most is not None and requests >= most) or not fits):
                moment = used[0][0] + MINUTE + _MERGED
            elif used[0][0] + MINUTE + _MERGED > moment:
                return moment
            used.pop(0)
        return moment
