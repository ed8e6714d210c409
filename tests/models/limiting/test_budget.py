"""The retry budget: a fifth of the last minute's requests, or ten."""

from __future__ import annotations

import pytest

from runner.errors import GeminiAPIError
from runner.models.limiting.budget import FLOOR, RetryBudget
from runner.models.limiting.quota import quota_of
from runner.models.retry import Retry
from runner.models.scripted import ScriptedModel, error, say
from tests.models.asking import answer

LIMITED = GeminiAPIError(429, "RESOURCE_EXHAUSTED", "slow down", retryable=True, retry_after=2.0)


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def at_once(_seconds: float) -> None:
    pass


def sent(budget: RetryBudget, requests: int, resends: int) -> None:
    for number in range(requests):
        budget.count(is_resend=number < resends)


def test_few_requests_may_be_sent_again_ten_times() -> None:
    budget = RetryBudget(Clock())
    sent(budget, FLOOR - 1, FLOOR - 1)
    assert not budget.is_used_up
    sent(budget, 1, 1)
    assert budget.is_used_up


def test_of_many_requests_a_fifth_may_be_resends() -> None:
    budget = RetryBudget(Clock())
    sent(budget, 100, 19)
    assert not budget.is_used_up
    sent(budget, 1, 1)
    assert budget.is_used_up


def test_what_is_longer_ago_than_a_minute_counts_no_more() -> None:
    budget = RetryBudget(clock := Clock())
    sent(budget, 50, 50)
    assert budget.is_used_up
    clock.now += 62
    assert not budget.is_used_up


class Shared(ScriptedModel):
    """A scripted model of an account whose quota others use as well."""

    account = quota_of("an account of this test")

    @property
    def quota(self) -> object:
        return self.account


async def test_a_failure_is_told_at_once_when_others_have_used_the_budget_up() -> None:
    sent(Shared.account.budget, FLOOR, FLOOR)
    model = Shared(error(503), say("never asked for"))
    with pytest.raises(GeminiAPIError, match="retry budget used up, gave up after 1 try") as given_up:
        await answer(Retry(model, sleep=at_once))
    assert (given_up.value.code, given_up.value.retryable) == (503, True)
    assert len(model.requests) == 1


async def test_one_resend_at_the_time_that_the_service_named_is_not_refused() -> None:
    sent(Shared.account.budget, FLOOR, FLOOR)
    assert (await answer(Retry(Shared(error(LIMITED), say("fine")), sleep=at_once))).text == "fine"
    with pytest.raises(GeminiAPIError, match="retry budget used up, gave up after 2 tries"):
        await answer(Retry(Shared(error(LIMITED), error(LIMITED)), sleep=at_once))


async def test_a_model_without_an_account_has_its_own_number_of_resends_and_no_budget() -> None:
    for _ in range(2 * FLOOR):
        assert (await answer(Retry(ScriptedModel(error(503), say("fine")), sleep=at_once))).text == "fine"
