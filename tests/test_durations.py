"""Durations are read as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.durations import Duration, seconds, wire


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1h", 3600),
        ("90m", 5400),
        ("1h30m", 5400),
        (" 1H 30M ", 5400),
        ("300s", 300),
        ("1.5h", 5400),
        ("500ms", 0.5),
        ("2d", 172800),
        ("3600", 3600),
        (3600, 3600),
        (0.5, 0.5),
        (timedelta(minutes=2), 120),
    ],
)
def test_a_duration_is_so_many_seconds(written: Duration, meant: float) -> None:
    assert seconds(written) == meant


@pytest.mark.parametrize(
    "written", ["", "soon", "1x", "-5s", "1h-30m", "1:30", "h", -1, True, float("nan"), float("inf")]
)
def test_anything_else_is_refused_with_how_to_write_it(written: Duration) -> None:
    with pytest.raises(ValueError, match='write it as "1h"'):
        seconds(written)


@pytest.mark.parametrize(("written", "sent"), [("1h", "3600s"), (1.5, "1.5s"), ("250ms", "0.25s"), (100, "100s")])
def test_on_the_wire_it_is_seconds_with_an_s(written: Duration, sent: str) -> None:
    assert wire(written) == sent


@given(st.integers(0, 10**6))
def test_what_is_sent_is_read_back_the_same(value: int) -> None:
    assert seconds(wire(value)) == value
