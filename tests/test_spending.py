"""What a turn costs, and where it ends for it: over the wire, in dollars of the list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from runner import GeminiClient, Limits, ModelChoiceError, TurnEnded, UsageReported, tool
from runner.requests import Cost, Usage
from runner.spending import Spending, dollars, unpriced
from tests.servers import GeminiServer, Reply, calls, error, text, usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner import Event

MODEL = "gemini-3.6-flash"  # whose price does not change on a day to come
STEP = calls(("look_up", {"word": "rain"})) + usage(prompt=1000, candidates=100, thoughts=50, cached=400)
STEP_COST = (600 * 0.75 + 400 * 0.075 + 150 * 3.75) / 1e6


@tool(effects="none")
async def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is known"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    with GeminiServer() as running:
        running.stand_in(monkeypatch)
        yield running


async def told(*replies: Reply, server: GeminiServer, **options: Any) -> list[Event]:
    server.script(*replies)
    limits = {name: options.pop(name) for name in ("max_cost", "max_tokens") if name in options}
    options = {"model": MODEL, "tools": [look_up], **options}
    async with GeminiClient(limits=Limits(**limits)) as client:
        return [event async for event in client.events(query="Rain?", **options)]


def end(events: list[Event]) -> TurnEnded:
    ended = events[-1]
    assert isinstance(ended, TurnEnded)
    return ended


async def test_each_step_and_the_turn_tell_what_they_cost(server: GeminiServer) -> None:
    events = await told(STEP, text("Yes.") + usage(prompt=2000, candidates=10), server=server)
    steps = [event for event in events if isinstance(event, UsageReported)]
    assert [(step.model, step.cost and round(step.cost.total, 9)) for step in steps] == [
        (MODEL, round(STEP_COST, 9)),
        (MODEL, round((2000 * 0.75 + 10 * 3.75) / 1e6, 9)),
    ]
    ended = end(events)
    assert ended.cost is not None
    assert steps[0].cost is not None
    assert ended.cost.thoughts == pytest.approx(50 * 3.75 / 1e6)
    assert ended.cost.cached == pytest.approx(400 * 0.075 / 1e6)
    assert ended.to_json()["cost"] == pytest.approx(ended.cost.total)


@pytest.mark.parametrize(
    ("limits", "code", "said"),
    [
        ({"max_tokens": 1150}, "max_tokens", "1,150 tokens in one turn: 1,150 are allowed"),
        ({"max_cost": STEP_COST}, "max_cost", "$0.0010 in one turn: $0.0010 are allowed"),
    ],
)
async def test_a_limit_ends_the_turn_between_two_steps(
    server: GeminiServer, limits: dict[str, Any], code: str, said: str
) -> None:
    """No tool starts; the calls have their answers, so the chat goes on."""
    async with GeminiClient(limits=Limits(**limits)) as client:
        server.script(STEP)
        events = [event async for event in client.events(query="Rain?", model=MODEL, tools=[look_up])]
        ended = end(events)
        assert (ended.reason, ended.code, ended.message) == ("limit", code, said)
        assert [event.to_json()["kind"] for event in events if event.type == "tool_returned"] == ["not_started"]
        server.script(text("Yes."))
        assert end([event async for event in client.events(query="And?", model=MODEL)]).reason == "answered"
    assert not server.refused


async def test_an_answer_is_an_answer_whatever_it_has_cost(server: GeminiServer) -> None:
    reply = text("Yes.") + usage(prompt=1_000_000, candidates=1)
    assert end(await told(reply, server=server, max_cost=0.0001, max_tokens=1)).reason == "answered"


@pytest.mark.parametrize(("own", "given"), [(1150, 9000), (9000, 1150), (1150, None), (None, 1150)])
async def test_of_the_clients_limit_and_that_of_a_call_the_lower_one_holds(
    server: GeminiServer, own: int | None, given: int | None
) -> None:
    server.script(STEP)
    async with GeminiClient(limits=Limits(max_tokens=own)) as client:
        events = client.events(query="Rain?", model=MODEL, tools=[look_up], max_tokens=given)
        assert end([event async for event in events]).code == "max_tokens"


async def test_a_limit_of_cost_without_a_price_is_refused_before_anything_is_sent(server: GeminiServer) -> None:
    ended = end(await told(server=server, max_cost=1.0, model="gemini-9"))
    assert isinstance(ended.error, ModelChoiceError)
    assert "the price of gemini-9 is not known" in str(ended.message)
    assert ended.to_json()["cost"] == 0
    assert server.requests == []


async def test_a_turn_ends_when_a_model_of_an_unknown_price_answers_in_place_of_its_own(server: GeminiServer) -> None:
    ended = end(await told(STEP.but(model_version="gemini-9"), server=server, max_cost=1.0))
    assert (ended.reason, ended.code) == ("limit", "max_cost")
    assert "a model answered whose price is not known" in str(ended.message)
    assert ended.cost is None


async def test_what_is_not_known_is_null_and_not_left_out(server: GeminiServer) -> None:
    events = await told(text("Yes.").but(model_version="gemini-9"), server=server)
    assert [event.to_json()["cost"] for event in events if event.type in {"usage_reported", "turn_ended"}] == [None] * 2


async def test_tokens_of_a_reply_that_is_none_are_counted_and_kept(server: GeminiServer) -> None:
    server.script(STEP + Reply(finish="SAFETY"))
    async with GeminiClient() as client:
        ended = end([event async for event in client.events(query="Rain?", model=MODEL, chat_id="c")])
        closing = (await client.chat_manager.storage.read_after("c", 0))[-1]
    assert ended.reason == "failed"
    assert ended.usage.total_tokens == 1150
    assert ended.cost is not None
    assert closing.kind == "closed"
    assert (closing.meta["usage"]["total_tokens"], closing.meta["model"]) == (1150, MODEL)


async def test_a_failure_without_a_reply_costs_nothing(server: GeminiServer) -> None:
    ended = end(await told(error(400), server=server))
    assert (ended.reason, ended.cost) == ("failed", Cost())


def test_cached_tokens_of_an_unknown_price_count_against_a_limit_like_others() -> None:
    """The sum is not known, and the limit holds all the same."""
    spending, when = Spending(), datetime(2027, 2, 1, tzinfo=UTC)
    used = Usage(prompt_tokens=1_000_000, cached_tokens=900_000, total_tokens=1_000_000)
    assert spending.add("gemini-3.8-flash", used, when) is None
    assert spending.cost is None
    assert spending.limit(1.6, None) is None
    assert spending.limit(1.4, None) is not None


def test_the_embedded_model_costs_nothing() -> None:
    when = datetime.now(UTC)
    assert unpriced("offline", when) is None
    assert Spending().add("offline", Usage(prompt_tokens=5, total_tokens=5), when) == Cost()


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (0, "$0.00"),
        (12.5, "$12.50"),
        (1234.5, "$1,234.50"),
        (0.0042, "$0.0042"),
        (0.000023, "$0.000023"),
        (1e-9, "$0.000001"),
    ],
)
def test_dollars_show_what_there_is(amount: float, told: str) -> None:
    assert dollars(amount) == told
