"""Answers in a form, code that the service ran and sources, as a terminal, a pipe and --json show them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.tty import Terminal
from tests.servers import GeminiServer, part, pause, text, thought
from tests.servers.gemini_replies import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Run

ANSWER = '{"city": "Paris", "degrees": 18}'
PRETTY = '{\n  "city": "Paris",\n  "degrees": 18\n}'
SOURCES = {"groundingChunks": [{"web": {"uri": "https://example.com/1", "title": "example.com"}}]}
NOTE = "[1] example.com https://example.com/1"
SEARCHED = part({"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["sun"]}, "id": "s"}})
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as running:
        yield running


@pytest.fixture
def formed(project: Path) -> str:
    (project / "formed.yaml").write_text(json.dumps({"tools": ["deeds"], "output": {"schema": SCHEMA}}))
    return "formed.yaml"


@pytest.fixture
def looking(project: Path) -> str:
    (project / "looking.yaml").write_text("tools: [google_search, code_execution]\n")
    return "looking.yaml"


def test_a_pipe_gets_the_answer_as_it_came_and_json_its_value(
    server: GeminiServer, formed: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stand_in(monkeypatch)
    server.script(text("{}"), text(ANSWER), text(ANSWER))
    ran = run(formed, "hello")
    assert (ran.code, ran.out) == (0, f"{ANSWER}\n")
    assert ran.err == 'the answer does not have its form ("city": "city" is a required property); asking once more\n'
    last = json.loads(run(formed, "hello", "--json").out.splitlines()[-1])
    assert last["value"] == {"city": "Paris", "degrees": 18}


def test_an_answer_that_never_gets_its_form_is_exit_3(
    server: GeminiServer, formed: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stand_in(monkeypatch)
    server.script(text("{}"), text("{}"))
    ran = run(formed, "hello", "-q")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: the answer does not have the form that was asked for")


@pytest.mark.parametrize(("term", "shown"), [("xterm-256color", f"```json\n{PRETTY}\n```"), ("dumb", PRETTY)])
def test_a_terminal_shows_its_json_indented(
    term: str, shown: str, server: GeminiServer, formed: str, project: Path, env: dict[str, str]
) -> None:
    server.script(text("Let me see.") + part({"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}))
    server.script(text(ANSWER))
    with Terminal([formed, "hello"], cwd=project, env=env | server.env | {"TERM": term}) as terminal:
        assert terminal.wait() == 0
    assert shown in terminal.text
    assert ANSWER not in terminal.text
    assert terminal.text.index("Let me see.") < terminal.text.index("get_weather(")


def test_code_and_sources_stand_beside_the_answer(
    server: GeminiServer, looking: str, project: Path, env: dict[str, str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = part({"executableCode": {"language": "PYTHON", "code": "print('`' * 3)"}})
    ran = part({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "```\n"}})
    reply = code + ran + text("Three ticks.") + Reply(candidate={"groundingMetadata": SOURCES})
    server.script(reply, reply, reply, reply)
    with Terminal([looking, "hello"], cwd=project, env=env | server.env) as terminal:
        assert terminal.wait() == 0
    lines = [
        "```python",
        "print('`' * 3)",
        "```",
        "",
        "````",
        "```",
        "````",
        "Three ticks.",
        "[1] example.com https://example.com/1",
    ]
    found = [line for line in terminal.text.splitlines() if line in lines]
    assert [line for line in found if line] == [line for line in lines if line]
    server.stand_in(monkeypatch)
    piped = run(looking, "hello")
    assert (piped.code, piped.out) == (0, "Three ticks.\n")
    assert "print('`' * 3)\n" in piped.err
    assert piped.err.endswith("[1] example.com https://example.com/1\n")
    assert run(looking, "hello", "-q").err == ""
    events = [json.loads(line) for line in run(looking, "hello", "--json").out.splitlines()]
    assert {"type": "code_written", "language": "python", "code": "print('`' * 3)"} in events
    assert {"type": "code_ran", "outcome": "ok", "output": "```\n"} in events
    assert events[-1]["sources"] == [{"kind": "web", "uri": "https://example.com/1", "title": "example.com"}]


def grounded(*pieces: str, ends: int) -> Reply:
    """A text whose first `ends` bytes are drawn from the source, as is told with its last piece."""
    support = {"segment": {"endIndex": ends}, "groundingChunkIndices": [0]}
    return text(*pieces) + Reply(candidate={"groundingMetadata": {**SOURCES, "groundingSupports": [support]}})


def test_a_terminal_sets_the_numbers_of_sources_into_the_answer(
    server: GeminiServer, looking: str, project: Path, env: dict[str, str]
) -> None:
    server.script(grounded("**Sunny** it ", "will be.\n\n", "And *warm*.\n\nBye.", ends=21))
    with Terminal([looking, "hello"], cwd=project, env=env | server.env) as terminal:
        assert terminal.wait() == 0
    assert terminal.lines[:6] == ["Sunny it will be.[1]", "", "And warm.", "", "Bye.", NOTE]


def test_what_has_scrolled_away_is_not_printed_twice_to_be_marked(
    server: GeminiServer, looking: str, project: Path, env: dict[str, str]
) -> None:
    paragraphs = [f"This is paragraph {number}.\n\n" for number in range(30)]
    server.script(text(*paragraphs) + pause(1.0) + grounded("The end.", ends=20))
    with Terminal([looking, "hello"], cwd=project, env=env | server.env) as terminal:
        assert terminal.wait() == 0
    told = [line.removesuffix("[1]") for line in terminal.lines if line]  # if it has not: a slow machine
    assert told == [*(line.strip() for line in paragraphs), "The end.", NOTE]


def test_a_pipe_gets_no_numbers_and_json_tells_the_places(
    server: GeminiServer, looking: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stand_in(monkeypatch)
    server.script(grounded("Sunny.", ends=6), grounded("Sunny.", ends=6))
    piped = run(looking, "hello")
    assert (piped.out, piped.err) == ("Sunny.\n", f"{NOTE}\n")
    ended = json.loads(run(looking, "hello", "--json").out.splitlines()[-1])
    assert ended["sources"][0]["spans"] == [[0, 6]]


def test_a_chat_that_is_shown_later_tells_what_was_searched_run_and_found(
    server: GeminiServer, looking: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stand_in(monkeypatch)
    code = part({"executableCode": {"language": "PYTHON", "code": "print(1)"}})
    server.script(SEARCHED + text("One.") + code + grounded("Sunny it is.", ends=16), text("You are welcome."))
    for message in ("hello", "Thanks"):
        run(looking, message, "--chat", "c")
    shown = run("chats", "show", "c", "--agent", looking).out.splitlines()
    assert shown[:3] == ["> hello", '⋅ google_search_web(queries=["sun"])', "One."]
    assert shown[3:6] == ["```python", "print(1)", "```"]
    assert shown[6:] == ["Sunny it is.[1]", NOTE, "", "> Thanks", "You are welcome."]


def test_all_stands_in_its_order_thoughts_dim_and_what_a_step_used_below_the_answer(
    server: GeminiServer, looking: str, project: Path, env: dict[str, str]
) -> None:
    server.script(thought("Let me look.") + SEARCHED + grounded("It is sunny.", ends=12))
    with Terminal([looking, "hello", "-v"], cwd=project, env=env | server.env) as terminal:
        assert terminal.wait() == 0
    assert b"\x1b[2mLet me look." in terminal.raw
    assert b"\x1b[2mIt is sunny." not in terminal.raw
    _, *told, step = terminal.text.splitlines()
    assert told == ["Let me look.", '⋅ google_search_web(queries=["sun"])', "It is sunny.[1]", NOTE]
    assert step.startswith("step 1, ")
