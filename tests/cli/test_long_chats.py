"""A chat that outgrows the window, with the command: what is sent, told, shown, exported, forked, moved and counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.keeping import kinds, stored
from tests.cli.tty import Terminal
from tests.commands import command_in
from tests.servers import GeminiServer, RecordedRequest, Reply, history_fault, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commands import Run

WINDOW = 900
MANIFEST = "model: gemini-3.8-flash\nstorage: sqlite:///chats.db\nhistory: {keep: %s, warn_at: 60%%, window: 900}\n"
SUMMARY = "Ann likes tea."
LONG = "Tell me more about the tea that we spoke of. " * 4


def answer(request: RecordedRequest) -> Reply:
    return text(SUMMARY) if "keep the notes" in request.system else text("It is green. " * 8)


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer(answer=answer, window=WINDOW) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "agent.yaml").write_text(MANIFEST % "summarize")
    return tmp_path


@pytest.fixture
def run(folder: Path, server: GeminiServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    found = command_in(folder, monkeypatch, capsys)
    server.stand_in(monkeypatch)
    return found


def events(run: Run, message: str, chat: str) -> list[Any]:
    ran = run("agent.yaml", message, "--chat", chat, "--json")
    assert ran.code == 0, ran
    return [json.loads(line) for line in ran.out.splitlines()]


def talk(run: Run, count: int, chat: str = "c") -> list[Any]:
    """So many turns, each of a process of its own; the events of the last."""
    return [events(run, LONG, chat) for _ in range(count)][-1]


def test_a_chat_that_was_summed_up_is_whole_wherever_it_is_looked_at(
    run: Run, folder: Path, server: GeminiServer
) -> None:
    """Shown, exported, forked and moved; the next turn sends the same of the copy as of the chat."""
    told = talk(run, 1)
    while not any(event["type"] == "notice" and "summarising" in event["message"] for event in told):
        told = talk(run, 1)
    assert next(event for event in told if event["type"] == "usage_reported")["step"] == 0
    assert told[-1]["context"] == {"tokens": told[-1]["context"]["tokens"], "window": WINDOW}
    log = stored(folder / "chats.db")["agent/c"]
    count = kinds(folder / "chats.db", "agent/c").count("user")
    assert kinds(folder / "chats.db", "agent/c")[-3:] == ["user", "summary", "model"]

    shown = run("chats", "show", "c", "--agent", "agent.yaml").out
    assert shown.count("> Tell me more") == count
    before = json.loads(log[-2][1])["before"]
    assert f"[from here on turns before {before} are summed up]\nA summary of the earlier conversation" in shown
    assert SUMMARY in shown

    as_gemini = json.loads(run("chats", "export", "c", "--agent", "agent.yaml", "--as-gemini").out)["contents"]
    assert as_gemini[0]["parts"][0]["text"].endswith(SUMMARY)
    assert history_fault({"contents": [*as_gemini, as_gemini[0]]}) is None
    run("chats", "export", "c", "--agent", "agent.yaml", "-o", "c.jsonl")
    run("chats", "import", "c.jsonl", "--agent", "agent.yaml", "--as", "moved")
    run("chats", "fork", "c", "--agent", "agent.yaml", "--as", "forked")
    assert stored(folder / "chats.db")["agent/moved"] == stored(folder / "chats.db")["agent/forked"] == log
    for chat in ("c", "moved", "forked"):
        events(run, "And now?", chat)
    sent = [request.contents for request in server.generations[-3:]]
    assert sent[0] == sent[1] == sent[2]
    assert sent[0][: len(as_gemini)] == as_gemini

    run("chats", "fork", "c", "--agent", "agent.yaml", "--turn", str(count - 1), "--as", "earlier")
    assert "summary" not in kinds(folder / "chats.db", "agent/earlier")


def test_the_summary_is_counted_among_the_calls_of_its_turn(run: Run, folder: Path) -> None:
    count = 0
    while "summary" not in (kinds(folder / "chats.db", "agent/c") if count else []):
        talk(run, 1)
        count += 1
    (line,) = [json.loads(row) for row in run("usage", "agent.yaml", "--json").out.splitlines()]
    assert (line["turns"], line["calls"]) == (count, count + 1)


def test_a_test_made_of_the_chat_is_the_same_as_without_the_cut(run: Run, folder: Path) -> None:
    (folder / "agent.yaml").write_text(MANIFEST % "2 turns")
    talk(run, 4)
    assert "summary" in kinds(folder / "chats.db", "agent/c")
    ran = run("chats", "export", "c", "--agent", "agent.yaml", "--as-test", "--scripted")
    assert ran.out.count("- user:") == 4
    assert run("chats", "repair", "c", "--agent", "agent.yaml").out == "c: nothing was open\n"


def test_without_a_policy_the_turn_fails_with_exit_code_3_and_says_what_to_do(run: Run, folder: Path) -> None:
    (folder / "agent.yaml").write_text("model: gemini-3.8-flash\nstorage: sqlite:///chats.db\n")
    ran = run("agent.yaml", LONG, "--chat", "c")
    while ran.code == 0:
        ran = run("agent.yaml", LONG, "--chat", "c")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: 400 INVALID_ARGUMENT: the chat is too long for gemini-3.8-flash: The input token")
    assert "give the manifest a `history:` such as 60%, which leaves old turns out" in ran.err
    (folder / "agent.yaml").write_text(MANIFEST % "60%")
    assert run("agent.yaml", LONG, "--chat", "c").code == 0


def test_the_terminal_tells_how_long_the_chat_is_and_when_it_is_long(
    folder: Path, server: GeminiServer, env: dict[str, str]
) -> None:
    with Terminal(["agent.yaml"], cwd=folder, env=env | server.env) as chat:
        chat.wait_for("\n>")
        for count in range(2, 9):
            chat.send(f"{LONG}\r")
            chat.wait_for("\n>", count=count)
        chat.wait_for("history: summarising ")
        chat.send("/usage\r")
        chat.wait_for("% of the 900 that the model takes")
        chat.send("/exit\r")
        assert chat.wait() == 0
