"""`agent-run chats export CHAT --as-test`: a test made from life, and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.messages import ChatMessage
from tests.cli.keeping import CALL, keep
from tests.storages.turns import say

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

TURN = [
    ChatMessage.user("Count to 3", meta={"kind": "user"}),
    ChatMessage.model("1 2 3", meta={"kind": "model", "status": "answered"}),
]


def test_a_chat_becomes_a_file_that_passes(run: Run, database: Path, project: Path) -> None:
    keep(database, ("tester/one", TURN))
    ran = run(
        "chats", "export", "one", "--agent", "agent.yaml", "--as-test", "--scripted", "-o", "tests.conversations.yaml"
    )
    assert (ran.code, ran.out) == (0, "")
    assert "run it: agent-run test tests.conversations.yaml\n" in ran.err
    lines = (project / "tests.conversations.yaml").read_text("utf-8").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=.agent-run/conversations.schema.json"
    assert lines[2:5] == ["agent: agent.yaml", "cases:", "  - name: Count to 3"]
    tested = run("test", "tests.conversations.yaml")
    assert tested.code == 0, tested.out


def test_the_manifest_is_found_by_the_name_of_the_agent(run: Run, database: Path, project: Path) -> None:
    keep(database, ("lonely/one", TURN), ("nobody/two", TURN))
    (project / "lonely.agent.yaml").write_text("model: offline\n")

    ran = run("chats", "export", "lonely/one", "--as-test")
    assert (ran.code, ran.out.splitlines()[1]) == (0, "agent: lonely.agent.yaml")
    gone = run("chats", "export", "nobody/two", "--as-test")
    assert gone.code == 2
    assert 'no manifest of this project has the name "nobody": name it with --agent FILE' in gone.err


def test_a_case_alone_is_printed_to_be_pasted(run: Run, database: Path) -> None:
    keep(database, ("tester/one", TURN))
    ran = run("chats", "export", "one", "--agent", "agent.yaml", "--as-test", "--case")
    assert ran.out.startswith("  - name: Count to 3\n    turns:\n      - user: Count to 3\n")
    assert "          # review: 1 2 3\n" in ran.out


def test_a_manifest_elsewhere_is_named_relative_to_the_file(run: Run, database: Path, project: Path) -> None:
    keep(database, ("tester/one", TURN))
    (project / "tests").mkdir()
    run("chats", "export", "one", "--agent", "agent.yaml", "--as-test", "-o", "tests/a.conversations.yaml")
    text = (project / "tests" / "a.conversations.yaml").read_text("utf-8")
    assert "\nagent: ../agent.yaml\n" in text
    assert text.startswith("# yaml-language-server: $schema=../.agent-run/conversations.schema.json\n")


def test_what_is_wrong_with_the_file_is_told(run: Run, database: Path, project: Path) -> None:
    keep(database, ("tester/one", [TURN[0], CALL, ChatMessage(None, {"kind": "closed", "status": "limit"})]))
    (project / "agent.yaml").write_text("name: tester\ninstructions: '{{ unknown }}'\n")
    ran = run("chats", "export", "one", "--agent", "agent.yaml", "--as-test", "-o", "a.conversations.yaml")
    assert ran.code == 0
    assert "a.conversations.yaml:" in ran.err
    assert "the agent does not run: its manifest has 1 error" in ran.err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["one", "--as-test", "--as-gemini"], "--as-gemini and --as-test exclude each other"),
        (["one", "two", "--as-test"], "--as-test writes one chat"),
        (["--all", "--as-test"], "--as-test writes one chat"),
        (["one", "--scripted"], "--case, --scripted and --stubs belong to --as-test"),
        (["one", "--as-test", "-o", "agent.yaml"], "agent.yaml exists already; --case makes a case to paste into it"),
        (["gone", "--as-test"], 'there is no chat "gone"'),
        (["empty", "--as-test"], "there is nothing to test in this chat: turn 1 was never finished"),
    ],
)
def test_what_cannot_be_done_is_told(options: list[str], why: str, run: Run, database: Path) -> None:
    keep(database, ("tester/one", say("a")), ("tester/empty", TURN[:1]))
    ran = run("chats", "export", "--agent", "agent.yaml", *options)
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.err.replace("\n", " ")
