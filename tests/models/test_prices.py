"""What model calls cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from runner.models.catalog import GoneModel, catalog
from runner.models.prices import cost, prices
from runner.requests import Usage

MILLION = 1_000_000
NOVEMBER = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        ("gemini-3.8-flash", Usage(prompt_tokens=MILLION), 0.75),
        ("gemini-3.8-flash", Usage(output_tokens=MILLION), 3.75),
        ("gemini-3.8-flash", Usage(thoughts_tokens=MILLION), 3.75),
        ("gemini-3.8-flash", Usage(prompt_tokens=MILLION, cached_tokens=MILLION), 0.075),
        ("gemini-3.8-flash", Usage(tool_use_tokens=MILLION), 0.75),
        ("models/gemini-3.8-flash-001", Usage(prompt_tokens=MILLION), 0.75),
        ("gemini-3.7-flash", Usage(prompt_tokens=MILLION), 0.75),
        ("gemini-3.1-pro-preview", Usage(prompt_tokens=200_000), 0.4),
        ("gemini-3.1-pro-preview", Usage(prompt_tokens=400_000), 1.6),
        ("gemini-2.5-flash-lite", Usage(), 0.0),
    ],
)
def test_a_call_costs_what_its_tokens_do(model: str, usage: Usage, dollars: float) -> None:
    assert cost(model, usage, NOVEMBER) == pytest.approx(dollars)


def test_a_price_holds_from_its_day_on() -> None:
    usage = Usage(prompt_tokens=MILLION)
    assert cost("gemini-3.8-flash", usage, datetime(2026, 12, 31, 23, tzinfo=UTC)) == pytest.approx(0.75)
    assert cost("gemini-3.8-flash", usage, datetime(2027, 1, 1, tzinfo=UTC)) == pytest.approx(1.5)
    west = timezone(timedelta(hours=-5))
    assert cost("gemini-3.8-flash", usage, datetime(2026, 12, 31, 23, tzinfo=west)) == pytest.approx(1.5)
    assert cost("gemini-3.8-flash", usage, datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("model", ["gemini-9", "", "tools.model:Mine"])
def test_what_is_not_known_is_none_and_not_nothing(model: str) -> None:
    assert cost(model, Usage(prompt_tokens=1), NOVEMBER) is None


def test_a_cache_whose_price_is_not_known_makes_the_call_unknown() -> None:
    assert cost("gemini-4-neon", Usage(prompt_tokens=10, cached_tokens=5), NOVEMBER) is None
    assert cost("gemini-4-neon", Usage(prompt_tokens=10), NOVEMBER) is not None


def test_every_price_is_one_of_a_known_model_and_in_order_of_its_days() -> None:
    known = prices()
    assert known.as_of
    assert known.source.startswith("https://")
    for name, listed in known.models.items():
        assert not isinstance(catalog().find(name), GoneModel | None), name
        assert [price.effective_from for price in listed] == sorted(price.effective_from for price in listed)
