"""When a case is decided, and what its passes are worth."""

from __future__ import annotations

import itertools
import math

import pytest

from runner.conversations.repeats import is_decided, needed, pass_hat, wilson


@pytest.mark.parametrize(
    ("repeats", "rate", "least"), [(10, 0.8, 8), (10, 1.0, 10), (3, 0.5, 2), (10, 0.7, 7), (1, 1.0, 1), (5, 0.0, 0)]
)
def test_the_rate_says_how_many_must_pass(repeats: int, rate: float, least: int) -> None:
    assert needed(repeats, rate) == least


@pytest.mark.parametrize("repeats", [1, 2, 3, 10])
@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_a_case_is_decided_when_whatever_comes_gives_the_same(repeats: int, rate: float) -> None:
    """Compared with all ways in which the rest may come out."""
    for passes, others in itertools.product(range(repeats + 1), repeat=2):
        left = repeats - passes - others
        if left < 0:
            continue
        ends = {passes + more >= needed(repeats, rate) for more in range(left + 1)}
        undecided = len(ends) == 2
        if rate > 0:
            assert is_decided(passes, others, repeats, rate) is not undecided
        else:  # nothing has to pass: then it is run to see how often it does
            assert is_decided(passes, others, repeats, rate) is (left == 0)


@pytest.mark.parametrize(
    ("passes", "runs", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (1, 1, 0.2065, 1.0), (0, 0, 0.0, 1.0)],
)
def test_the_wilson_interval_is_that_of_the_books(passes: int, runs: int, low: float, high: float) -> None:
    assert wilson(passes, runs) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_pass_hat_k_is_the_share_of_ways_to_draw_k_runs_that_all_passed() -> None:
    runs = [True] * 7 + [False] * 3
    for k in range(1, 11):
        draws = list(itertools.combinations(runs, k))
        assert math.isclose(pass_hat(7, 10, k), sum(map(all, draws)) / len(draws))
    assert pass_hat(3, 3, 4) == 0.0
