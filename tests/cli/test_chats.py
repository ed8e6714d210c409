"""`agent-run chats`: which chats are meant, how they are listed and shown, and what the page says of it all."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING

import click
import pytest

from runner.cli.chats.group import COMMANDS
from runner.messages import ChatMessage
from tests.cli.conftest import ROOT
from tests.cli.keeping import CALL, keep, stored
from tests.cli.tty import Terminal
from tests.storages.turns import say

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


def talk(run: Run, *turns: str, chat: str = "c1") -> None:
    for turn in turns:
        run("agent.yaml", turn, "--chat", chat)


# list


def test_chats_are_listed_newest_first_of_one_agent_or_of_all(run: Run, database: Path) -> None:
    keep(database, ("tester/one", say("a")), ("other/x y", say("a", "b")), ("tester/two", say("a")))
    rows = run("chats", "list").out.splitlines()
    assert rows[0].split() == ["CHAT", "ENTRIES", "LAST", "WRITTEN", "TO"]
    assert [row.rsplit("  ", 2)[0].strip() for row in rows[1:]] == ["tester/two", "other/x y", "tester/one"]
    assert [row.split()[0] for row in run("chats", "list", "--agent", "agent.yaml").out.splitlines()[1:]] == [
        "two",
        "one",
    ]
    assert run("chats", "list", "--name", "other").out.splitlines()[1].startswith("x y         2  20")
    none = run("chats", "list", "--name", "nobody")
    assert (none.code, none.out, none.err) == (0, "", "no chats\n")


def test_pages_follow_one_another(run: Run, database: Path) -> None:
    keep(database, *((f"tester/{number}", say("a")) for number in range(5)))
    seen, after = [], []
    while True:
        ran = run("chats", "list", "--name", "tester", "--limit", "2", *after)
        seen += [row.split()[0] for row in ran.out.splitlines()[1:]]
        if not ran.err:
            break
        assert ran.err.startswith("there are more: --after ")
        after = ran.err.split()[-2:]
    assert seen == ["4", "3", "2", "1", "0"]
    wrong = run("chats", "list", "--after", "yesterday")
    assert (wrong.code, wrong.out) == (2, "")
    assert "'yesterday' is no place in this storage's list" in wrong.err


def test_json_has_each_chat_on_a_line_with_its_place_and_exact_id(run: Run, database: Path) -> None:
    keep(database, ("a%2Fb/\ud83d\n", say("a")), ("no agent", say("a", "b")))
    ran = run("chats", "list", "--json")
    one, two = map(json.loads, ran.out.splitlines())
    assert ran.out.isascii()
    assert (one["agent"], one["chat"], one["entries"]) == ("", "no agent", 2)
    assert (two["agent"], two["chat"], two["entries"]) == ("a/b", "\ud83d\n", 1)
    assert json.loads(run("chats", "list", "--json", "--after", one["after"]).out) == two


def test_an_id_is_made_visible_in_the_table(run: Run, database: Path) -> None:
    keep(database, ("tester/\x1b[31m\nred", say("a")))
    assert "tester/\\x1b[31m red  " in run("chats", "list").out


# which chats are meant


def test_the_default_database_is_not_made_by_looking_for_it(run: Run, database: Path) -> None:
    ran = run("chats", "list")
    assert ran.code == 2
    assert "there are no chats in " in ran.err
    assert "name --agent FILE or --storage URL" in ran.err
    assert not database.exists()


def test_a_url_is_relative_to_the_project_of_the_working_folder(
    run: Run, database: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(project / "mine.db", ("a/c", say("x")))
    (project / "deep").mkdir()
    monkeypatch.chdir(project / "deep")
    assert "a/c" in run("chats", "list", "--storage", "sqlite:///mine.db").out
    monkeypatch.setenv("AGENT_RUN_STORAGE", "sqlite:///mine.db")
    assert "a/c" in run("chats", "list").out
    assert run("chats", "list", "--agent", "../agent.yaml").err == "no chats\n"


def test_chats_are_found_though_the_rest_of_the_manifest_is_wrong(run: Run, database: Path, project: Path) -> None:
    keep(database, ("tester/c", say("x")))
    (project / "agent.yaml").write_text("name: tester\ntools: [gone]\ninstructions: '{{ unknown }}'\n")
    assert run("agent.yaml", "hello").code == 2
    assert run("chats", "list", "--agent", "agent.yaml").out.splitlines()[1].startswith("c ")
    (project / "agent.yaml").write_text("name: tester\nstorage: sqllite:///x.db\n")
    ran = run("chats", "list", "--agent", "agent.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert 'unknown storage "sqllite"' in ran.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["chats", "list", "--agent", "agent.yaml", "--name", "x"], "--agent and --name exclude each other"),
        (["chats", "list", "--storage", ""], "need a value that is not empty"),
        (["chats", "list", "--name", "a\nb"], "characters that do not print"),
        (["chats", "list", "--limit", "0"], "0 is not in the range"),
        (["chats", "list", "--storage", "sqllite:///x.db"], 'unknown storage "sqllite"'),
        (["chats", "list", "--agent", "gone.yaml"], "gone.yaml"),
        (["chats", "shwo", "c"], "No such command 'shwo'"),
        (["chats", "show", "c"], 'there is no chat "c"; `agent-run chats list` shows which are'),
        (["chats", "export"], "name the chats to export, or all of them with --all"),
        (["chats", "export", "c", "--all"], "name the chats to export, or all of them with --all"),
        (["chats", "export", "--all", "--as-gemini"], "--as-gemini writes one chat"),
        (["chats", "repair"], "name the chats to repair"),
        (["chats", "delete"], "Missing argument"),
        (["chats", "delete", "tester/one"], "deleting needs --yes where nobody can be asked"),
        (["chats", "delete", "tester/one", "gone", "--yes"], 'there is no chat "gone"'),
        (["chats", "fork", "gone"], 'there is no chat "gone"'),
        (["chats", "fork", "tester/one", "--turn", "2"], "--turn 2: the chat has 1 turn"),
        (["chats", "fork", "tester/one", "--as", "one"], 'there is a chat "tester/one" already'),
        (["chats", "import", "gone.jsonl"], "gone.jsonl cannot be read: No such file"),
        (["chats", "import", "agent.yaml"], "agent.yaml:1: this is no export of chats"),
        (["chats", "repair", "tester/one", "--wait", "soon"], "--wait: 'soon' is not a duration"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2_and_nothing_changes(
    arguments: list[str], why: str, run: Run, database: Path
) -> None:
    keep(database, ("tester/one", say("a")))
    before = stored(database)
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.err
    assert stored(database) == before


def test_a_storage_that_fails_is_exit_4_and_told_in_json_as_well(run: Run, database: Path) -> None:
    database.write_text("hello")
    ran = run("chats", "list", "--json")
    assert ran.code == 4
    assert "is not a SQLite database" in ran.err
    told = json.loads(ran.out)
    assert (told["type"], told["code"], told["exit_code"]) == ("error", "STORAGE", 4)


def test_a_storage_of_three_methods_says_what_it_cannot_do(run: Run, project: Path, database: Path) -> None:
    (project / "mine.py").write_text(
        "from runner import ChatStorage\n\nclass Mine(ChatStorage):\n    async def get_history(self, chat_id):\n"
        "        return []\n"
    )
    (project / "agent.yaml").write_text("name: tester\nstorage: {type: 'mine:Mine'}\n")
    ran = run("chats", "list", "--agent", "agent.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: this storage cannot do that: Mine.list_chats is not implemented\n"


# show


def test_a_transcript_is_told_as_the_terminal_told_it(run: Run, database: Path) -> None:
    talk(run, "weather Paris", "weather Atlantis", "refuse bad\nrequest")
    ran = run("chats", "show", "tester/c1")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        '> weather Paris\nLet me look.\n⋅ get_weather(city="Paris")\nIt is **18 °C** in Paris.\n'
        "\n> weather Atlantis\nLet me look.\n"
        '⋅ get_weather(city="Atlantis") error: LookupError: unknown city: Atlantis\nIt is **18 °C** in Paris.\n'
        "\n> refuse bad\n> request\nHalf an \nerror: 400 INVALID_ARGUMENT: bad request\n"
    )
    assert run("chats", "show", "c1", "--agent", "agent.yaml").out == ran.out


def test_an_unanswered_call_and_a_file_are_told(run: Run, database: Path) -> None:
    file = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    keep(database, ("tester/c", [ChatMessage.user("look", files=[file]), CALL]))
    assert run("chats", "show", "tester/c").out == "> look\n> [image/png, 3 bytes]\n⋅ hold() has no result yet\n"


def test_show_json_has_every_entry_exactly_as_it_is_stored(run: Run, database: Path) -> None:
    keep(database, ("tester/c", [*say("a"), ChatMessage.model("\x1b[2J\ud83d\x00")]))
    lines = run("chats", "show", "tester/c", "--json").out.splitlines()
    assert lines == [f'{{"content":{content},"meta":{meta}}}' for content, meta in stored(database)["tester/c"]]


def test_a_transcript_in_a_terminal_is_rendered_and_safe(project: Path, env: dict[str, str], database: Path) -> None:
    hostile = "\x1b]0;title\x07\x1b[2J"
    keep(database, ("tester/c", [ChatMessage.user(f"a{hostile}"), ChatMessage.model(f"**bold** {hostile}")]))
    with Terminal(["chats", "show", "tester/c"], cwd=project, env=env) as terminal:
        assert terminal.wait() == 0
    assert "> a\\x1b]0;title\\x07\\x1b[2J" in terminal.text
    assert "bold \\x1b]0;title" in terminal.text
    assert "**" not in terminal.text


# the page


def test_every_command_and_option_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8").split("## `agent-run chats`")[1].split("\n## ")[0]
    for name, entry in COMMANDS.items():
        assert f"| `chats {name}" in page
        module, _, attribute = entry.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        options = {option.opts[-1] for option in command.params if isinstance(option, click.Option)}
        assert [option for option in options if f"`{option}" not in page] == [], name
