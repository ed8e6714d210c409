"""`Quota`: what all models of this process that use one account share."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from runner.models.limiting.budget import RetryBudget
from runner.models.limiting.limiter import Limiter

if TYPE_CHECKING:
    from runner.models.base import Model


class Quota:
    """The retry budget of one account, and a limiter for each of its models."""

    def __init__(self, account: str) -> None:
        self.account, self.budget = account, RetryBudget()
        self._lock = threading.Lock()
        self._limiters: dict[str, Limiter] = {}

    def limiter(self, model: str) -> Limiter:
        """The limiter of a model, made when it is first asked for."""
        with self._lock:
            if model not in self._limiters:
                self._limiters[model] = Limiter(model, f"rate-limit/{self.account}/{model}")
            return self._limiters[model]


_QUOTAS: weakref.WeakValueDictionary[str, Quota] = weakref.WeakValueDictionary()
"""Those in use: a quota lives as long as a model that holds it."""
_LOCK = threading.Lock()


def quota_of(account: str) -> Quota:
    """The quota of an account; one that has no name is shared by nobody."""
    if not account:
        return Quota(account)
    with _LOCK:
        found = _QUOTAS.get(account)
        if found is None:
            found = _QUOTAS[account] = Quota(account)
        return found


def quota_within(model: Model) -> Quota | None:
    """The quota of a model, or of the one within its wrappers, if it has one."""
    inner: Model | None = model
    while inner is not None and inner.quota is None:
        inner = getattr(inner, "model", None)
    return None if inner is None else inner.quota
