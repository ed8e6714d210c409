"""The queue in front of a model: fair, shared, and taught by refusals. Nothing is waited for here."""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from runner.errors import ChatStorageError
from runner.models.limiting.ledger import Rates
from runner.models.limiting.limiter import Limiter
from runner.models.limiting.quota import quota_of
from runner.requests import Usage
from runner.storages.sqlite import SqliteChatStorage

if TYPE_CHECKING:
    from pathlib import Path

    from runner.storages.shared_state import SharedState, SharedValue

TEN_A_SECOND = Rates(requests=600)


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counted:
    """A shared state that counts what is written to it."""

    def __init__(self, state: SharedState) -> None:
        self._state, self.written = state, 0

    async def get(self, key: str) -> SharedValue | None:
        return await self._state.get(key)

    async def put_if(self, key: str, text: str | None, version: str | None) -> str | None:
        self.written += 1
        return await self._state.put_if(key, text, version)


class Broken:
    """A shared state that cannot be reached."""

    async def get(self, key: str) -> SharedValue | None:
        raise ChatStorageError("the disk is gone")


def limiter(rates: Rates | None = None, shared: object = None, clock: Clock | None = None) -> Limiter:
    made = Limiter("a-model", "rate-limit/test", clock or Clock())
    if rates is not None:
        made.claim("a test", rates, shared)  # type: ignore[arg-type]  # as much of a state as it needs
    return made


async def waits(queue: Limiter, count: int) -> list[float]:
    """How long each of so many requests that come at once has to wait, in the order in which they came."""
    tickets = await asyncio.gather(*(queue.ticket() for _ in range(count)))
    return [0.0 if ticket is None else round(ticket.left, 3) for ticket in tickets]


async def test_what_is_not_limited_does_not_wait() -> None:
    assert await waits(limiter(), 100) == [0.0] * 100


async def test_requests_begin_in_the_order_in_which_they_came() -> None:
    found = await waits(limiter(TEN_A_SECOND), 50)
    assert found == sorted(found)
    assert found[0] == 0
    assert found[49] == pytest.approx(49 * 0.102)


async def test_the_rates_claimed_last_hold_until_they_are_released() -> None:
    queue = limiter(TEN_A_SECOND)
    queue.claim("another", Rates(requests=60), None)
    assert queue.rates == Rates(requests=60)
    queue.release("another")
    assert queue.rates == TEN_A_SECOND
    queue.claim("one that says nothing", Rates(), None)
    assert queue.rates == TEN_A_SECOND


async def test_a_refusal_is_a_pause_for_all_who_wait_and_who_come() -> None:
    queue = limiter(TEN_A_SECOND)
    tickets = [ticket for ticket in [await queue.ticket() for _ in range(3)] if ticket]
    before = [ticket.left for ticket in tickets]
    queue.refused(2.0)
    assert [ticket.left - was for ticket, was in zip(tickets, before, strict=True)] == pytest.approx([2.0] * 3)
    late = await queue.ticket()
    assert late is not None
    assert late.left > tickets[-1].left


async def test_two_refusals_at_once_are_one_pause() -> None:
    queue = limiter(TEN_A_SECOND)
    ticket = await queue.ticket()
    assert ticket is not None
    queue.refused(2.0)
    queue.refused(2.0)
    queue.refused(1.0)
    assert ticket.left == pytest.approx(2.0)


async def test_after_a_pause_not_all_come_at_once_though_no_rate_is_known() -> None:
    queue = limiter()
    queue.refused(1.0)
    found = await waits(queue, 50)
    assert found[0] == 1.0
    assert all(after > before for before, after in pairwise(found))


async def test_what_was_accepted_before_a_refusal_is_the_rate_after_it() -> None:
    queue = limiter(clock=(clock := Clock()))
    for _ in range(10):
        queue.accepted()
    queue.refused(1.0)  # ten at once, and in a second again
    clock.now += 1.0
    found = await waits(queue, 11)
    assert found[10] - found[0] == pytest.approx(10 * 0.1 / 0.95 * 1.02, rel=0.01)


async def test_a_rate_of_a_minute_is_read_off_a_minute() -> None:
    queue = limiter(clock=(clock := Clock()))
    for _ in range(60):
        queue.accepted()
        clock.now += 0.5
    queue.refused(30.0)
    clock.now += 30.0
    found = await waits(queue, 3)
    assert found[2] - found[0] == pytest.approx(2 * 1.02, rel=0.1)


async def test_what_was_learnt_is_doubled_each_minute_and_forgotten_after_five() -> None:
    queue = limiter(clock=(clock := Clock()))
    for _ in range(10):
        queue.accepted()
    queue.refused(1.0)
    clock.now += 1.0
    first = await waits(queue, 3)
    clock.now += 61.0
    second = await waits(queue, 3)
    assert second[2] - second[1] == pytest.approx((first[2] - first[1]) / 2, rel=0.05)
    clock.now += 300.0
    assert await waits(queue, 3) == [0.0] * 3


async def test_a_few_accepted_requests_teach_nothing() -> None:
    queue = limiter(clock=(clock := Clock()))
    queue.accepted()
    queue.refused(30.0)
    clock.now += 30.0
    assert await waits(queue, 3) == [0.0] * 3


async def test_tokens_are_reckoned_by_what_the_last_requests_had() -> None:
    queue = limiter(Rates(tokens=1000))
    assert await waits(queue, 1) == [0.0]
    queue.spent(Usage(prompt_tokens=600, total_tokens=700))
    assert (await waits(queue, 1))[0] > 59


async def test_processes_that_share_a_storage_share_the_rate(tmp_path: Path) -> None:
    """Each has its own storage object on one file, as processes have; no two requests are closer than the rate says."""
    path = tmp_path / "chats.db"
    async with SqliteChatStorage(path) as one, SqliteChatStorage(path) as two:
        here, there = Counted(one.shared), Counted(two.shared)
        clock = Clock()
        queues = limiter(TEN_A_SECOND, here, clock), limiter(TEN_A_SECOND, there, clock)
        found = await asyncio.gather(*(waits(queue, 30) for queue in queues))
        assert all(each == sorted(each) for each in found)
        together = sorted(found[0] + found[1])
        assert all(after - before > 0.1 for before, after in pairwise(together))
        assert together[-1] == pytest.approx(59 * 0.102, abs=0.1)
        assert here.written + there.written < 60, "a trip to the storage for every request"


async def test_a_storage_that_fails_leaves_each_process_its_own_count(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "agent_run"):
        found = await waits(limiter(TEN_A_SECOND, Broken()), 3)
    assert found == [0.0, 0.102, 0.204]
    assert "counted by this process alone: the disk is gone" in caplog.text


async def test_models_of_one_account_share_their_quota_and_others_do_not() -> None:
    quota = quota_of("one account")
    assert quota_of("one account") is quota
    assert quota_of("another account") is not quota
    assert quota.limiter("a") is quota.limiter("a")
    assert quota.limiter("a") is not quota.limiter("b")
