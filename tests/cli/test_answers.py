"""Answers in a form, code that the service ran and sources, as a terminal, a pipe and --json show them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.tty import Terminal
from tests.servers import GeminiServer, part, text
from tests.servers.gemini_replies import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Run

ANSWER = '{"city": "Paris", "degrees": 18}'
PRETTY = '{\n  "city": "Paris",\n  "degrees": 18\n}'
SOURCES = {"groundingChunks": [{"web": {"uri": "https://example.com/1", "title": "example.com"}}]}
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


def use(server: GeminiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)


def test_a_pipe_gets_the_answer_as_it_came_and_json_its_value(
    server: GeminiServer, formed: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(server, monkeypatch)
    server.script(text("{}"), text(ANSWER), text(ANSWER))
    ran = run(formed, "hello")
    assert (ran.code, ran.out) == (0, f"{ANSWER}\n")
    assert ran.err == 'the answer does not have its form ("city": "city" is a required property); asking once more\n'
    last = json.loads(run(formed, "hello", "--json").out.splitlines()[-1])
    assert last["value"] == {"city": "Paris", "degrees": 18}


def test_an_answer_that_never_gets_its_form_is_exit_3(
    server: GeminiServer, formed: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(server, monkeypatch)
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
    use(server, monkeypatch)
    piped = run(looking, "hello")
    assert (piped.code, piped.out) == (0, "Three ticks.\n")
    assert "print('`' * 3)\n" in piped.err
    assert piped.err.endswith("[1] example.com https://example.com/1\n")
    assert run(looking, "hello", "-q").err == ""
    events = [json.loads(line) for line in run(looking, "hello", "--json").out.splitlines()]
    assert {"type": "code_written", "language": "python", "code": "print('`' * 3)"} in events
    assert {"type": "code_ran", "outcome": "ok", "output": "```\n"} in events
    assert events[-1]["sources"] == [{"kind": "web", "uri": "https://example.com/1", "title": "example.com"}]
