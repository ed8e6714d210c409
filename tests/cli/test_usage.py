"""What runs and chats have cost, and what they may: options of `run`, `/usage`, `agent-run usage`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from runner.messages import ChatMessage
from tests.cli.keeping import keep
from tests.cli.tty import Terminal
from tests.commands import command_in
from tests.servers import GeminiServer, Reply, calls, text, usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commands import Run

MODEL = "gemini-3.6-flash"  # whose price does not change on a day to come
MANIFEST = f"model: {MODEL}\ntools: [looking.py]\nstorage: sqlite:///chats.db\n"
TOOL = '''
def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is known"
'''
PROMPT = "\n>"
COSTS = 1_000_000 * 0.75 / 1e6


def answered(reply: Reply | None = None) -> Reply:
    return (reply or text("Yes.")) + usage(prompt=1_000_000)


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer(answer=lambda _: answered()) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "looking.py").write_text(TOOL)
    (tmp_path / "agent.yaml").write_text(MANIFEST)
    return tmp_path


@pytest.fixture
def run(folder: Path, server: GeminiServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    found = command_in(folder, monkeypatch, capsys)
    server.stand_in(monkeypatch)
    return found


def lines(out: str) -> list[Any]:
    return [json.loads(line) for line in out.splitlines()]


# one run


def test_a_turn_ends_with_exit_code_5_when_the_run_has_cost_enough(run: Run, server: GeminiServer) -> None:
    server.script(answered(calls(("look_up", {"word": "rain"}))))
    ran = run("agent.yaml", "Rain?", "--max-cost", "0.75")
    assert (ran.code, ran.out) == (5, "")
    assert "stopped: $0.7500 in one turn: $0.7500 are allowed" in ran.err
    assert len(server.generations) == 1


def test_the_manifests_limits_are_those_of_every_turn(run: Run, server: GeminiServer, folder: Path) -> None:
    (folder / "agent.yaml").write_text(MANIFEST + "limits: {max_tokens: 1000}\n")
    server.script(answered(calls(("look_up", {"word": "rain"}))))
    ended = lines(run("agent.yaml", "Rain?", "--json").out)[-1]
    assert (ended["reason"], ended["code"], ended["cost"]) == ("limit", "max_tokens", COSTS)


def test_lines_end_when_the_run_has_cost_enough(
    run: Run, server: GeminiServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "questions.txt").write_text("one\ntwo\nthree\n")
    with (folder / "questions.txt").open() as questions:
        monkeypatch.setattr("sys.stdin", questions)
        ran = run("agent.yaml", "--lines", "--max-tokens", "2000000")
    assert (ran.code, ran.out) == (5, "Yes.\nYes.\n")
    notice, stopped = ran.err.splitlines()
    assert notice.startswith(
        f"this chat has 1,000,000 tokens, 95% of the 1,048,576 that {MODEL} takes; begin a new chat"
    )
    assert stopped == "stopped: the tokens of this run are used up: 2,000,000 of 2,000,000"
    assert len(server.generations) == 2


def test_a_limit_of_cost_without_a_price_is_exit_code_2_and_nothing_is_sent(run: Run, server: GeminiServer) -> None:
    ran = run("agent.yaml", "Rain?", "--max-cost", "1", "--model", "gemini-9")
    assert ran.code == 2
    assert "a limit of cost cannot be kept: the price of gemini-9 is not known" in ran.err
    assert server.requests == []


@pytest.mark.parametrize("option", [("--max-cost", "0"), ("--max-cost", "x"), ("--max-tokens", "0")])
def test_a_budget_of_nothing_is_refused(run: Run, option: tuple[str, str]) -> None:
    assert run("agent.yaml", "Rain?", *option).code == 2


# the terminal chat


def test_usage_in_a_chat_tells_the_cost_by_kind_and_that_a_price_is_unknown(
    folder: Path, server: GeminiServer, env: dict[str, str]
) -> None:
    server.script(text("Yes.") + usage(prompt=1_000_000, cached=400_000, candidates=1000, thoughts=2000))
    with Terminal(["agent.yaml"], cwd=folder, env=env | server.env) as chat:
        chat.wait_for(PROMPT)
        chat.send("Rain?\r")
        chat.wait_for(PROMPT, count=2)
        chat.send("/usage\r")
        chat.wait_for("$0.4500 in, $0.0300 cached, $0.0037 out, $0.0075 thinking", count=2)
        server.script(text("No.").but(model_version="gemini-9"))
        chat.send("And now?\r")
        chat.wait_for("No.")
        chat.send("/usage\r")
        chat.wait_for("price unknown", count=2)
        chat.send("/exit\r")
        assert chat.wait() == 0


def test_a_chat_ends_when_the_run_has_cost_enough(folder: Path, server: GeminiServer, env: dict[str, str]) -> None:
    with Terminal(["agent.yaml", "--max-cost", "1.2"], cwd=folder, env=env | server.env) as chat:
        chat.wait_for(PROMPT)
        chat.send("one\r")
        chat.wait_for(PROMPT, count=2)
        chat.send("two\r")
        chat.wait_for("the budget of this run is used up: $1.50 of $1.20")
        assert chat.wait() == 5


# what is stored


def entry(day: str, model: str | None, turn: int = 1, **counts: int) -> ChatMessage:
    meta: Any = {"kind": "model", "turn": turn, "time": f"{day}T12:00:00.000+00:00", "model": "asked"}
    if model is not None:
        meta["model_version"] = model
    if counts:
        meta["usage"] = counts
    return ChatMessage({"role": "model", "parts": [{"text": "x"}]}, meta)


def test_chats_are_summed_up_by_day_chat_and_model_at_the_prices_of_the_day(run: Run, folder: Path) -> None:
    flash = "gemini-3.8-flash"
    keep(
        folder / "chats.db",
        (
            "agent/one",
            [
                ChatMessage.user("hello", meta={"kind": "user", "turn": 1}),
                entry("2026-12-31", flash, 1, prompt_tokens=1_000_000, total_tokens=1_000_000),
                entry("2026-12-31", flash, 1, prompt_tokens=1_000_000, total_tokens=1_000_000),
                entry("2027-01-01", flash, 2, prompt_tokens=1_000_000, total_tokens=1_000_000),
                entry("2027-01-01", "gemini-9", 3, prompt_tokens=7, later_kind=3, total_tokens=10),
                ChatMessage(None, {"kind": "closed", "turn": 4}),
            ],
        ),
        ("other/two", [entry("2026-12-30", "offline", 1, total_tokens=0)]),
    )
    assert run("usage", "agent.yaml").out.splitlines() == [
        "DAY         CHAT  MODEL             TURNS  CALLS         IN  CACHED  OUT  THINKING  COST",
        "2026-12-31  one   gemini-3.8-flash      1      2  2,000,000       0    0         0  $1.50",
        "2027-01-01  one   gemini-3.8-flash      1      1  1,000,000       0    0         0  $1.50",
        "2027-01-01  one   gemini-9              1      1          7       0    0         0  price unknown",
        "total                                   3      4  3,000,007       0    0         0  $3.00 and unknown",
    ]
    every = lines(run("usage", "--storage", "sqlite:///chats.db", "--json", "--since", "2027-01-01").out)
    assert [(each["agent"], each["chat"], each["model"], each["cost"]) for each in every] == [
        ("agent", "one", "gemini-3.8-flash", 1.5),
        ("agent", "one", "gemini-9", None),
    ]
    told = run("usage", "--storage", "sqlite:///chats.db").out
    assert "other/two" in told
    assert "agent/one" in told


def test_what_a_run_spent_is_what_is_told_later(run: Run) -> None:
    before = datetime.now(UTC).date().isoformat()
    run("agent.yaml", "Rain?", "--chat", "today")
    (line,) = lines(run("usage", "agent.yaml", "--json").out)
    assert line.pop("day") in {before, datetime.now(UTC).date().isoformat()}
    assert line == {
        "agent": "agent",
        "chat": "today",
        "model": MODEL,
        "turns": 1,
        "calls": 1,
        "usage": {"prompt_tokens": 1_000_000, "total_tokens": 1_000_000},
        "cost": COSTS,
    }


def test_chats_in_which_no_model_was_asked_are_told_to_be_so(run: Run, folder: Path) -> None:
    keep(folder / "chats.db", ("agent/one", [ChatMessage.user("hello")]))
    ran = run("usage", "agent.yaml")
    assert (ran.code, ran.out, ran.err) == (0, "", "no model was asked in these chats\n")


def test_there_is_nothing_to_sum_up_where_nothing_is_kept(run: Run) -> None:
    assert run("usage").code == 2
    assert run("usage", "missing.yaml").code == 2
    assert run("usage", "agent.yaml", "--since", "yesterday").code == 2


def test_a_narrow_terminal_is_shown_fewer_columns(run: Run, folder: Path, env: dict[str, str]) -> None:
    run("agent.yaml", "Rain?", "--chat", "today")
    headings = []
    for columns in (120, 80):
        with Terminal(["usage", "agent.yaml"], cwd=folder, env=env, columns=columns) as terminal:
            assert terminal.wait() == 0
        head, line, total = terminal.text.splitlines()
        headings.append(head.split())
        assert "1,000,000" in line
        assert total.endswith("$0.7500")
    assert headings[0] == ["DAY", "CHAT", "MODEL", "TURNS", "CALLS", "IN", "CACHED", "OUT", "THINKING", "COST"]
    assert headings[1] == ["DAY", "CHAT", "MODEL", "TURNS", "CALLS", "IN", "OUT", "COST"]
