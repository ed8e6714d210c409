"""The command over the real SDK and the strict local server, and without a key."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.tty import Terminal
from tests.servers import GeminiServer, calls, error, repeat, text, thought, usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Run


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as running:
        yield running


@pytest.fixture
def gemini(project: Path) -> str:
    (project / "gemini.yaml").write_text("name: tester\nmodel: gemini-3.8-flash\ntools: [deeds]\n")
    return "gemini.yaml"


def test_a_chat_with_a_tool_over_the_wire(
    server: GeminiServer, gemini: str, project: Path, env: dict[str, str]
) -> None:
    server.script(
        thought("**Weather.** I must look.") + calls(("get_weather", {"city": "Paris"})),
        text("It is ", "**18 °C**.") + usage(prompt=12, candidates=3),
        text("You are welcome."),
    )
    with Terminal([gemini], cwd=project, env=env | server.env) as terminal:
        terminal.wait_for("tester · gemini-3.8-flash · 4 tools · chat ")
        terminal.wait_for("\n>")
        terminal.send("Will it rain in Paris?\r")
        terminal.wait_for("It is 18 °C.\n\n>")
        terminal.send("Thanks!\r")
        terminal.wait_for("You are welcome.\n\n>")
        terminal.send("\x04")
        assert terminal.wait() == 0
    assert '⋅ get_weather(city="Paris")' in terminal.text
    assert [request.status for request in server.generations] == [200, 200, 200]


def test_the_prompt_needs_no_sdk(gemini: str, project: Path, env: dict[str, str]) -> None:
    code = (
        f"import sys; from runner.agent import Agent; Agent.from_file({gemini!r}); import runner.cli.terminal; "
        "sys.exit(any(name in sys.modules for name in ('google.genai', 'httpx2', 'rich')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, env=env | {"GEMINI_API_KEY": "k"}, check=False)
    assert done.returncode == 0


def test_a_request_the_service_refuses_is_exit_3_and_not_retryable(
    server: GeminiServer, gemini: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stand_in(monkeypatch)
    server.script(repeat(error(400)))
    ran = run(gemini, "hello", "--json")
    last = json.loads(ran.out.splitlines()[-1])
    assert (ran.code, last["reason"], last["retryable"]) == (3, "failed", False)
    assert ran.err.startswith("error: 400 ")
    assert ran.err.count("\n") == 1


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "")


def test_without_a_key_the_offline_model_answers_and_says_so_once(gemini: str, run: Run) -> None:
    ran = run(gemini, "What is the weather in Paris?", "--quiet")
    assert ran.code == 0
    assert "18" in ran.out
    assert ran.err.count("offline model") == 1
    assert "GEMINI_API_KEY" in ran.err
    assert ran.err.count("\n") == 1


def test_json_tells_the_stand_in_as_a_notice(gemini: str, run: Run) -> None:
    first = json.loads(run(gemini, "hello", "--json").out.splitlines()[0])
    assert (first["type"], first["code"]) == ("notice", "offline_model")
