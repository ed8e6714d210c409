"""`RetryBudget`: how many resends all calls to one service have together."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SHARE = 0.2
"""Resends are at most this share of the requests of the last minute ..."""
FLOOR = 10
"""... or so many, where there were few requests."""
SECONDS = 60.0


class RetryBudget:
    """Counts requests and resends over a sliding minute; may be used by several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds: deque[list[int]] = deque()  # [second, requests, resends]

    def count(self, *, is_resend: bool) -> None:
        """Take note of a request that is sent now."""
        with self._lock:
            self._forget()
            second = int(self._clock())
            if not self._seconds or self._seconds[-1][0] != second:
                self._seconds.append([second, 0, 0])
            self._seconds[-1][1] += 1
            self._seconds[-1][2] += is_resend

    @property
    def is_used_up(self) -> bool:
        """Whether one more resend would be more than there may be."""
        with self._lock:
            self._forget()
            requests = sum(each[1] for each in self._seconds)
            resends = sum(each[2] for each in self._seconds)
            return resends + 1 > max(FLOOR, SHARE * requests)

    def _forget(self) -> None:
        oldest = self._clock() - SECONDS
        while self._seconds and self._seconds[0][0] < oldest:
            self._seconds.popleft()
