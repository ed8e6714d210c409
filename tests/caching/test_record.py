"""What processes know together about a cache: one writes at a time, and nothing that others wrote is lost."""

from __future__ import annotations

import asyncio

import pytest

from runner.caching.record import Kept, Record, Records, Try
from runner.storages.shared_state import LocalSharedState

KEPT = Kept("k", "cachedContents/c", "gemini-3.8-flash", 100.0, 50.0, "me", 7)


def test_a_record_is_the_same_after_it_was_stored() -> None:
    record = Record(KEPT, {"k": Try(9.0, "why \u00e9")}, "k", (1.0, 2.0))
    text = record.to_text()
    assert text.isascii()
    assert Record.from_text(text) == record


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"kept": {"name": 1}, "tries": {}, "wanted": null, "changes": []}']
)
def test_a_text_that_is_no_record_is_as_none(text: str) -> None:
    """As another release might write it: a cache is made anew."""
    assert Record.from_text(text) == Record()


def test_an_attempt_holds_until_its_time_and_is_forgotten_then() -> None:
    record = Record().tried("a", 60.0, "why", 0.0)
    assert record.reason_to_wait("a", 59.0) == "why"
    assert record.reason_to_wait("a", 60.0) is None
    assert record.tried("b", 200.0, "why", 100.0).tries.keys() == {"b"}


def test_a_moment_that_a_wrong_clock_wrote_holds_nobody_back() -> None:
    assert Record().tried("a", 1e9, "why", 1e9 - 60).reason_to_wait("a", 0.0) is None


def test_only_changes_of_the_last_minute_count() -> None:
    record = Record().wanting("a", 0.0, 60.0)
    assert record.changes == ()
    record = record.wanting("a", 10.0, 60.0).wanting("b", 20.0, 60.0).wanting("c", 50.0, 60.0)
    assert record.changes == (20.0, 50.0)
    assert record.wanting("c", 90.0, 60.0).changes == (50.0,)


async def test_changes_at_once_are_all_made() -> None:
    shared = LocalSharedState()

    async def add(number: int) -> None:
        await Records(shared, "r").update(lambda record: record.tried(f"{number}", 100.0, "why", 0.0))
        await asyncio.sleep(0)

    await asyncio.gather(*(add(number) for number in range(30)))
    assert len((await Records(shared, "r").read()).tries) == 30


async def test_nothing_new_is_not_written() -> None:
    shared = LocalSharedState()
    records = Records(shared, "r")
    await records.update(lambda record: record)
    assert await shared.get("r") is None


def test_only_the_cache_of_that_name_is_forgotten() -> None:
    assert Record(KEPT).without("cachedContents/other").kept == KEPT
    assert Record(KEPT).without(KEPT.name).kept is None
