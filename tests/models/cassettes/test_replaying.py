"""A replayed case tells the events of the recorded one; what was not recorded is a miss that says what differs."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from runner import GeminiClient, TurnEnded
from runner.errors import AgentRunError, CassetteError, CassetteMissError, GeminiAPIError
from runner.events import Notice
from runner.models.cassettes import Cassette, Player, Redactor, ReplayModel
from runner.models.retry import Retry
from runner.models.scripted import ScriptedModel, call, calls, error, finish, say
from runner.requests import Finish
from tests.models.asking import answer, asking
from tests.models.cassettes.making import (
    COMMAND,
    NOON,
    SAMPLE,
    SAMPLE_REQUESTS,
    get_weather,
    header,
    missed,
    record,
    recorded,
    replaying,
    session,
    told,
)

if TYPE_CHECKING:
    from pathlib import Path

    from runner.models.scripted import Reply
    from runner.requests import GenerateContentRequest

TURNS = ("What's the weather in Paris?", "And in Fahrenheit?", "Thanks")


def replies() -> list[Reply]:
    several = calls(call("get_weather", {"city": "Paris"}, signature="c2ln"), call("get_weather", {"city": "Rome"}))
    return [several, say("It is 18 degrees.", thought="hm"), say("64 degrees."), say("You are welcome.")]


async def test_a_replayed_conversation_tells_the_same_events(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    one = session(path)
    live = await told(one.model("m", ScriptedModel(*replies(), name="m")), *TURNS)
    assert one.save()
    again = session(path)
    assert (again.way, again.needs_live, again.clock) == ("replay", False, NOON)
    assert await told(again.model("m", family="scripted"), *TURNS) == live
    assert again.unused() == []
    assert [event["reason"] for event in live if event["type"] == "turn_ended"] == ["answered"] * 3
    assert len([event for event in live if event["type"] == "text_delta"]) > 8


async def test_a_cassette_of_the_first_format_is_replayed_for_ever() -> None:
    model = replaying(SAMPLE)
    first, second = [await answer(model, request) for request in SAMPLE_REQUESTS]
    assert first.parts[0]["thoughtSignature"] == "c2lnbmF0dXJl+/=="
    assert [part["text"] for part in second.parts] == ["easy", "18", " degrees", " \N{DEGREE SIGN}C"]


async def test_retries_are_replayed_without_their_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.jsonl"
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    troubles = [error(503), error(429), finish("MALFORMED_FUNCTION_CALL"), say("at last"), *[error(500)] * 4]
    async with recorded(path, ScriptedModel(*troubles, name="m")) as model:
        live = await told(Retry(model, sleep=sleep), "Hi", "Again")
    monkeypatch.setattr(asyncio, "sleep", sleep)
    again = await told(session(path).model("m"), "Hi", "Again")
    assert len(waits) == 5
    assert [event["type"] for event in again] == [event["type"] for event in live]
    assert [event.get("reason") for event in again] == [event.get("reason") for event in live]
    assert (again[-1]["code"], again[-1]["retryable"]) == ("UNAVAILABLE", True)


async def test_a_request_that_the_model_amended_is_amended_again(tmp_path: Path) -> None:
    """Signatures that a service refuses are reset after the refusal, recorded and replayed."""

    class Amending(ScriptedModel):
        def amended(self, request: GenerateContentRequest, _error: object) -> tuple[GenerateContentRequest, Notice]:
            return request, Notice("signatures_reset", "sent without them")

    path = tmp_path / "c.jsonl"
    one = session(path)
    live = await told(one.model("m", Amending(error(400, "INVALID_ARGUMENT"), say("fine"), name="m")), "Hi")
    assert one.save()
    assert await told(session(path).model("m"), "Hi") == live
    assert "signatures_reset" in [event.get("code") for event in live]


async def test_a_failure_after_a_text_comes_after_that_text(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    one = session(path)
    live = await told(one.model("m", ScriptedModel(error(503, after=say("so far")), name="m")), "Hi")
    one.save()
    assert await told(session(path).model("m"), "Hi") == live
    assert live[-1]["reason"] == "failed"


async def test_an_exchange_is_used_once_and_more_is_a_miss(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await record(path, asking("Hi"), asking("Hi"))
    model = replaying(path)
    await answer(model)
    assert [exchange.line for exchange in model.player.unused()] == [4]
    await answer(model)
    with pytest.raises(
        CassetteMissError, match=r"step 1 \(agent\) was not recorded: the cassette's 2 answers are used"
    ):
        await answer(model)


async def test_each_role_has_its_own_order(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    one = session(path)
    agent = one.model("m", ScriptedModel(say("a1"), say("a2"), name="m"))
    judge = one.model("j", ScriptedModel(say("j1"), say("j2"), name="j"), role="judge")
    for model in (agent, judge, judge, agent):
        await answer(model, asking(model=model.name))
    one.save()
    again = session(path)
    judge, agent = again.model("j", role="judge"), again.model("m")
    assert [(await answer(model, asking(model=model.name))).text for model in (judge, judge, agent)] == [
        "j1",
        "j2",
        "a1",
    ]
    assert again.unused() == ["line 6: agent, turn 1, step 1: user: Hi"]
    error = await missed(path, asking(), role="another")
    assert 'the cassette has nothing of "another"' in str(error)


async def test_equal_requests_at_once_get_one_answer_each(tmp_path: Path) -> None:
    """The votes of a judge, say."""
    path = tmp_path / "c.jsonl"
    async with recorded(path, ScriptedModel(say("1"), say("2"), say("3"))) as model:
        await asyncio.gather(*(answer(model) for _ in range(3)))
    player = replaying(path)
    assert [got.text for got in await asyncio.gather(*(answer(player) for _ in range(3)))] == ["1", "2", "3"]


async def test_a_miss_in_a_turn_fails_that_turn_with_the_command_that_records_anew(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    one = session(path, header=header(made_from={"model": "m", "instructions": "#1"}))
    await told(one.model("m", ScriptedModel(*replies(), name="m")), *TURNS)
    one.save()
    later = session(path, header=header(made_from={"model": "m", "instructions": "#2"}))
    assert later.changes == ["instructions changed"]
    async with GeminiClient(model=later.model("m")) as client:
        ended = [event async for event in client.events(query="And in Rome?", tools=[get_weather])][-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.reason, ended.code, ended.retryable) == ("failed", "CASSETTE_MISS", False)
    assert isinstance(ended.error, CassetteMissError)
    assert str(ended.error) == (
        f"{path}:3: turn 1, step 1 (agent) does not ask what was recorded: message 1 differs; "
        f"since it was recorded: instructions changed; record it anew: {COMMAND}"
    )
    assert later.unused()[0] == "line 3: agent, turn 1, step 1: user: What's the weather in Paris?"


def test_the_errors_travel_between_processes() -> None:
    plain = CassetteError("torn", path="a.jsonl", line=3)
    miss = CassetteMissError("m", path="a.jsonl", role="judge", turn=2, step=3, difference="-a\n+b", hint="do this")
    for each in (plain, miss):
        other = pickle.loads(pickle.dumps(each))  # noqa: S301  # our own
        assert (type(other), str(other), vars(other)) == (type(each), str(each), vars(each))
        assert isinstance(each, AgentRunError)
        assert str(copy.copy(each)) == str(each)
    assert (str(plain), str(miss)) == ("a.jsonl:3: torn", "a.jsonl: m; do this")
    miss.hint = "agent-run test --record all"
    assert str(miss) == "a.jsonl: m; agent-run test --record all"


async def test_a_reply_without_a_finish_is_replayed_without_one(tmp_path: Path) -> None:
    class Endless(ScriptedModel):
        async def generate(self, request: GenerateContentRequest) -> Any:
            async for item in super().generate(request):
                if not isinstance(item, Finish):
                    yield item

    path = tmp_path / "c.jsonl"
    async with recorded(path, Endless(say("a b"))) as model:
        live = await answer(model)
    assert (await answer(replaying(path))).parts == live.parts
    assert not live.finishes


async def test_a_failure_that_was_not_amended_is_not(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    one = session(path)
    await told(one.model("m", ScriptedModel(error(400, "INVALID_ARGUMENT"), name="m")), "Hi")
    one.save()
    events = await told(session(path).model("m"), "Hi")
    assert events[-1]["code"] == "INVALID_ARGUMENT"
    assert (
        ReplayModel(Player(Cassette.read(path), Redactor()), "m").amended(asking(), GeminiAPIError(400, "", "")) is None
    )
