"""What docs/engine.md says of the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from runner import GeminiClient, ScriptedModel, tool
from runner.models.scripted import call, error, say

if TYPE_CHECKING:
    import pytest

SECRET = "canary-4711"


@tool(effects="none")
def keep(text: str) -> str:
    """Return what it is given."""
    return text


async def logged(caplog: pytest.LogCaptureFixture, *replies: object) -> list[tuple[str, str]]:
    """Level and text of all that a turn logs."""
    with caplog.at_level(logging.DEBUG, "agent_run"):
        async with GeminiClient(model=ScriptedModel(*replies)) as client:  # type: ignore[arg-type]  # replies
            _ = [_ async for _ in client.chat(query=SECRET, chat_id="a", tools=[keep])]
    assert {record.name for record in caplog.records if record.name.startswith(("agent_run", "runner"))} == {
        "agent_run"
    }
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "agent_run"]


async def test_a_turn_is_told_at_debug_without_its_texts_arguments_and_results(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = await logged(caplog, call("keep", {"text": SECRET}), say(SECRET))
    assert [level for level, _ in lines] == ["DEBUG"] * 4
    assert [text.partition(" after ")[0] for _, text in lines] == [
        "chat 'a', step 1.1: asking scripted",
        "tool keep: ok",
        "chat 'a', step 1.2: asking scripted",
        "chat 'a', turn 1: ended, answered (no code)",
    ]
    assert SECRET not in str(lines)
    assert capsys.readouterr().out == ""


async def test_a_retry_is_told_at_info(caplog: pytest.LogCaptureFixture) -> None:
    lines = await logged(caplog, error(503), say("here"))
    assert [text.partition(";")[0] for level, text in lines if level == "INFO"] == [
        "scripted: Gemini is failing or overloaded (503)"
    ]
