"""Files that an agent's chats begin with: sent with the first message, before its text, and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner import Agent, ChatManager, GeminiClient, TurnEnded, load_manifest
from runner.models.scripted import ScriptedModel, say
from tests.servers import GeminiServer, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILM = "https://www.youtube.com/watch?v=1"
MANIFEST = f"""\
model: gemini-3.8-flash
storage: 'memory:'
files:
  - data/*.md
  - {FILM}
"""


@pytest.fixture
def gemini(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        server.stand_in(monkeypatch)
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "agents" / "data").mkdir(parents=True)
    (tmp_path / "agents" / "data" / "b.md").write_text("second")
    (tmp_path / "agents" / "data" / "a.md").write_text("first")
    (tmp_path / "agents" / "own.txt").write_text("own")
    (tmp_path / "agents" / "agent.yaml").write_text(MANIFEST)
    return tmp_path / "agents" / "agent.yaml"


async def turn(agent: Agent, query: str, chat_id: str, *files: Path) -> TurnEnded:
    ended = [event async for event in agent.run(query, chat_id=chat_id, files=files)][-1]
    assert isinstance(ended, TurnEnded)
    return ended


def kinds(content: dict[str, Any]) -> list[str]:
    """What a content's parts carry, in order."""
    return [part.get("text") or part.get("fileData", {}).get("fileUri") or "inline" for part in content["parts"]]


async def test_they_stand_before_the_text_of_the_first_message_only(path: Path, gemini: GeminiServer) -> None:
    gemini.script(text("one"), text("two"), text("three"))
    async with Agent(load_manifest(path)) as agent:
        for query, chat, files in (("a", "c", [path.parent / "own.txt"]), ("b", "c", []), ("c", "d", [])):
            assert (await turn(agent, query, chat, *files)).reason == "answered"
    first = ["inline", "inline", FILM]
    sent = [[kinds(content) for content in each.contents if content["role"] == "user"] for each in gemini.generations]
    assert sent == [[[*first, "a", "inline"]], [[*first, "a", "inline"], ["b"]], [[*first, "c"]]]


async def test_they_are_read_when_a_chat_begins(path: Path, gemini: GeminiServer) -> None:
    gemini.script(text("one"), text("two"))
    async with Agent(load_manifest(path)) as agent:
        await turn(agent, "a", "c")
        (path.parent / "data" / "c.md").write_text("third")
        await turn(agent, "a", "d")
        names = [
            [file["name"] for file in (await agent.get_history(chat))[0].meta["files"] if file.get("first")]
            for chat in ("c", "d")
        ]
    assert names == [["a.md", "b.md", FILM], ["a.md", "b.md", "c.md", FILM]]


async def test_a_chat_does_not_begin_without_them(path: Path, gemini: GeminiServer) -> None:
    async with Agent(load_manifest(path)) as agent:
        for file in (path.parent / "data").iterdir():
            file.unlink()
        ended = await turn(agent, "a", "c")
        assert await agent.get_history("c") == []
    assert (ended.reason, ended.message) == ("failed", 'files: "data/*.md": matches no file')
    assert gemini.generations == []


async def test_a_program_names_them_or_a_function_that_does(path: Path) -> None:
    own = path.parent / "own.txt"
    for first_files in ([own], lambda: [own]):
        manager = ChatManager()
        async with GeminiClient(
            model=ScriptedModel(say("yes")), chat_manager=manager, first_files=first_files
        ) as client:
            assert [each async for each in client.chat(query="a", chat_id="c")] == ["yes"]
            question, _ = await manager.get_history("c")
        assert [list(part) for part in question.parts] == [["inlineData"], ["text"]]


def test_an_included_file_names_them_relative_to_itself(path: Path) -> None:
    (path.parent / "data" / "_files.yaml").write_text(f"files: [a.md, '{FILM}']\n")
    path.write_text("model: offline\ninclude: data/_files.yaml\n")
    assert load_manifest(path).manifest.files == ["data/a.md", FILM]
