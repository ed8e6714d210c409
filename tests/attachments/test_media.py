"""What tools return to be looked at: beside the result's JSON on the wire, and in words for people."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from runner import AsyncToolExecutor, Media, ToolExecutor, ToolReturned, ToolsExecutionResult, tool
from runner.files import INLINE_LIMIT
from runner.tools.cached import CachedTool
from tests.attachments.conftest import both
from tests.servers import calls, text

if TYPE_CHECKING:
    from pathlib import Path

    from runner.messages import Json
    from tests.attachments.conftest import Scene

PNG = b"\x89PNG\r\n\x1a\n" + b"\xff" * 5000
PART = {"inlineData": {"mimeType": "image/png", "displayName": "image-1", "data": base64.b64encode(PNG).decode()}}


@tool(effects="none")
def draw(title: str) -> Json:
    """Draw a chart."""
    return {
        "title": title,
        "chart": Media(PNG, "image/png"),
        "pages": [Media(b"%PDF-", "application/pdf", "report.pdf")],
    }


@tool(effects="none")
async def photo() -> Media:
    """Take a photo."""
    return Media(PNG, "image/png")


def drawn(scene: Scene, *names: str) -> None:
    """Let the model call these tools, and then answer."""
    scene.server.script(calls(*((name, {"title": "t"} if name == "draw" else {}) for name in names)), when="Draw")


@both
async def test_media_travel_beside_the_result_that_refers_to_them(scene: Scene) -> None:
    drawn(scene, "draw")
    async with scene.client() as chat:
        await chat.answered("Draw", tools=[draw])
        log = await chat.log()
        (returned,) = [event for event in chat.told if isinstance(event, ToolReturned)]
    response = scene.sent[-1]["parts"][0]["functionResponse"]
    assert response["response"] == {"title": "t", "chart": {"$ref": "image-1"}, "pages": [{"$ref": "report.pdf"}]}
    assert response["parts"][0] == PART
    assert response["parts"][1]["inlineData"]["displayName"] == "report.pdf"
    assert scene.server.refused == []
    assert returned.result == {
        "title": "t",
        "chart": "[image-1, image/png, 5 KB]",
        "pages": ["[report.pdf, application/pdf, 5 bytes]"],
    }
    (entry,) = [each for each in log if each.kind == "responses"]
    assert [meta["mime_type"] for meta in entry.meta["files"]] == ["image/png", "application/pdf"]
    assert entry.parts[0]["functionResponse"]["parts"][0] == PART


async def test_media_alone_are_the_result(scene: Scene) -> None:
    drawn(scene, "photo")
    async with scene.client() as chat:
        await chat.answered("Draw", tools=[photo])
    response = scene.sent[-1]["parts"][0]["functionResponse"]
    assert (response["response"], response["parts"]) == ({"result": {"$ref": "image-1"}}, [PART])


async def test_a_model_that_cannot_look_at_results_is_told_so_in_words(scene: Scene) -> None:
    drawn(scene, "draw")
    async with scene.client() as chat:
        await chat.answered("Draw", tools=[draw], model=scene.gemini("gemini-2.5-flash"))
        response = scene.sent[-1]["parts"][0]["functionResponse"]
        assert response["response"]["chart"] == "[image-1, image/png, 5 KB] (this model cannot look at it)"
        assert "parts" not in response
        (entry,) = [each for each in await chat.log() if each.kind == "responses"]
    assert entry.parts[0]["functionResponse"]["parts"][0] == PART


async def test_a_type_that_the_model_does_not_look_at_is_told_in_words(scene: Scene) -> None:
    @tool(effects="none")
    def sing() -> list[Media]:
        """Sing, and show the score."""
        return [Media(b"\xff\xfb", "audio/mp3", "song.mp3"), Media(PNG, "image/png")]

    drawn(scene, "sing")
    async with scene.client() as chat:
        await chat.answered("Draw", tools=[sing])
    response = scene.sent[-1]["parts"][0]["functionResponse"]
    assert response["response"] == {
        "result": ["[song.mp3, audio/mp3, 2 bytes] (this model cannot look at it)", {"$ref": "image-2"}]
    }
    assert len(response["parts"]) == 1
    assert scene.server.refused == []


async def test_media_that_are_too_large_are_an_error_that_the_model_reads(scene: Scene) -> None:
    @tool(effects="none")
    def film() -> Media:
        """Make a film."""
        return Media(b"\x00" * (INLINE_LIMIT + 1024 * 1024), "video/mp4")

    drawn(scene, "film")
    async with scene.client() as chat:
        await chat.answered("Draw", tools=[film])
    response = scene.sent[-1]["parts"][0]["functionResponse"]
    assert response["response"] == {"error": "the result's media are too large: 9 MB, at most 8 MB are allowed"}


@pytest.mark.parametrize("wraps", [True, False])
async def test_an_executor_that_makes_results_of_its_own_loses_no_media(scene: Scene, wraps: bool) -> None:
    class Own(ToolExecutor[Any]):
        async def execute_tools(self, calls: Any) -> ToolsExecutionResult:
            results = [await call.tool.execute(call.function_call.args) for call in calls]
            return ToolsExecutionResult(True, [{"out": each} if wraps else {"left": "out"} for each in results])

    drawn(scene, "photo", "photo")
    async with scene.client() as chat:
        await chat.answered("Draw", tools=[photo], tool_executor=Own())
    first, second = (part["functionResponse"] for part in scene.sent[-1]["parts"])
    assert first.get("parts") == second.get("parts") == ([PART] if wraps else None)


async def test_a_cached_tool_keeps_no_media(scene: Scene) -> None:
    cached = CachedTool(photo, 60)
    scene.server.script(calls(("photo", {})), text("A cat."), calls(("photo", {})), text("A cat."), when="Draw")
    async with scene.client() as chat:
        for query in ("Draw", "Again"):
            await chat.answered(query, tools=[cached], tool_executor=AsyncToolExecutor())
            assert scene.sent[-1]["parts"][0]["functionResponse"]["parts"] == [PART]


def test_media_of_a_file_have_its_name_and_type(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    media = Media.of(path)
    assert (media.data, media.mime_type, media.name) == (PNG, "image/png", "photo.png")
    assert repr(media) == "Media([photo.png, image/png, 5 KB])"


@pytest.mark.parametrize(("path", "why"), [("none.png", "no such file"), ("big.png", "9 MB are too many for a result")])
def test_media_of_a_wrong_file_say_why(tmp_path: Path, path: str, why: str) -> None:
    (tmp_path / "big.png").write_bytes(b"\xff" * (INLINE_LIMIT + 1024 * 1024))
    with pytest.raises(ValueError, match=why):
        Media.of(tmp_path / path)


def test_a_type_is_two_words() -> None:
    with pytest.raises(ValueError, match='"png" is no type of media'):
        Media(b"", "png")


async def test_results_of_one_name_are_told_apart(scene: Scene) -> None:
    @tool(effects="none")
    def two() -> list[Media]:
        """Two pictures of one name."""
        return [Media(PNG, "image/png", "a.png"), Media(PNG, "image/png", "a.png")]

    drawn(scene, "two")
    async with scene.client() as chat:
        await chat.answered("Draw", tools=[two])
    response = scene.sent[-1]["parts"][0]["functionResponse"]
    assert response["response"] == {"result": [{"$ref": "a.png"}, {"$ref": "2-a.png"}]}
    assert "image/png" not in json.dumps(response["response"])
