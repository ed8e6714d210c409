"""`agent-run chats export`, `import`, `fork`: what is stored elsewhere is the same, text for text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.messages import ChatMessage
from tests.cli.keeping import CALL, keep, kinds, stored
from tests.servers import history_fault
from tests.storages.turns import say

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Run

HOSTILE = {
    "role": "model",
    "parts": [{"text": "\x1b[2J\ud83d\x00"}, {"x": [2**70, 1e308, -0.0, None, {"lc": "\u202e"}]}],
}


def talk(run: Run, *turns: str, chat: str = "c1") -> None:
    for turn in turns:
        run("agent.yaml", turn, "--chat", chat)


# export and import


def test_an_import_of_an_export_stores_the_same_texts_and_the_way_back_too(
    finish: Run, database: Path, project: Path
) -> None:
    """Between two databases, in processes of their own, through a pipe and through a file."""
    keep(
        database,
        ("tester/one", [*say("a", "b\x00\u2028\r\n"), ChatMessage(HOSTILE, {"kind": "model", "n": 10**400})]),
        ("other/\ud83d\n", say("é")),
        ("no agent", say("x")),
    )
    exported = finish("chats", "export", "--all", "--agent", "agent.yaml")
    assert exported.out.count("\n") == 5
    every = finish("chats", "export", "--all")
    assert (every.code, every.err) == (0, "")
    moved = finish("chats", "import", "--storage", "sqlite:///two.db", send=every.out.encode())
    assert (moved.code, moved.err) == (0, "")
    assert moved.out == "imported tester/one\nimported other/\\ud83d\nimported no agent\n"
    assert stored(project / "two.db") == stored(database)
    back = finish("chats", "export", "--all", "--storage", "sqlite:///two.db", "-o", "back.jsonl")
    assert back.err == "3 chats with 5 entries written to back.jsonl\n"
    assert (project / "back.jsonl").read_text() == every.out
    assert (project / "back.jsonl").stat().st_mode & 0o777 == 0o600
    database.unlink()
    assert finish("chats", "import", "back.jsonl", "--storage", "sqlite:///.agent-run/chats.db").code == 0
    assert stored(database) == stored(project / "two.db")


def test_a_moved_list_keeps_its_order(run: Run, database: Path) -> None:
    keep(database, *((f"tester/{number}", say("a")) for number in range(5)))
    keep_order = [row.split()[0] for row in run("chats", "list").out.splitlines()]
    run("chats", "export", "--all", "-o", "all.jsonl")
    run("chats", "import", "all.jsonl", "--storage", "sqlite:///two.db")
    assert [
        row.split()[0] for row in run("chats", "list", "--storage", "sqlite:///two.db").out.splitlines()
    ] == keep_order


def test_chats_are_moved_under_another_agent_and_id(run: Run, database: Path, project: Path) -> None:
    keep(database, ("tester/one", say("a")))
    run("chats", "export", "tester/one", "-o", "one.jsonl")
    ran = run("chats", "import", "one.jsonl", "--name", "new name", "--as", "two", "--json")
    assert json.loads(ran.out) == {"agent": "new name", "chat": "two", "entries": 1}
    assert sorted(stored(database)) == ["new%20name/two", "tester/one"]


def test_an_existing_chat_is_refused_unless_it_is_to_be_replaced(run: Run, database: Path, project: Path) -> None:
    keep(database, ("tester/new", say("new")), ("tester/one", say("old")))
    run("chats", "export", "--all", "-o", "all.jsonl")
    run("chats", "delete", "tester/new", "--yes")
    keep_before = stored(database)
    ran = run("chats", "import", "all.jsonl")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith('error: all.jsonl:3: there is a chat "tester/one" already: replace it with --replace')
    assert stored(database) == keep_before
    assert run("chats", "import", "all.jsonl", "--as", "x").err.startswith(
        "error: all.jsonl:3: --as is for a file of one"
    )
    assert run("chats", "import", "all.jsonl", "--replace").out == "imported tester/new\nimported tester/one\n"
    assert sorted(stored(database)) == ["tester/new", "tester/one"]


def test_of_a_torn_file_nothing_is_stored(run: Run, database: Path, project: Path) -> None:
    keep(database, ("tester/a", say("a")), ("tester/b", say("a", "b")))
    run("chats", "export", "--all", "-o", "all.jsonl")
    whole = (project / "all.jsonl").read_text().splitlines(keepends=True)
    (project / "torn.jsonl").write_text("".join(whole[:-1]))
    ran = run("chats", "import", "torn.jsonl", "--storage", "sqlite:///two.db")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: torn.jsonl:6: the file ends too early: it was cut off; nothing was stored\n"
    twice = run("chats", "import", "--storage", "sqlite:///two.db", send="".join([*whole, *whole]).encode())
    assert twice.err.startswith("error: standard input:7: the chat of line 1 comes once more")
    assert stored(project / "two.db") == {}


def test_gemini_takes_the_export_as_it_is(run: Run, database: Path, project: Path) -> None:
    """Also of a chat that a crash left open, with a call nobody answered."""
    talk(run, "weather Paris")
    keep(database, ("tester/open", [*say("a"), CALL]))
    for chat in ("c1", "open"):
        ran = run("chats", "export", chat, "--agent", "agent.yaml", "--as-gemini")
        body = json.loads(ran.out)
        assert set(body) == {"contents"}
        asked = {"role": "user", "parts": [{"text": "And now?"}]}
        assert history_fault({"contents": [*body["contents"], asked]}) is None
    assert len(stored(database)["tester/open"]) == 2


def test_an_export_that_cannot_be_written_leaves_no_piece_of_it(run: Run, database: Path, project: Path) -> None:
    keep(database, ("tester/a", say("a")))
    ran = run("chats", "export", "tester/a", "tester/gone", "-o", "out.jsonl")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert run("chats", "export", "--all", "-o", "no/folder.jsonl").err.startswith(
        "error: no/folder.jsonl cannot be written"
    )
    assert sorted(path.name for path in project.iterdir() if "jsonl" in path.name) == []


def test_a_reader_that_leaves_early_is_no_failure(
    spawn: Callable[..., subprocess.Popen[bytes]], database: Path
) -> None:
    keep(database, *((f"tester/{number}", say("x" * 10_000)) for number in range(50)))
    with spawn("chats", "export", "--all") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


# fork


def test_a_fork_is_a_copy_up_to_a_turn_and_goes_its_own_way(run: Run, database: Path) -> None:
    talk(run, "one", "weather Paris", "three")
    new = run("chats", "fork", "tester/c1", "--turn", "2").out.strip()
    assert new.startswith("tester/20")
    whole = stored(database)
    assert whole[new] == whole["tester/c1"][: len(whole[new])]
    assert json.loads(whole[new][-1][1])["turn"] == 2
    ran = run("agent.yaml", "four", "--chat", new.partition("/")[2], "-v")
    assert "turn 3" in ran.err
    assert stored(database)["tester/c1"] == whole["tester/c1"]
    told = json.loads(run("chats", "fork", "c1", "--agent", "agent.yaml", "--as", "mine", "--json").out)
    assert (told["agent"], told["chat"], told["entries"]) == ("tester", "mine", len(whole["tester/c1"]))


def test_a_fork_of_an_open_turn_is_closed(run: Run, database: Path) -> None:
    keep(database, ("tester/open", [*say("a"), CALL]))
    run("chats", "fork", "tester/open", "--as", "copy")
    assert kinds(database, "tester/copy") == [None, "model", "responses", "closed"]
    assert len(stored(database)["tester/open"]) == 2
