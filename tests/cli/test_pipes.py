"""What the command does with the streams a shell gives it: real pipes, files, closed and full ones."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run

Spawn = Callable[..., subprocess.Popen[bytes]]


def stored(project: Path) -> str:
    """All entries of all chats, as text."""
    with sqlite3.connect(project / ".agent-run" / "chats.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for name in tables for row in database.execute(f'SELECT * FROM "{name}"')]  # noqa: S608
    database.close()
    return "\n".join(map(str, rows))


def test_piped_text_is_the_message(run: Run) -> None:
    ran = run("agent.yaml", send=b"hello from a pipe\n\n")
    assert (ran.code, ran.out, ran.err) == (0, "hello from a pipe \n", "")


def test_piped_text_is_added_to_the_message_after_a_blank_line(run: Run) -> None:
    assert run("agent.yaml", "sum this up:", send=b"a\nb\n").out == "sum this up:\n\na\nb \n"


def test_an_empty_pipe_beside_a_message_adds_nothing(run: Run) -> None:
    assert run("agent.yaml", "hello", send=b"").out == "hello \n"


@pytest.mark.parametrize("send", [b"", b"  \n\n"], ids=["empty", "blank"])
def test_nothing_piped_and_no_message_is_wrong_use(send: bytes, run: Run) -> None:
    ran = run("agent.yaml", send=send)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: no message: give one as an argument or on standard input")


def test_without_a_message_no_code_of_the_project_is_run(run: Run, project: Path) -> None:
    """So there is nothing to close; and what is wrong with the manifest is told before standard input is read."""
    (project / "deeds.py").write_text("from pathlib import Path\n\nPath('was-imported').touch()\n")
    assert run("agent.yaml").code == 2
    assert not (project / "was-imported").exists()
    (project / "agent.yaml").write_text("toolz: []\n")
    assert "[E102]" in run("agent.yaml").err


def test_a_byte_order_mark_and_other_languages_are_read_as_utf_8(run: Run) -> None:
    assert run("agent.yaml", send="\ufeff漢字 ✓\n".encode()).out == "漢字 ✓ \n"


def test_text_in_another_encoding_is_refused(run: Run) -> None:
    ran = run("agent.yaml", send=b"caf\xe9")
    assert (ran.code, ran.out) == (2, "")
    assert "standard input is not UTF-8 text (byte 3)" in ran.err


def test_the_locale_does_not_change_what_a_pipe_gets(finish: Run, env: dict[str, str]) -> None:
    ran = finish("agent.yaml", "漢字 ✓", env={**env, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    assert (ran.code, ran.out) == (0, "漢字 ✓ \n")


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(closed: str, project: Path, env: dict[str, str]) -> None:
    command = f'exec "$0" -m runner agent.yaml "weather Paris" {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable],
        cwd=project,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert "answered" in stored(project)


def test_a_silent_open_pipe_is_told_after_a_while(spawn: Spawn) -> None:
    with spawn("agent.yaml", "hello", stdin=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"reading standard input; to leave it out: < /dev/null\n"
        out, err = process.communicate(b"")
    assert (process.returncode, out, err) == (0, b"hello \n", b"")


# stdout


def test_a_reader_that_leaves_is_no_failure_and_the_turn_is_stored(spawn: Spawn, project: Path) -> None:
    with spawn("agent.yaml", "flood 20000") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"line 0\n"
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert (process.returncode, err) == (0, b"")
    assert "line 19999" in stored(project)


def test_the_help_may_be_read_in_part(project: Path, env: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "runner", "--help"]
    done = subprocess.run(command, cwd=project, env=env, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_slow_reader_gets_everything_and_does_not_stop_the_loop(spawn: Spawn) -> None:
    with spawn("agent.yaml", "flood 30000") as process:
        assert process.stdout is not None
        time.sleep(1.0)  # the pipe is full by now
        out = process.stdout.read()
    assert process.returncode == 0
    assert out == b"".join(b"line %d\n" % number for number in range(30000))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_told_and_the_turn_is_stored(finish: Run, project: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = finish("agent.yaml", "hello", stdout=full)
    assert ran.code == 4
    assert ran.err == "error: the answer could not be written: No space left on device\n"
    assert "answered" in stored(project)


def test_json_is_written_line_by_line_as_it_happens(spawn: Spawn) -> None:
    with spawn("agent.yaml", "hang", "--json") as process:
        assert process.stdout is not None
        assert b"turn_started" in process.stdout.readline()
        assert b"Well, " in process.stdout.readline()
        process.terminate()
        assert b"interrupted" in process.stdout.read()
    assert process.returncode == 143


# --lines


def test_each_line_is_a_turn_of_one_chat(run: Run) -> None:
    ran = run("agent.yaml", "--lines", "-v", send=b"one\n\n  two \nthree")
    assert (ran.code, ran.out) == (0, "one \ntwo \nthree \n")
    chats = {line.split(",")[0] for line in ran.err.splitlines() if line.startswith("chat ")}
    assert len(chats) == 1
    assert "turn 3" in ran.err


def test_the_first_line_that_fails_is_the_last(run: Run) -> None:
    ran = run("agent.yaml", "--lines", send=b"one\nrefuse it\nthree\n")
    assert (ran.code, ran.out) == (3, "one \nHalf an \n")


def test_lines_are_answered_as_they_come(spawn: Spawn) -> None:
    with spawn("agent.yaml", "--lines", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for word in (b"one", b"two"):
            process.stdin.write(word + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == word + b" \n"
        process.stdin.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0


def test_no_line_at_all_is_wrong_use(run: Run) -> None:
    ran = run("agent.yaml", "--lines", send=b"\n")
    assert (ran.code, ran.out) == (2, "")
    assert "no message" in ran.err


def test_lines_and_json_make_a_protocol(run: Run) -> None:
    out = run("agent.yaml", "--lines", "--json", send=b"one\ntwo\n").out
    assert out.count('"type":"turn_ended"') == 2
