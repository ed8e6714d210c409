"""What all processes know about one agent's context cache: a record in the storage's shared state."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from runner.messages import to_json
from runner.storages.shared_record import SharedRecord

if TYPE_CHECKING:
    from runner.storages.shared_state import SharedState

_LONGEST_WAIT = 86_400.0  # seconds: a moment later than that was written by a clock that was wrong


@dataclass(frozen=True, slots=True)
class Kept:
    """A cache at the service. Moments are seconds since 1970; `by` is who made it known."""

    key: str
    name: str
    model: str
    expires: float
    refreshed: float
    by: str
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """Until when no cache is made for a key, and why."""

    until: float
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """The cache there is, what was tried by key, and when another key was wanted than before."""

    kept: Kept | None = None
    tries: dict[str, Try] = field(default_factory=dict)
    wanted: str | None = None
    changes: tuple[float, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> Record:
        """The record of a stored text; one of another form is as if there were none."""
        try:
            told = json.loads(text)
            kept = None if told["kept"] is None else Kept(**told["kept"])
            tries = {key: Try(**each) for key, each in told["tries"].items()}
            return cls(kept, tries, told["wanted"], tuple(told["changes"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def to_text(self) -> str:
        """The record as one line of JSON."""
        return to_json(asdict(self))

    def reason_to_wait(self, key: str, now: float) -> str | None:
        """Why no cache is made for a key now; None where one may be."""
        last = self.tries.get(key)
        return last.reason if last is not None and now < last.until <= now + _LONGEST_WAIT else None

    def tried(self, key: str, until: float, reason: str, now: float) -> Record:
        """With an attempt for a key; those that keep nobody from trying any more are forgotten."""
        tries = {each: one for each, one in self.tries.items() if self.reason_to_wait(each, now)}
        return replace(self, tries={**tries, key: Try(until, reason)})

    def wanting(self, key: str, now: float, within: float) -> Record:
        """With the key that is wanted now, and the changes of it that are not long ago."""
        recent = tuple(moment for moment in self.changes if now - within < moment <= now)
        is_change = self.wanted not in {None, key}
        return replace(self, wanted=key, changes=(*recent, now) if is_change else recent)

    def without(self, name: str) -> Record:
        """Without the cache of that name, if it is the one that is kept."""
        return replace(self, kept=None) if self.kept is not None and self.kept.name == name else self


class Records(SharedRecord[Record]):
    """The record of one context cache."""

    def __init__(self, shared: SharedState, key: str) -> None:
        super().__init__(shared, key, _record, Record.to_text, "a context cache")


def _record(text: str | None) -> Record:
    return Record() if text is None else Record.from_text(text)
