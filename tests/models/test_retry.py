"""Retries: only before anything was shown, never more than asked for, never sooner than the service says."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from runner.errors import GeminiAPIError, GeminiResponseError
from runner.events import Notice
from runner.models.base import Model
from runner.models.retry import MAX_WAIT, Retry
from runner.models.scripted import Reply, Scripted, ScriptedModel, call, calls, error, finish, say
from runner.requests import Finish, Usage
from tests.models.asking import Answer, answer, asking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.errors import GeminiClientError
    from runner.requests import GenerateContentRequest, ModelItem

LIMITED = GeminiAPIError(429, "RESOURCE_EXHAUSTED", "slow down", retryable=True)
EMPTY = Reply()
BROKEN_CALL = Reply([{"functionCall": {"name": "", "args": {}}}])


class Clockwork:
    """A retrying model whose waits are recorded instead of waited."""

    def __init__(self, *replies: Scripted, retries: int = 3, chance: float = 0.5) -> None:
        self.waits: list[float] = []
        self.model = ScriptedModel(*replies)
        self.retry = Retry(self.model, retries, sleep=self._sleep, chance=lambda: chance, clock=lambda: sum(self.waits))

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    @property
    def made(self) -> int:
        return len(self.model.requests)


async def test_a_failure_before_anything_was_shown_is_tried_again_with_a_notice() -> None:
    clockwork = Clockwork(error(503), say("fine"))
    got = await answer(clockwork.retry)
    assert got.text == "fine"
    assert got.notices == [Notice("retry", "Gemini is failing or overloaded (503); trying again in 0.5 s (2 of 4)")]
    assert clockwork.waits == [0.5]


async def test_waits_grow_with_full_jitter() -> None:
    for chance, waits in ((1.0, [1, 2, 4]), (0.25, [0.25, 0.5, 1.0]), (0.0, [])):
        clockwork = Clockwork(error(500), error(500), error(0), say("fine"), chance=chance)
        assert (await answer(clockwork.retry)).text == "fine"
        assert clockwork.waits == waits


async def test_it_gives_up_after_its_tries_and_says_how_long_that_took() -> None:
    clockwork = Clockwork(*[error(LIMITED)] * 4, chance=1.0)
    with pytest.raises(GeminiAPIError) as given_up:
        await answer(clockwork.retry)
    assert str(given_up.value) == (
        "429 RESOURCE_EXHAUSTED: rate limited by Gemini (429), gave up after 4 tries, 7.0 s: slow down"
    )
    assert given_up.value.retryable
    assert clockwork.made == 4


@pytest.mark.parametrize("asked", [2.0, 7.5, 40.0])
async def test_the_services_own_delay_is_a_floor_that_is_spread_upwards(asked: float) -> None:
    limited = GeminiAPIError(429, "RESOURCE_EXHAUSTED", "", retryable=True, retry_after=asked)
    for chance in (0.0, 0.5, 1.0):
        clockwork = Clockwork(error(limited), say("fine"), chance=chance)
        await answer(clockwork.retry)
        assert asked <= clockwork.waits[0] <= max(asked * 1.25, asked + 1)
    assert clockwork.waits[0] > asked


async def test_a_wait_is_never_longer_than_the_cap() -> None:
    limited = GeminiAPIError(429, "RESOURCE_EXHAUSTED", "", retryable=True, retry_after=MAX_WAIT)
    clockwork = Clockwork(error(limited), say("fine"), chance=1.0)
    await answer(clockwork.retry)
    assert clockwork.waits == [MAX_WAIT]


async def test_a_service_that_asks_for_more_than_the_cap_is_not_asked_again() -> None:
    limited = GeminiAPIError(429, "RESOURCE_EXHAUSTED", "later", retryable=True, retry_after=3600)
    clockwork = Clockwork(error(limited))
    with pytest.raises(GeminiAPIError, match="asked to wait 3600 s, gave up after 1 try") as given_up:
        await answer(clockwork.retry)
    assert given_up.value.retry_after == 3600
    assert clockwork.waits == []


@pytest.mark.parametrize("failure", [error(400), error(403), error(GeminiResponseError("MALFORMED_REPLY", "bad"))])
async def test_what_would_fail_again_is_not_tried_again(failure: Reply) -> None:
    clockwork = Clockwork(failure)
    with pytest.raises((GeminiAPIError, GeminiResponseError)) as raised:
        await answer(clockwork.retry)
    assert raised.value is failure.failure


@pytest.mark.parametrize("shown", [say("It"), say("", thought="hm")])
async def test_nothing_is_tried_again_once_text_or_thought_was_shown(shown: Reply) -> None:
    clockwork = Clockwork(error(503, after=shown))
    got = Answer()
    with pytest.raises(GeminiAPIError, match="503"):
        await answer(clockwork.retry, into=got)
    assert [part for part in got.parts if part["text"]]
    assert clockwork.made == 1


async def test_calls_are_held_back_so_a_reply_that_breaks_after_them_is_tried_again() -> None:
    clockwork = Clockwork(error(503, after=call("f", id="lost")), call("f", id="kept"))
    got = await answer(clockwork.retry)
    assert [part["functionCall"]["id"] for part in got.parts] == ["kept"]


async def test_held_parts_come_in_their_order_before_the_text_that_follows() -> None:
    parts = [{"text": "", "thoughtSignature": "s"}, *call("f", id="1").parts, {"text": "a"}, *call("g", id="2").parts]
    clockwork = Clockwork(Reply(parts))
    got = await answer(clockwork.retry)
    assert got.parts == parts
    assert got.finish == Finish("STOP")


@pytest.mark.parametrize("poor", [EMPTY, BROKEN_CALL, finish("MALFORMED_FUNCTION_CALL"), finish("MALFORMED_RESPONSE")])
async def test_an_empty_or_malformed_reply_is_asked_for_once_more(poor: Reply) -> None:
    clockwork = Clockwork(poor, say("fine"))
    got = await answer(clockwork.retry)
    assert (got.text, got.codes, clockwork.waits) == ("fine", ["retry"], [])
    assert got.notices[0].message.endswith("asking once more (2 of 4)")


async def test_a_second_malformed_reply_is_passed_on_for_the_caller_to_refuse() -> None:
    clockwork = Clockwork(finish("MALFORMED_FUNCTION_CALL"), BROKEN_CALL)
    got = await answer(clockwork.retry)
    assert got.parts == [{"functionCall": {"name": "", "args": {}, "id": "call-1"}}]
    assert clockwork.made == 2


@pytest.mark.parametrize("reason", ["SAFETY", "MAX_TOKENS", "RECITATION"])
async def test_a_reply_the_service_stopped_is_not_asked_for_again(reason: str) -> None:
    clockwork = Clockwork(finish(reason))
    assert (await answer(clockwork.retry)).finish.reason == reason


async def test_all_resends_count_against_one_limit() -> None:
    clockwork = Clockwork(error(503), EMPTY, error(503), error(503))
    with pytest.raises(GeminiAPIError, match="gave up after 4 tries"):
        await answer(clockwork.retry)
    assert clockwork.made == 4


async def test_without_retries_there_is_one_request() -> None:
    for reply in (error(503), EMPTY):
        clockwork = Clockwork(reply, retries=0)
        with contextlib.suppress(GeminiAPIError):
            await answer(clockwork.retry)
        assert clockwork.made == 1


async def test_the_usage_told_is_that_of_all_attempts() -> None:
    clockwork = Clockwork(Reply(usage=Usage(prompt_tokens=5, total_tokens=5)), say("x", usage=Usage(total_tokens=3)))
    got = await answer(clockwork.retry)
    assert got.usages == [Usage(prompt_tokens=5, total_tokens=5), Usage(prompt_tokens=5, total_tokens=8)]


async def test_an_amended_request_is_sent_at_once_and_only_once() -> None:
    class Amending(ScriptedModel):
        def amended(
            self, request: GenerateContentRequest, error: GeminiClientError
        ) -> tuple[GenerateContentRequest, Notice] | None:
            return (asking("other"), Notice("amended", "sent otherwise")) if isinstance(error, GeminiAPIError) else None

    refused = error(400, "INVALID_ARGUMENT", "no")
    model = Amending(refused, say("fine"))
    got = await answer(Retry(model))
    assert (got.text, got.notices) == ("fine", [Notice("amended", "sent otherwise (2 of 4)")])
    assert [request.contents[0]["parts"][0]["text"] for request in model.requests] == ["Hi", "other"]

    model = Amending(refused, refused)
    with pytest.raises(GeminiAPIError, match="400 INVALID_ARGUMENT: no"):
        await answer(Retry(model))
    assert len(model.requests) == 2


async def test_leaving_early_closes_the_inner_stream() -> None:
    closed: list[str] = []

    class Watched(Model):
        name = "watched"

        async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
            try:
                yield {"text": "a"}
                yield {"text": "b"}
            finally:
                closed.append("inner")

    async with contextlib.aclosing(Retry(Watched()).generate(asking())) as items:
        assert await anext(items) == {"text": "a"}
    assert closed == ["inner"]


async def test_parallel_calls_pass_through_whole() -> None:
    got = await answer(Clockwork(calls(call("f"), call("g"))).retry)
    assert [part["functionCall"]["name"] for part in got.parts] == ["f", "g"]


def test_a_negative_number_of_retries_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Retry(ScriptedModel(), -1)
