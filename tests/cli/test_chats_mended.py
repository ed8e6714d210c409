"""`agent-run chats delete`, `repair`, `vacuum`: never behind the back of who uses a chat, and what happened is told."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from typing import TYPE_CHECKING

from runner.agent import Agent
from runner.messages import ChatMessage
from tests.cli.keeping import CALL, age, keep, stored
from tests.cli.tty import Terminal
from tests.storages.turns import say

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Run

# delete


def test_several_chats_are_deleted_with_yes(run: Run, database: Path) -> None:
    keep(database, *((f"tester/{number}", say("a")) for number in range(3)))
    ran = run("chats", "delete", "0", "2", "0", "--name", "tester", "-y")
    assert (ran.code, ran.out, ran.err) == (0, "deleted 0\ndeleted 2\n", "")
    assert list(stored(database)) == ["tester/1"]
    assert json.loads(run("chats", "delete", "tester/1", "-y", "--json").out) == {"agent": "tester", "chat": "1"}


def test_a_running_agent_notices_that_its_chat_was_deleted_or_replaced(
    finish: Run, database: Path, project: Path
) -> None:
    """What it remembers of a chat belongs to one incarnation of it."""

    async def turn(agent: Agent) -> int:
        async for _ in agent.run("echo", chat_id="c"):
            pass
        return len(await agent.get_history("c"))

    async def steps() -> None:
        async with Agent.from_file(project / "agent.yaml") as agent:
            assert await turn(agent) == 2
            assert await turn(agent) == 4
            await asyncio.to_thread(finish, "chats", "export", "tester/c", "-o", "c.jsonl")
            await asyncio.to_thread(finish, "chats", "delete", "tester/c", "-y")
            assert await turn(agent) == 2
            assert await turn(agent) == 4
            replaced = await asyncio.to_thread(finish, "chats", "import", "c.jsonl", "--replace")
            assert replaced.out == "imported tester/c\n"
            assert await turn(agent) == 6

    asyncio.run(steps())


# chats in use, repair


def begin(spawn: Callable[..., subprocess.Popen[bytes]], message: str, database: Path) -> subprocess.Popen[bytes]:
    """A process in the middle of a turn of chat c: its model's reply, or its call, is stored or under way."""
    process = spawn("agent.yaml", message, "--chat", "c")
    if message == "hang":
        assert process.stdout is not None
        assert process.stdout.read(4) == b"Well"
        return process
    while not (database.exists() and any('"started"' in meta for _, meta in stored_or_none(database))):
        assert process.poll() is None
    return process


def stored_or_none(database: Path) -> list[tuple[str, str]]:
    try:
        return stored(database).get("tester/c", [])
    except sqlite3.OperationalError:
        return []  # its tables are being made


def test_a_chat_in_use_is_exit_6_and_says_by_whom_and_since_when(
    spawn: Callable[..., subprocess.Popen[bytes]], run: Run, database: Path
) -> None:
    with begin(spawn, "hang", database) as process:
        try:
            run("chats", "export", "tester/c", "-o", "c.jsonl")
            for arguments in (
                ["delete", "tester/c", "--yes"],
                ["repair", "tester/c"],
                ["import", "c.jsonl", "--replace"],
            ):
                ran = run("chats", *arguments, "--wait", "50ms")
                assert (ran.code, ran.out) == (6, "")
                assert ran.err.startswith(f"error: chat 'tester/c' is in use by pid {process.pid} on ")
                assert " since 20" in ran.err
            assert run("chats", "list").out.count("tester/c") == 1
            assert run("chats", "show", "tester/c").out == "> hang\n"
            assert run("chats", "fork", "tester/c", "--as", "d").out == "tester/d\n"
        finally:
            process.send_signal(signal.SIGKILL)


def test_repair_closes_what_a_crash_left_open_and_says_what(
    spawn: Callable[..., subprocess.Popen[bytes]], run: Run, database: Path
) -> None:
    with begin(spawn, "batch hold quick", database) as process:
        process.send_signal(signal.SIGKILL)
    keep(database, ("tester/fine", [ChatMessage.user("a"), ChatMessage.model("b")]))
    before = stored(database)
    ran = run("chats", "repair", "c", "fine", "--name", "tester")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "c: turn 1 was open and is closed as interrupted; hold() outcome unknown; quick() interrupted\n"
        "fine: nothing was open\n"
    )
    after = stored(database)
    assert after["tester/c"][: len(before["tester/c"])] == before["tester/c"]
    assert after["tester/fine"] == before["tester/fine"]
    assert run("chats", "repair", "--all").err == "nothing was open\n"
    assert run("agent.yaml", "hello", "--chat", "c").out == "hello \n"


def test_repair_of_all_tells_only_what_it_closed_and_in_json_by_result(run: Run, database: Path) -> None:
    keep(
        database,
        ("a/1", say("x")),
        ("b/2", [*say("x"), CALL]),
        ("c/3", [ChatMessage.user("a"), ChatMessage.model("b")]),
    )
    lines = [json.loads(line) for line in run("chats", "repair", "--all", "--json").out.splitlines()]
    assert lines == [
        {"agent": "a", "chat": "1", "closed": 1, "results": []},
        {"agent": "b", "chat": "2", "closed": 2, "results": ["outcome_unknown"]},
    ]


# vacuum and retention


def test_vacuum_deletes_what_is_older_than_the_manifest_keeps_and_shrinks_the_file(
    run: Run, database: Path, project: Path
) -> None:
    (project / "agent.yaml").write_text(
        "name: tester\nstorage: {type: sqlite, url: 'sqlite:///.agent-run/chats.db', retention: 30d}\n"
    )
    keep(database, *((f"{name}/{n}", say("x" * 100_000)) for name in ("tester", "other") for n in range(3)))
    for key in ("tester/0", "tester/1", "other/0"):
        age(database, key, 31)
    age(database, "tester/2", 29)
    size = database.stat().st_size
    assert run("chats", "vacuum").out == "0 old chats deleted, unused room given back\n"
    assert run("chats", "vacuum", "--agent", "agent.yaml").out == "2 old chats deleted, unused room given back\n"
    assert sorted(stored(database)) == ["other/0", "other/1", "other/2", "tester/2"]
    assert database.stat().st_size < size * 0.8
    assert json.loads(run("chats", "vacuum", "--agent", "agent.yaml", "--json").out) == {"deleted": 0}


def test_the_first_turn_of_an_agent_deletes_what_is_too_old(run: Run, database: Path, project: Path) -> None:
    manifest = (project / "agent.yaml").read_text()
    (project / "agent.yaml").write_text(
        manifest + "storage: {type: sqlite, url: 'sqlite:///.agent-run/chats.db', retention: 30d}\n"
    )
    keep(database, ("tester/old", say("x")), ("other/old", say("x")))
    for key in ("tester/old", "other/old"):
        age(database, key, 31)
    assert run("agent.yaml", "hello", "--chat", "new").code == 0
    assert sorted(stored(database)) == ["other/old", "tester/new"]


def test_a_question_is_asked_in_a_terminal(project: Path, env: dict[str, str], database: Path) -> None:
    keep(database, ("tester/one", say("a")), ("tester/two", say("a")))
    for answer, left in (("n\r", ["tester/one", "tester/two"]), ("y\r", ["tester/two"])):
        with Terminal(["chats", "delete", "tester/one"], cwd=project, env=env) as terminal:
            terminal.wait_for("delete 1 chat for good: tester/one? [y/N]")
            terminal.send(answer)
            assert terminal.wait() == 0
        assert sorted(stored(database)) == left
