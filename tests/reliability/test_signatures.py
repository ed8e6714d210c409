"""Thought signatures: they come back byte for byte, and those of another model do not stop a chat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner import (
    LocalChatStorage,
    Model,
    Notice,
    SqliteChatStorage,
    ToolsExecutionResult,
)
from runner.executors.parallel import AsyncToolExecutor
from runner.models.gemini.model import GeminiModel
from tests.reliability.talk import look_up, talking
from tests.servers import (
    SENTINEL,
    calls,
    error,
    part,
    repeat,
    text,
    thought,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from runner import ChatStorage, FunctionCall, GeminiClientError, GenerateContentRequest
    from runner.requests import ModelItem
    from tests.servers import GeminiServer


# Thought signatures


class OneStepATurn(AsyncToolExecutor[Any]):
    """Ends the turn after its calls, so that the next step begins in another turn, from the stored history."""

    async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
        done = await super().execute_tools(function_calls)
        return ToolsExecutionResult(should_proceed=False, function_call_results=done.function_call_results)


SIGNED = [
    thought("hm") + calls(("look_up", {"word": "a"}), ("look_up", {"word": "b"})),
    text("So ", "far") + calls(("look_up", {"word": "c"})),
    calls(("look_up", {"word": "d"})) + text("and"),
    text("It ", "rains", sign="empty"),
    text("It ", "rains", sign="last"),
    part(
        {"text": "é\u0000\ud800", "thoughtSignature": "AA+/"},
        {"inlineData": {"mimeType": "image/png", "data": "+/8="}},
    ),
]


@pytest.mark.parametrize("kept", ["in memory", "in SQLite"])
async def test_signatures_come_back_byte_for_byte(server: GeminiServer, tmp_path: Path, kept: str) -> None:
    """From step to step: each is made by a new client from what the storage gives back, SQLite's opened anew."""
    memory = LocalChatStorage()
    options: dict[str, Any] = {"tools": [look_up], "tool_executor": OneStepATurn()}
    for reply in [*SIGNED, text("done")]:
        server.script(reply)
        storage = memory if kept == "in memory" else SqliteChatStorage(tmp_path / "chats.db")
        async with talking(server, storage) as talk:
            ended = await talk.turn("go", **options)
            assert ended.reason in ("answered", "stopped")


async def test_signatures_come_back_byte_for_byte_within_a_turn(server: GeminiServer, storage: ChatStorage) -> None:
    """Where the strict server demands each: on the first of parallel calls, beside text, on an empty text."""
    server.script(*SIGNED[:4])
    async with talking(server, storage, tools=[look_up]) as talk:
        assert (await talk.turn()).reason == "answered"
        assert len(server.generations) == 4


class SwitchingModel(Model):
    """Gemini that answers the first call of a turn with one model and the rest with another, as a fallback would."""

    family = "gemini"

    def __init__(self) -> None:
        self._gemini = GeminiModel()
        self.name = self._gemini.name

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        if request.messages[-1].responses:
            request = replace(request, model="gemini-3.5-flash")
        async for item in self._gemini.generate(request):
            yield item

    def amended(self, request: GenerateContentRequest, error: GeminiClientError) -> Any:
        return self._gemini.amended(request, error)

    async def aclose(self) -> None:
        await self._gemini.aclose()


@pytest.mark.parametrize("server", [{"verbatim": False}], indirect=True)
async def test_the_signatures_of_another_model_are_left_out_once_refused(
    server: GeminiServer, storage: ChatStorage
) -> None:
    """The server refuses them as corrupted; the same step is sent once with the sentinel, and the record is kept."""
    server.script(text("before"), calls(("look_up", {"word": "a"}), ("look_up", {"word": "b"})), text("found"))
    async with talking(server, storage, model=SwitchingModel(), tools=[look_up]) as talk:
        await talk.turn("say something")
        assert (await talk.turn("look it up")).text == "found"
        assert [notice.code for notice in talk.of(Notice) if notice.code != "model_version"] == ["signatures_reset"]
        refused, amended = server.generations[-2:]
        assert "Corrupted thought signature" in str(refused.error)
        assert signatures(amended.contents) == [SENTINEL]
        assert signatures(refused.contents) == signatures([entry.content for entry in (await talk.log())[:5]])
        refused.error = None  # this refusal was meant to be


def signatures(contents: list[Any]) -> list[str]:
    """The thought signatures of a history."""
    return [part["thoughtSignature"] for each in contents for part in each["parts"] if "thoughtSignature" in part]


@pytest.mark.parametrize("server", [{"verbatim": False}], indirect=True)
async def test_signatures_that_are_refused_again_fail_the_turn(server: GeminiServer, storage: ChatStorage) -> None:
    server.script(text("before"), repeat(error(400, "Corrupted thought signature."), 2))
    async with talking(server, storage) as talk:
        await talk.turn("say something")
        ended = await talk.turn("go on")
        assert (ended.reason, ended.code) == ("failed", "INVALID_ARGUMENT")
        assert len(server.generations) == 3
