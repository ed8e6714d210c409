"""Files in cassettes: their content decides, not how they were sent; their bytes are never written."""

from __future__ import annotations

import base64
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pytest

from runner import Media
from runner.messages import ChatMessage
from runner.models.cassettes import Cassette, Redactor
from runner.models.cassettes.fingerprints import Fingerprints
from runner.models.cassettes.form import ToolResult
from runner.models.cassettes.telling import told_message
from runner.models.scripted import ScriptedModel, call, say
from runner.tools.results import json_result
from tests.models.asking import answer, asking
from tests.models.cassettes.making import recorded, session

if TYPE_CHECKING:
    from pathlib import Path

    from runner.files import FileMeta
    from runner.messages import Json
    from runner.requests import GenerateContentRequest

CONTENT = b"\x89PNG" * 1000
DATA = base64.b64encode(CONTENT).decode()
DIGEST = blake2b(CONTENT, digest_size=16).hexdigest()
META: FileMeta = {"name": "photo.png", "mime_type": "image/png", "size": len(CONTENT), "digest": DIGEST}


def inline(data: str = DATA, **more: str) -> Json:
    return {"inlineData": {"mimeType": "image/png", "data": data, **more}}


def stored(uri: str) -> Json:
    return {"fileData": {"mimeType": "image/png", "fileUri": uri}}


def message(part: Json, *metas: FileMeta) -> ChatMessage:
    meta: Any = {"files": list(metas)} if metas else {}
    return ChatMessage({"role": "user", "parts": [{"text": "look"}, part]}, meta)


def asked(message: ChatMessage) -> GenerateContentRequest:
    return replace(asking("x"), messages=(message,))


def mark(message: ChatMessage) -> str:
    return Fingerprints(Redactor()).of(asked(message)).fingerprint


UPLOADED: FileMeta = {**META, "uri": "https://example.org/v1beta/files/abc"}
SAME = [
    message(inline()),
    message(inline(), META),
    message(inline(displayName="another.png"), {**META, "name": "another.png", "path": "/elsewhere/another.png"}),
    message(stored(UPLOADED["uri"]), UPLOADED),
    message(stored("file:///tmp/photo.png"), {**META, "uri": "file:///tmp/photo.png", "expires": 1.0}),
]
OTHER = [
    message(inline(base64.b64encode(CONTENT[1:]).decode())),
    message(inline("no base64")),
    message(inline(""), META),
    message(stored(UPLOADED["uri"])),
    message(stored("gs://bucket/photo.png")),
    message({"inlineData": {"mimeType": "image/webp", "data": DATA}}),
]


@pytest.mark.parametrize("same", SAME)
def test_the_same_content_is_the_same_file(same: ChatMessage) -> None:
    """Inline or uploaded, under whatever name."""
    assert mark(same) == mark(SAME[0])


@pytest.mark.parametrize("other", OTHER)
def test_another_content_is_another_file(other: ChatMessage) -> None:
    assert mark(other) != mark(SAME[0])


def test_files_are_told_in_words_with_the_mark_of_their_content() -> None:
    prints = Fingerprints(Redactor())
    words = f"user: look\n[photo.png, image/png, 4 KB] {DIGEST[:8]}"
    assert told_message(SAME[1], prints) == told_message(SAME[3], prints) == words
    assert told_message(SAME[0], prints) == f"user: look\n[image/png, 4 KB] {DIGEST[:8]}"
    assert told_message(message(stored("gs://b/a.png")), prints) == "user: look\n[gs://b/a.png, image/png]"


def test_what_a_tool_returned_to_be_looked_at_is_a_file_as_well() -> None:
    def responses(data: str) -> ChatMessage:
        part = inline(data, displayName="chart.png")
        response = {"name": "draw", "response": {"chart": {"$ref": "chart.png"}}, "parts": [part]}
        return ChatMessage({"role": "user", "parts": [{"functionResponse": response}]})

    told = told_message(responses(DATA), Fingerprints(Redactor()))
    assert told == f'results: draw -> {{"chart": {{"$ref": "chart.png"}}}} [chart.png, image/png, 4 KB] {DIGEST[:8]}'
    assert mark(responses(DATA)) == mark(responses(DATA))
    assert mark(responses(DATA)) != mark(responses("AAAA"))


async def test_a_recording_made_with_an_upload_is_replayed_inline(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    async with recorded(path, ScriptedModel(say("a cat"))) as model:
        await answer(model, asked(SAME[3]))
    text = path.read_text("ascii")
    assert DATA[:40] not in text
    assert UPLOADED["uri"] not in text
    assert (await answer(session(path, "none").model("m"), asked(SAME[1]))).text == "a cat"


async def test_recorded_results_of_tools_keep_their_media(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    result = json_result({"chart": Media(CONTENT, "image/png", "chart.png")})
    one = session(path, record_tools=True)
    await answer(one.model("m", ScriptedModel(call("draw", {}))), asking({"role": "user", "parts": [{"text": "x"}]}))
    one.add_tool("draw", {}, "ok", result)
    assert one.save()
    (kept,) = Cassette.read(path).tool_results()
    assert kept == ToolResult("draw", {}, "ok", {"chart": {"$ref": "chart.png"}}, (inline(displayName="chart.png"),))
    tools = session(path, "none").tools
    assert tools is not None
    kind, again = tools.answer("draw", {}) or ("", {})
    assert (kind, json_result(again).parts) == ("ok", [inline(displayName="chart.png")])  # type: ignore[attr-defined]  # a MediaResult
