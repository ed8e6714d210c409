"""Repeats: when a case is decided, and what its passes say about the runs to come."""

from __future__ import annotations

import math

_NORMAL_95 = 1.959963984540054


def needed(repeats: int, pass_rate: float) -> int:
    """How many of the repeats must pass."""
    return math.ceil(pass_rate * repeats - 1e-9)


def is_decided(passes: int, others: int, repeats: int, pass_rate: float) -> bool:
    """Whether more runs can change nothing: enough passed, or too few still can."""
    least = needed(repeats, pass_rate)
    return passes + others >= repeats or (passes >= least > 0) or others > repeats - least


def wilson(passes: int, runs: int, z: float = _NORMAL_95) -> tuple[float, float]:
    """The Wilson score interval of the share that passes, at 95 % unless `z` says otherwise; (0, 1) without runs."""
    if runs == 0:
        return 0.0, 1.0
    share = passes / runs
    middle = share + z * z / (2 * runs)
    spread = z * math.sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs))
    scale = 1 + z * z / runs
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return (0.0 if passes == 0 else max(0.0, low)), (1.0 if passes == runs else min(1.0, high))


def pass_hat(passes: int, runs: int, k: int) -> float:
    """pass^k: the chance that k runs drawn from these all passed, 0 where there are fewer than k runs."""
    return math.comb(passes, k) / math.comb(runs, k) if 0 < k <= runs else 0.0
