"""Recorded through the real transport from a strict server, and replayed where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import GeminiModel
from tests.models.asking import NAME
from tests.models.cassettes.making import exchanges, get_weather, header, session, told
from tests.servers import GeminiServer, calls, error, finish, text, thought, usage

if TYPE_CHECKING:
    from pathlib import Path

TURNS = ("What's the weather in Paris and Rome?", "And in Oslo?", "Thanks")


@pytest.mark.parametrize("transport", ["direct", "sdk"])
async def test_a_conversation_with_gemini_is_replayed_without_it(
    tmp_path: Path, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamed texts, thoughts, parallel and sequential calls with signatures, a refusal: the same events."""
    path = tmp_path / "c.jsonl"
    with GeminiServer(verbatim=True) as server:
        server.script(
            thought("hm") + calls(("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})),
            text("It ", "is ", "18 degrees.", sign="last") + usage(prompt=12, candidates=3, cached=4, thoughts=2),
            text("Let me see. ") + calls(("get_weather", {"city": "Oslo"})),
            calls(("get_weather", {"city": "Oslo"}), ids=False),
            text("18 ", "as well.", sign="empty", response_id="r-1", model_version="gemini-3.8-flash-002"),
            text("You ") + finish("SAFETY", "no more thanks"),
        )
        live = GeminiModel(NAME, api_key=server.key, base_url=server.url, transport=transport)  # type: ignore[arg-type]  # both names
        one = session(path, header=header(source=f"local {server.url}"))
        async with one.model(NAME, live) as model:
            recorded = await told(model, *TURNS)
        assert server.refused == []
        assert one.save()
        signed = [request.contents for request in server.requests]
    assert server.key not in path.read_text("ascii")
    assert path.read_text("ascii").count('"thoughtSignature": ') >= 5
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")
    again = session(path, "none", header=header(source="live"))
    assert again.header.source == f"local {server.url}"
    assert await told(again.model(NAME), *TURNS, tools=[get_weather]) == recorded
    assert again.unused() == []
    assert [event["reason"] for event in recorded if event["type"] == "turn_ended"] == [
        "answered",
        "answered",
        "failed",
    ]
    assert len(signed) == len(exchanges(path)) == 6


async def test_a_replayed_signature_is_one_that_gemini_accepts(tmp_path: Path) -> None:
    """The strict server takes back what a cassette gave: a case that goes live after a replayed part."""
    path = tmp_path / "c.jsonl"
    with GeminiServer(verbatim=True) as server:
        server.script(
            thought("hm") + calls(("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})),
            error(429, retry_delay="0.01s"),
            text("It ", "is ", "18 degrees.", sign="last"),
            text("More."),
        )
        one = session(path)
        async with one.model(NAME, GeminiModel(NAME, api_key=server.key, base_url=server.url)) as model:
            first = await told(model, TURNS[0])
        one.save()
        one = session(path, "new")
        async with one.model(NAME, GeminiModel(NAME, api_key=server.key, base_url=server.url)) as model:
            events = await told(model, TURNS[0], "And now?")
        assert (one.missed, server.refused[1:], one.save()) == (True, [], True)
        assert len(server.requests) == 4
    assert [event["type"] for event in events[: len(first)]] == [event["type"] for event in first]
    assert events[-1]["text"] == "More."
    assert len(exchanges(path)) == 4
