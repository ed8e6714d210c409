"""When requests may begin: evenly, and never more in a minute than there may be."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.models.limiting.ledger import Ledger, Rates

NOW = 1_800_000_000.0


def moments(count: int, rates: Rates, tokens: int = 0) -> list[float]:
    ledger, found = Ledger(), []
    for _ in range(count):
        ledger, more = Ledger.from_text(ledger.to_text(), NOW).reserved(NOW, 1, rates, tokens)
        found += more
    return [round(moment - NOW, 3) for moment in found]


def test_many_a_minute_are_spread_evenly_over_it() -> None:
    found = moments(601, Rates(requests=600))
    assert found[0] == 0
    assert all(0.1 < after - before < 0.104 for before, after in pairwise(found))


def test_few_a_minute_come_one_a_second_until_the_minute_has_had_them() -> None:
    found = moments(7, Rates(requests=3))
    assert found[:3] == [0, 1.02, 2.04]
    assert found[3] >= 60
    assert found[6] - found[3] >= 60


def test_tokens_of_the_last_minute_are_waited_for() -> None:
    found = moments(5, Rates(tokens=1000), tokens=400)
    assert found[:2] == [0, 0]
    assert found[2] >= 60


def test_a_request_larger_than_the_minute_is_sent_alone() -> None:
    first, second = moments(2, Rates(tokens=1000), tokens=5000)
    assert first == 0
    assert second >= 60


def test_tokens_that_were_not_reckoned_with_are_charged_later() -> None:
    ledger, _ = Ledger().reserved(NOW, 1, Rates(tokens=1000), 0)
    _, (moment,) = ledger.charged(NOW, 1000).reserved(NOW + 1, 1, Rates(tokens=1000), 100)
    assert moment >= NOW + 60


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"next": "x", "used": []}', '{"next": 1e300, "used": []}'])
def test_what_is_no_ledger_or_of_a_wrong_clock_is_an_empty_one(text: str) -> None:
    assert Ledger.from_text(text, NOW) == Ledger()


@settings(max_examples=60, deadline=None)
@given(
    rate=st.integers(1, 2000),
    waits=st.lists(st.floats(0, 30), min_size=1, max_size=80),
    batch=st.integers(1, 5),
)
def test_no_minute_ever_has_more_requests_than_it_may(rate: int, waits: list[float], batch: int) -> None:
    ledger, found, now = Ledger(), [], NOW
    for wait in waits:
        now += wait
        ledger, more = ledger.reserved(now, batch, Rates(requests=rate), 0)
        found += more
    assert found == sorted(found)
    for index, moment in enumerate(found):
        assert sum(other < moment + 60 for other in found[index:]) <= max(rate, 1)
