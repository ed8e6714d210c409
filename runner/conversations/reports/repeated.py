"""What the repeats of a case say: passes of runs, how sure that is, and its sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.conversations.repeats import pass_hat, wilson
from runner.conversations.reports.amounts import share
from runner.requests import Usage

if TYPE_CHECKING:
    from runner.conversations.results import CaseResult

_K = 3  # of the pass^k that a line of text tells


def used(case: CaseResult) -> Usage:
    """The tokens of all attempts, those of judges included."""
    usages = [usage for each in case.attempts for usage in (each.usage, each.judge_usage)]
    return sum((usage for usage in usages if usage is not None), Usage())


def cost(case: CaseResult) -> float | None:
    """What the agent's turns cost, or did when they were recorded, in US dollars; None where no price is known."""
    return _sum([each.cost for each in case.attempts])


def spent(case: CaseResult) -> float | None:
    """What was spent on the case now, in US dollars, judges included; None where no price is known."""
    return _sum([each.spent for each in case.attempts])


def _sum(costs: list[float | None]) -> float | None:
    known = [each for each in costs if each is not None]
    return sum(known) if known else None


def taken(case: CaseResult) -> float:
    """The milliseconds of all attempts."""
    return sum(each.ms for each in case.attempts)


def repeat_facts(case: CaseResult) -> dict[str, float | None]:
    """Passes, runs and what follows from them, by stable names."""
    low, high = wilson(case.passes, len(case.attempts))
    return {
        "passes": case.passes,
        "runs": len(case.attempts),
        "repeats": case.repeats,
        "pass_rate": case.pass_rate,
        "wilson_low": round(low, 4),
        "wilson_high": round(high, 4),
        "tokens": used(case).total_tokens,
        "cost": _rounded(cost(case)),
        "spent": _rounded(spent(case)),
    }


def _rounded(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 6)


def pass_hats(case: CaseResult) -> list[float]:
    """pass^1, pass^2, ... up to the number of runs."""
    runs = len(case.attempts)
    return [pass_hat(case.passes, runs, k) for k in range(1, runs + 1)]


def repeat_line(case: CaseResult) -> str:
    """`8/10 runs passed (49% to 94% at 95%), pass^3 46.7%, decided early`; empty for a case that is run once."""
    if case.repeats == 1:
        return ""
    runs = len(case.attempts)
    low, high = wilson(case.passes, runs)
    k = min(_K, runs)
    hat = f", pass^{k} {share(pass_hat(case.passes, runs, k))}" if k > 1 else ""
    early = f", decided after {runs} of {case.repeats}" if runs < case.repeats else ""
    return f"{case.passes}/{runs} runs passed ({share(low)} to {share(high)} at 95%){hat}{early}"
