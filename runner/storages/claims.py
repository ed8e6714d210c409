"""Claims: who holds what inside this process, across its tasks, threads and event loops."""

from __future__ import annotations

import asyncio
import itertools
import threading
from dataclasses import dataclass

from runner.storages.lease import Holder, utc_now


@dataclass(frozen=True, slots=True)
class _Claim:
    holder: Holder
    subject: object  # kept alive, so that its id is no one else's while the claim stands
    loop: asyncio.AbstractEventLoop


class Claims:
    """A table of claims on (object, name). What is not claimed takes no room."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epochs = itertools.count(1)
        self._held: dict[tuple[int, str], _Claim] = {}

    def take(self, subject: object, name: str, owner: str) -> Holder:
        """Claim it for `owner` if it is free, or its holder's event loop was closed; the holder after that."""
        loop = asyncio.get_running_loop()
        key = (id(subject), name)
        with self._lock:
            claim = self._held.get(key)
            if claim is None or (claim.loop.is_closed() and claim.holder.owner != owner):
                claim = _Claim(Holder(owner, next(self._epochs), since=utc_now()), subject, loop)
                self._held[key] = claim
            return claim.holder

    def holds(self, subject: object, name: str, owner: str) -> bool:
        """Whether `owner` has the claim."""
        claim = self._held.get((id(subject), name))
        return claim is not None and claim.holder.owner == owner

    def is_held(self, subject: object, name: str) -> bool:
        """Whether anyone has the claim whose event loop is not closed."""
        claim = self._held.get((id(subject), name))
        return claim is not None and not claim.loop.is_closed()

    def drop(self, subject: object, name: str, owner: str) -> None:
        """Free it if `owner` has the claim."""
        key = (id(subject), name)
        with self._lock:
            claim = self._held.get(key)
            if claim is not None and claim.holder.owner == owner:
                del self._held[key]

    def __len__(self) -> int:
        return len(self._held)
