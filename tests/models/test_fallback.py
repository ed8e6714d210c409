"""Fallback over the wire: other models for the next turns, each told, and what is stored is not changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner import Agent, ChatMessage, Notice, TurnEnded
from runner.errors import GeminiAPIError
from runner.models.fallback import COOL_DOWN, Fallback, is_out
from runner.models.retry import Retry
from runner.models.scripted import ScriptedModel, say
from runner.models.scripted import error as failing
from runner.storages.shared_state import LocalSharedState
from tests.models.asking import answer
from tests.servers import GeminiServer, RecordedRequest, Reply, calls, echo, error, finish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner import Event

FIRST, SECOND = "gemini-3.8-flash", "gemini-4-hydrogen"
MANIFEST = f"""
model: {{name: {FIRST}, fallback: [{SECOND}]}}
instructions: Be brief.
tools: [looking.py]
storage: sqlite:///chats.db
retries: 1
"""
TOOL = '''
def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is known"
'''
OUT = error(429, retry_delay="3s", quota_id="GenerateRequestsPerDayPerProjectPerModel-FreeTier")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    with GeminiServer(answer=answering) as running:
        running.stand_in(monkeypatch)
        yield running


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "looking.py").write_text(TOOL)
    (tmp_path / "agent.yaml").write_text(MANIFEST)
    return tmp_path / "agent.yaml"


def answering(request: RecordedRequest) -> Reply:
    """Looks a word up, then answers: with signatures that only the same model takes back."""
    if "look" in request.user_text and not request.step:
        return calls(("look_up", {"word": "rain"}))
    return echo(request)


async def turn(agent: Agent, query: str, chat: str = "chat") -> list[Event]:
    return [event async for event in agent.run(query, chat_id=chat)]


def notices(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Notice) and event.code == "fallback"]


def end(events: list[Event]) -> TurnEnded:
    ended = events[-1]
    assert isinstance(ended, TurnEnded)
    return ended


async def log(agent: Agent, chat: str = "chat") -> list[ChatMessage]:
    return await agent.chat_manager.storage.read_after(agent.chat_manager.key(chat), 0)


async def test_the_turn_that_fails_stays_failed_and_the_next_goes_to_the_other_model(
    server: GeminiServer, manifest: Path
) -> None:
    """Both ways through one chat: the failure, the switch, the switch back, with tools and signatures on each side."""
    async with Agent.from_file(manifest) as agent:
        assert end(await turn(agent, "look one")).reason == "answered"
        server.script(OUT)
        failed = await turn(agent, "look two")
        assert (end(failed).reason, end(failed).code) == ("failed", "RESOURCE_EXHAUSTED")
        assert notices(failed) == [f"{FIRST} failed: the next turns go to {SECOND}, for 5 min"]
        before = [entry.to_json() for entry in await log(agent)]

        switched = await turn(agent, "look three")
        assert end(switched).reason == "answered"
        assert notices(switched) == [f"{SECOND} answers: {FIRST} has failed lately"]
        assert {request.model for request in server.generations[-2:]} == {SECOND}
        assert notices(await turn(agent, "look four")) == []

        fallback: Any = agent.client._default_model
        fallback._clock = lambda: 4e9  # the cool-down is over
        back = await turn(agent, "look five")
        assert end(back).reason == "answered"
        assert notices(back) == [f"{FIRST} is asked again"]
        assert {request.model for request in server.generations[-2:]} == {FIRST}

        stored = await log(agent)
        assert [entry.to_json() for entry in stored][: len(before)] == before, "the record was changed"
        signed = [entry for entry in stored if "thoughtSignature" in entry.content_json]
        assert len(signed) == len([entry for entry in stored if entry.kind == "model"]), "a signature is lost"
        answered = [(entry.meta["model"], entry.meta["model_version"]) for entry in stored if entry.kind == "model"]
        assert answered == [(FIRST, FIRST)] * 2 + [(SECOND, SECOND)] * 4 + [(FIRST, FIRST)] * 2
    assert not server.refused, server.refused[0].error


async def test_another_process_knows_that_the_model_rests(server: GeminiServer, manifest: Path) -> None:
    """As one run of the command after another does, in the same storage."""
    async with Agent.from_file(manifest) as agent:
        server.script(OUT)
        assert end(await turn(agent, "hello")).reason == "failed"
    async with Agent.from_file(manifest) as agent:
        told = await turn(agent, "hello again", "another chat")
        assert (end(told).reason, notices(told)) == ("answered", [f"{SECOND} answers: {FIRST} has failed lately"])
        assert server.generations[-1].model == SECOND


async def test_a_failure_in_a_later_step_changes_no_model_within_the_turn(server: GeminiServer, manifest: Path) -> None:
    async with Agent.from_file(manifest) as agent:
        server.script(calls(("look_up", {"word": "rain"})), error(503), error(503))
        failed = await turn(agent, "look")
        assert end(failed).code == "UNAVAILABLE"
        assert {request.model for request in server.generations} == {FIRST}
        assert [entry.meta.get("status") for entry in await log(agent)][-1] == "failed"
        assert end(await turn(agent, "go on")).reason == "answered"
        assert server.generations[-1].model == SECOND
    assert not server.refused, server.refused[0].error


@pytest.mark.parametrize("reply", [error(400), error(403), finish("SAFETY")])
async def test_what_another_model_would_not_do_better_is_no_reason_to_change(
    server: GeminiServer, manifest: Path, reply: Reply
) -> None:
    async with Agent.from_file(manifest) as agent:
        server.script(reply)
        await turn(agent, "hello")
        await turn(agent, "hello again")
        assert {request.model for request in server.generations} == {FIRST}


async def test_the_cost_and_the_start_of_a_turn_name_the_model_that_answers(
    server: GeminiServer, manifest: Path
) -> None:
    async with Agent.from_file(manifest) as agent:
        server.script(OUT)
        await turn(agent, "hello")
        told = [event.to_json() for event in await turn(agent, "hello again")]
    assert [event["model"] for event in told if "model" in event] == [SECOND, SECOND]
    assert told[-1]["cost"] > 0


def choice(*models: ScriptedModel, **options: Any) -> Fallback:
    return Fallback([Retry(model, 0) for model in models], **options)


def named(name: str, *replies: Any) -> ScriptedModel:
    model = ScriptedModel(*replies)
    model.name = name
    return model


async def test_a_model_that_fails_again_at_once_rests_twice_as_long() -> None:
    now = 1000.0
    shared = LocalSharedState()
    fallback = choice(named("a"), named("b"), shared=shared, clock=lambda: now)
    down = GeminiAPIError(503, "UNAVAILABLE", "down", retryable=True)
    rests = []
    for _ in range(6):
        began = now
        await fallback.failed(fallback.models[0], down)
        while (await fallback.for_turn()).name == "b":
            now += 10.0
        rests.append(now - began)
    assert rests == [COOL_DOWN, 600, 1200, 2400, 3600, 3600]
    now += 10_000
    assert "for 5 min" in (await fallback.failed(fallback.models[0], down)).message


async def test_where_all_have_failed_the_first_is_asked() -> None:
    fallback = choice(named("a"), named("b"), clock=lambda: 1000.0)
    down = GeminiAPIError(0, "CONNECTION_FAILED", "down", retryable=True)
    assert "go to b" in (await fallback.failed(fallback.models[0], down)).message
    assert (await fallback.failed(fallback.models[1], down)).message == "b failed, and so have the others"
    assert (await fallback.for_turn()).name == "a"


def test_a_model_stands_once() -> None:
    with pytest.raises(ValueError, match="a model stands twice: a, a"):
        choice(named("a"), named("a"))


@pytest.mark.parametrize(
    ("code", "retryable", "out"),
    [(429, True, True), (429, False, True), (503, True, True), (0, True, True), (0, False, False), (400, False, False)],
)
def test_only_quota_and_outage_count(code: int, retryable: bool, out: bool) -> None:
    assert is_out(GeminiAPIError(code, "X", "x", retryable=retryable)) is out


async def test_a_choice_that_is_asked_directly_answers_as_its_model_would() -> None:
    fallback = choice(named("a", failing(503), say("from a")), named("b", say("from b")))
    with pytest.raises(GeminiAPIError):
        await answer(fallback)
    assert (await answer(fallback)).text == "from b"
