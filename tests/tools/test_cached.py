"""Results of tools that are used again: for the same arguments, for a time, and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner import Agent, ManifestError, ToolReturned, TurnEnded, tool
from runner.cli.lines import returned_line
from runner.tools.cached import MAX_CHARS, MAX_RESULTS, CachedResult, CachedTool
from runner.tools.function import as_tool
from tests.servers import GeminiServer, calls, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counting:
    """A tool that counts how often it is run, and fails for one word."""

    def __init__(self) -> None:
        self.runs: list[Any] = []

        @tool(effects="none")
        async def look_up(word: str, deep: bool = False, letters: int = 1) -> Any:
            self.runs.append((word, deep))
            if word == "broken":
                raise LookupError(word)
            return {"found": [word] * letters}

        self.clock = Clock()
        self.tool = CachedTool(as_tool(look_up), 600.0, self.clock)

    async def __call__(self, word: str, **args: Any) -> Any:
        return await self.tool.execute(self.tool.checked({"word": word, **args}))


async def test_a_result_is_used_again_until_its_time_is_over() -> None:
    look_up = Counting()
    first = await look_up("rain")
    look_up.clock.now += 599
    second = await look_up("rain")
    assert (first, isinstance(first, CachedResult)) == ({"found": ["rain"]}, False)
    assert (second, isinstance(second, CachedResult)) == (first, True)
    look_up.clock.now += 1
    assert not isinstance(await look_up("rain"), CachedResult)
    assert len(look_up.runs) == 2


async def test_other_arguments_are_another_result_and_their_order_does_not_matter() -> None:
    look_up = Counting()
    await look_up("rain")
    await look_up("snow")
    await look_up.tool.execute({"word": "rain", "deep": True, "letters": 1})
    assert isinstance(await look_up.tool.execute({"letters": 1, "deep": True, "word": "rain"}), CachedResult)
    assert len(look_up.runs) == 3


async def test_an_error_is_never_kept() -> None:
    look_up = Counting()
    for _ in range(2):
        with pytest.raises(LookupError):
            await look_up("broken")
    assert len(look_up.runs) == 2


async def test_who_changes_a_result_changes_no_other() -> None:
    look_up = Counting()
    (await look_up("rain"))["found"].append("mine")
    (await look_up("rain"))["found"].append("mine")
    assert await look_up("rain") == {"found": ["rain"]}


async def test_only_so_many_and_so_much_is_kept() -> None:
    look_up = Counting()
    for number in range(MAX_RESULTS + 1):
        await look_up(f"word {number}")
    assert isinstance(await look_up("word 1"), CachedResult)
    assert not isinstance(await look_up("word 0"), CachedResult)
    for word in "abcdefghijk" * 2:
        await look_up(word * 950_000)
    kept = sum(len(key) + len(result) for key, (_, result) in look_up.tool._kept.items())
    assert kept == look_up.tool._chars <= MAX_CHARS


def test_what_runs_once_cannot_be_cached() -> None:
    @tool
    async def send(word: str) -> str:
        """Send a word."""
        return word

    with pytest.raises(ManifestError, match='the results of "send" cannot be cached: its effects are `once`'):
        CachedTool(send, 600.0)


MODULE = '''
from runner import tool

RUNS = []


@tool(effects="none")
def look_up(word: str) -> str:
    """Look a word up."""
    RUNS.append(word)
    return f"{word}: {len(RUNS)}"
'''


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    with GeminiServer() as running:
        running.stand_in(monkeypatch)
        yield running


async def test_chats_share_results_and_the_event_tells_it(server: GeminiServer, tmp_path: Path) -> None:
    (tmp_path / "looking.py").write_text(MODULE)
    (tmp_path / "agent.yaml").write_text(
        "model: gemini-3.8-flash\nstorage: 'memory:'\ntools: [{use: looking.py, cache: 10m}]\n"
    )
    told: list[ToolReturned] = []
    async with Agent.from_file(tmp_path / "agent.yaml") as agent:
        for chat in ("one", "two"):
            server.script(calls(("look_up", {"word": "rain"})), text("It is known."))
            async for event in agent.run("Rain?", chat_id=chat):
                if isinstance(event, ToolReturned):
                    told.append(event)
                assert not isinstance(event, TurnEnded) or event.reason == "answered"
    assert [event.result for event in told] == [{"result": "rain: 1"}] * 2
    assert [event.to_json().get("cached") for event in told] == [None, True]
    assert returned_line(told[1], {"word": "rain"}) == 'look_up(word="rain") cached'
    assert server.requests[3].responses[0]["response"] == {"result": "rain: 1"}
