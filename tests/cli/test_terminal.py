"""The chat in a terminal, driven through a pty and read off a screen."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import stat
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_screen import SEQUENCES
from tests.cli.test_signals import fault_of, wait_until_deaf
from tests.cli.tty import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Open = Callable[..., Terminal]

PROMPT = "\n>"
HINT = "press Ctrl+C again or Ctrl+D to leave"
OWN = re.compile(rb"\x1b(\[[0-9;?]*[A-Za-z]|>|=|\(B)")


@pytest.fixture
def chat(project: Path, env: dict[str, str]) -> Open:
    def start(*arguments: str, **options: object) -> Terminal:
        changed = {**env, **options.pop("env", {})}  # type: ignore[dict-item]  # a mapping, as the callers below give it
        return Terminal(arguments or ["agent.yaml"], cwd=project, env=changed, **options)  # type: ignore[arg-type]  # as above

    return start


def test_a_conversation(chat: Open) -> None:
    with chat("agent.yaml", "--chat", "mine") as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("weather Paris\r")
        terminal.wait_for(PROMPT, count=2)
        terminal.send("\x04")
        assert terminal.wait() == 0
    lines = terminal.lines
    assert lines[0] == "tester · actor · 4 tools · chat mine · /help"
    assert lines[1:3] == ["> weather Paris", "Let me look."]
    assert re.fullmatch(r'⋅ get_weather\(city="Paris"\) \d\.\d s', lines[3])
    assert lines[4:7] == ["It is 18 °C in Paris.", "", ">"]


def test_commands(chat: Open) -> None:
    with chat("agent.yaml", "--chat", "mine") as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("weather Paris\r")
        terminal.wait_for(PROMPT, count=2)
        for command, answer in [
            ("/help", "Esc Enter   begin a new line"),
            ("/tools", "get_weather  The weather now."),
            ("/usage", "since the start: 1 turn, 2,060 tokens"),
            ("/hsitory", "unknown command /hsitory; did you mean /history? /help lists them"),
            ("/history", '> weather Paris\nLet me look.\n⋅ get_weather(city="Paris")\nIt is 18 °C in Paris.'),
            ("/etc/hosts is a file", "/etc/hosts is a file\n\n>"),
            ("/new", "chat 2"),
        ]:
            terminal.send(f"{command}\r")
            terminal.wait_for(answer)
        terminal.send("/history\r")
        terminal.wait_for("nothing has been said in this chat")
        terminal.send("/exit\r")
        assert terminal.wait() == 0


def test_the_last_chat_is_continued(chat: Open) -> None:
    for arguments in (["--chat", "mine"], ["-c"]):
        with chat("agent.yaml", *arguments) as terminal:
            terminal.wait_for("chat mine")
            terminal.send("hello\r")
            terminal.wait_for(PROMPT, count=2)
            terminal.send("/history\r")
            terminal.wait_for("> hello", count=2 if arguments[0] == "--chat" else 3)


def test_several_lines_are_one_message(chat: Open) -> None:
    with chat() as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("one\x1b\rtwo\r")
        terminal.wait_for("\none\ntwo\n")
        terminal.send("\x1b[200~three\rfour\x1b[201~\r")
        terminal.wait_for("\nthree\nfour\n")


def test_an_error_ends_the_turn_and_the_prompt_returns(chat: Open) -> None:
    with chat() as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("refuse bad request\r")
        terminal.wait_for("Half an\nerror: 400 INVALID_ARGUMENT: bad request\n\n>")
        terminal.send("break it\r")
        terminal.wait_for("this is a bug in agent-run")
        terminal.send("hello\r")
        terminal.wait_for("hello\nhello\n")
        assert "Traceback" not in terminal.text
        terminal.send("\x04")
        assert terminal.wait() == 0


# Ctrl+C


def test_ctrl_c_stops_the_turn_and_counts_its_calls(chat: Open, project: Path) -> None:
    with chat("one_at_a_time.yaml", "--chat", "c") as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("batch quick quick quick hold hold quick quick quick\r")
        terminal.wait_for("· hold, hold")
        terminal.send("\x03")
        terminal.wait_for("interrupted: 3 done, 2 unknown, 3 not started\n\n>")
        terminal.send("hello\r")
        terminal.wait_for("hello\nhello\n")
    assert fault_of(project, "c") is None


def test_ctrl_c_twice_within_a_second_leaves(chat: Open) -> None:
    with chat() as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("hang\r")
        terminal.wait_for("Well,")
        began = time.monotonic()
        terminal.send("\x03")
        terminal.wait_for("interrupted\n\n>")
        terminal.send("\x03")
        while terminal.process.poll() is None and HINT not in terminal.text:
            terminal._read()
        if HINT in terminal.text:  # the machine was too slow for that
            assert time.monotonic() - began > 1
            terminal.send("\x03")
        assert terminal.wait() == 130


def test_a_turn_that_does_not_stop_is_left_by_the_second_ctrl_c_with_the_keyboard_restored(
    chat: Open, project: Path
) -> None:
    with chat() as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("stubborn\r")
        terminal.wait_for("Well,")
        assert not terminal.echoes
        wait_until_deaf(project)
        terminal.send("\x03")
        time.sleep(0.3)
        terminal.send("\x03")
        assert terminal.wait() == 130
        assert terminal.echoes


def test_ctrl_c_at_the_prompt_clears_it_then_hints_then_leaves(chat: Open) -> None:
    with chat() as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("half a thought")
        terminal.wait_for("thought")
        terminal.send("\x03")
        terminal.wait_for(PROMPT, count=2)
        assert "leave" not in terminal.text
        terminal.send("\x03")
        terminal.wait_for(f"{HINT}\n>")
        terminal.send("\x03")
        assert terminal.wait() == 130


def test_ctrl_c_at_any_instant_brings_the_prompt_back(chat: Open, project: Path) -> None:
    choice = random.Random(8)  # noqa: S311  # instants, not secrets
    with chat("one_at_a_time.yaml", "--chat", "c") as terminal:
        for turn in range(3):
            terminal.wait_for(PROMPT, count=turn + 1)
            time.sleep(1.05)  # so that no two Ctrl+C are within a second
            terminal.send("batch quick hold wait quick wait hold quick quick\r")
            terminal.wait_for("> batch", count=turn + 1)
            time.sleep(choice.random() * 0.1)
            terminal.send("\x03")
            terminal.wait_for("\ninterrupted", count=turn + 1)
    assert fault_of(project, "c") is None


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("busy", [False, True], ids=["at the prompt", "during a turn"])
def test_signals_leave(number: signal.Signals, code: int, busy: bool, chat: Open, project: Path) -> None:
    with chat("agent.yaml", "--chat", "c") as terminal:
        terminal.wait_for(PROMPT)
        if busy:
            terminal.send("batch quick hold\r")
            terminal.wait_for("quick()")
        terminal.signal(number)
        assert terminal.wait() == code
        assert terminal.echoes
    if busy:
        assert fault_of(project, "c") is None


def test_a_closed_terminal_ends_the_chat(chat: Open, project: Path) -> None:
    with chat("agent.yaml", "--chat", "c") as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("batch quick hold\r")
        terminal.wait_for("quick()")
        terminal.hang_up()
        assert terminal.process.wait(60) == 129
    assert fault_of(project, "c") is None


# what is on the screen


def test_only_our_own_sequences_reach_the_terminal(chat: Open, project: Path) -> None:
    pieces = [
        piece
        for payload in SEQUENCES
        for piece in ("- a ", payload[: len(payload) // 2], payload[len(payload) // 2 :], " z\n")
    ]
    (project / "payloads.json").write_text(json.dumps(pieces))
    with chat(columns=200, rows=60) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("file payloads.json\r")
        terminal.wait_for(PROMPT, count=2)
        terminal.send("\x04")
        assert terminal.wait() == 0
    assert b"\x1b" not in OWN.sub(b"", terminal.raw)
    assert not re.search(rb"[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]", terminal.raw)
    text = OWN.sub(b"", terminal.raw).decode()
    assert not re.search("[\x80-\x9f\u200b\u202a-\u202e\u2066-\u2069\U000e0000-\U000e0fff]", text)


def test_what_is_typed_during_a_turn_is_kept_for_the_next_prompt(chat: Open) -> None:
    with chat() as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("slowly a b c d e f g h i j k l m n o p q r s t u v w x y z\r")
        terminal.wait_for("a b c")
        terminal.send("typed meanwhile")
        terminal.wait_for("x y z\n\n> typed meanwhile")
        assert terminal.text.count("typed meanwhile") == 1


def test_a_long_answer_is_on_the_screen_once(chat: Open) -> None:
    with chat(rows=10, columns=60) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("flood 60\r")
        terminal.wait_for(PROMPT, count=2)
    numbers = [int(number) for number in re.findall(r"^line (\d+)$", terminal.text, re.MULTILINE)]
    assert numbers == list(range(60))


def test_a_terminal_that_changes_its_size_keeps_the_chat_sane(chat: Open) -> None:
    with chat(columns=60) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("slowly " + " ".join(f"w{number}" for number in range(60)) + "\r")
        terminal.wait_for("w9")
        terminal.resize(30, 20)
        terminal.wait_for("w59", count=2)
        terminal.send("hello\r")
        terminal.wait_for("> hello\nhello")


def test_a_dumb_terminal_gets_plain_text(chat: Open) -> None:
    with chat(env={"TERM": "dumb"}) as terminal:
        terminal.wait_for(">")
        terminal.send("weather Paris\r")
        terminal.wait_for("It is **18 °C** in Paris.\n\n>")
        assert "Let me look.\n⋅ get_weather" in terminal.text
        assert b"\x1b" not in terminal.raw
        terminal.send("\x04")
        assert terminal.wait() == 0


def test_no_color_means_no_colour_and_no_style(chat: Open) -> None:
    with chat(env={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("weather Paris\r")
        terminal.wait_for("18 °C in Paris.\n")
        assert not re.search(rb"\x1b\[[0-9;]*[1-9][0-9;]*m", terminal.raw)


def test_one_answer_in_a_terminal_is_markdown_too(chat: Open) -> None:
    with chat("agent.yaml", "weather Paris") as terminal:
        assert terminal.wait() == 0
        assert "It is 18 °C in Paris." in terminal.text


# what is remembered


def test_what_was_typed_is_kept_privately_outside_the_project(chat: Open, project: Path, env: dict[str, str]) -> None:
    with chat() as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("hello\r")
        terminal.wait_for(PROMPT, count=2)
        terminal.send(" secret\r")
        terminal.wait_for(PROMPT, count=3)
        terminal.send("\x04")
        terminal.wait()
    (file,) = (path for path in (project.parent / "home").rglob("history") if path.is_file())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "hello" in file.read_text()
    assert "secret" not in file.read_text()
    with chat() as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("\x1b[A\r")
        terminal.wait_for("> hello\nhello")


def test_a_home_that_cannot_be_written_is_no_failure(chat: Open, project: Path) -> None:
    home = project.parent / "nowhere"
    home.write_text("a file")
    with chat(env={"HOME": str(home), "XDG_STATE_HOME": ""}) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("hello\r")
        terminal.wait_for("> hello\nhello")
        terminal.send("\x04")
        assert terminal.wait() == 0


def test_a_chat_needs_a_terminal_to_write_to(project: Path, env: dict[str, str]) -> None:
    import pty
    import subprocess
    import sys

    master, slave = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "runner", "agent.yaml"],
            cwd=project,
            env=env,
            stdin=slave,
            capture_output=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(master)
        os.close(slave)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"a chat needs a terminal" in done.stderr
