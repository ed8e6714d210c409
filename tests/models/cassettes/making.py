"""Cassettes in tests: a header, and conversations held with what a session gives."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner import GeminiClient, Usage
from runner.errors import CassetteMissError
from runner.models.cassettes import (
    Cassette,
    CassetteSession,
    Header,
    Player,
    Recorder,
    RecordingModel,
    Redactor,
    ReplayModel,
)
from runner.models.scripted import ScriptedModel, call, say
from tests.models.asking import NAME, TOOLS, answer, asking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from runner import Event, Model
    from runner.messages import Json
    from runner.models.cassettes import RecordMode
    from runner.requests import GenerateContentRequest

SAMPLE = Path(__file__).with_name("format_1.jsonl")
"""A cassette of the first format; what replays it now has to replay it in all later releases."""
_ASKED: list[Json] = [
    {"role": "user", "parts": [{"text": "What's the weather in Paris?"}]},
    {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": "1"}, "id": "call-1"}}]},
    {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"temp_c": 18}, "id": "call-1"}}]},
]
_SENT: Any = {"tools": TOOLS, "system_instruction": {"parts": [{"text": "Be brief.\nBe kind."}]}}
SAMPLE_REQUESTS = [asking(*_ASKED[:1], **_SENT), asking(*_ASKED, **_SENT)]
SAMPLE_REPLIES = [
    call("f", {"x": "1"}, signature="c2lnbmF0dXJl+/=="),
    say("18 degrees \N{DEGREE SIGN}C", thought="easy", usage=Usage(prompt_tokens=7, total_tokens=9)),
]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMMAND = "agent-run test w.conversations.yaml --record all"


def header(**given: Any) -> Header:
    return Header(**{"agent": "weather", "agent_hash": "#1", "made_from": {}, "source": "live", "clock": NOON, **given})


def session(path: Path, mode: RecordMode = "once", **given: Any) -> CassetteSession:
    described = given.pop("header", None) or header()
    return CassetteSession(path, mode, described, **{"secrets": (), "rerecord": COMMAND, **given})


@contextlib.asynccontextmanager
async def recorded(path: Path, model: Model, **given: Any) -> AsyncGenerator[RecordingModel, None]:
    """A model that is recorded; the cassette is written at the end of the block."""
    recorder = Recorder(path, given.pop("header", None) or header(), given.pop("redactor", None) or Redactor())
    yield RecordingModel(model, recorder, **given)
    assert recorder.save()


def get_weather(city: str) -> Json:
    """The weather of a city."""
    return {"temp_c": 18, "sky": f"clear over {city}"}


async def told(model: Model, *queries: str, tools: Sequence[Any] = (get_weather,), **options: Any) -> list[Json]:
    """The events of a conversation of these turns, without what its tools took: how long, and which ended first."""
    events: list[Json] = []
    async with GeminiClient(model=model, **options) as client:
        for query in queries:
            events += [untimed(event) async for event in client.events(query=query, tools=tools, chat_id="chat")]
    runs = groupby(events, lambda event: event["type"] == "tool_returned")
    return [event for returned, run in runs for event in (sorted(run, key=itemgetter("index")) if returned else run)]


def untimed(event: Event) -> Json:
    return event.to_json() | ({"ms": 0} if event.type == "tool_returned" else {})


def lines(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def exchanges(path: Path) -> list[Json]:
    return [line for line in lines(path) if "request" in line]


def replaying(path: Path, name: str = NAME, **given: Any) -> ReplayModel:
    return ReplayModel(Player(Cassette.read(path), Redactor()), name, **given)


async def record(path: Path, *requests: GenerateContentRequest) -> None:
    async with recorded(path, ScriptedModel.repeating(say("ok"))) as model:
        for request in requests:
            await answer(model, request)


async def missed(path: Path, request: GenerateContentRequest, **given: Any) -> CassetteMissError:
    with pytest.raises(CassetteMissError) as caught:
        await answer(replaying(path, **given), request)
    return caught.value
