"""Ctrl+C, SIGTERM, SIGHUP without a terminal: the turn ends in order, the chat stays one that Gemini accepts."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runner.agent import Agent
from tests.servers import history_fault

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

Spawn = Callable[..., subprocess.Popen[bytes]]


def fault_of(project: Path, chat_id: str) -> str | None:
    """What is wrong with the stored chat as a history, by an oracle that shares no code with the runner."""

    async def read() -> str | None:
        async with Agent.from_file(project / "agent.yaml") as agent:
            messages = await agent.get_history(chat_id)
        assert messages
        return history_fault({"contents": [*(m.content for m in messages), {"role": "user", "parts": [{"text": "?"}]}]})

    return asyncio.run(read())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_turn_and_keeps_the_chat(
    number: signal.Signals, code: int, spawn: Spawn, finish: Run, project: Path
) -> None:
    with spawn("agent.yaml", "--chat", "c", "batch quick hold wait") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"\xe2\x8b\x85 quick()")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == b""
    assert err.decode().splitlines()[-1] == "interrupted: 1 done, 1 cut off, 1 unknown"
    assert fault_of(project, "c") is None
    assert finish("agent.yaml", "--chat", "c", "again").code == 0


def test_partial_text_stays_and_its_line_is_ended(spawn: Spawn) -> None:
    with spawn("agent.yaml", "hang") as process:
        assert process.stdout is not None
        assert process.stdout.read(6) == b"Well, "
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"\n", b"interrupted\n")


def test_a_signal_while_waiting_for_a_line_ends_the_command(spawn: Spawn) -> None:
    with spawn("agent.yaml", "--lines", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"one\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"one \n"
        process.terminate()
        assert process.wait(60) == 143


def test_the_turn_under_way_is_the_last_of_the_lines(spawn: Spawn) -> None:
    with spawn("agent.yaml", "--lines", stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdin.write(b"hang\ntwo\n")
        process.stdin.flush()
        assert process.stdout.read(6) == b"Well, "
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"\n")


def test_a_second_ctrl_c_leaves_at_once(spawn: Spawn, project: Path) -> None:
    with spawn("agent.yaml", "--chat", "c", "stubborn") as process:
        assert process.stdout is not None
        assert process.stdout.read(6) == b"Well, "
        wait_until_deaf(project)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
        with suppress(subprocess.TimeoutExpired):
            process.send_signal(signal.SIGINT)
            process.wait(10)
        process.send_signal(signal.SIGINT)  # one that comes while another is pending is lost on a busy machine
        assert process.wait(60) == 130
    assert fault_of(project, "c") is None


def wait_until_deaf(project: Path) -> None:
    """Until the stubborn model has gone on to where nothing stops it."""
    deadline = time.monotonic() + 60
    while not (project / "deaf").exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_reader_that_never_reads_cannot_keep_the_command(spawn: Spawn) -> None:
    with spawn("agent.yaml", "flood 30000") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"line 0\n"
        time.sleep(0.3)  # the pipe is full by now
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert process.returncode == 130


def test_ctrl_c_at_any_instant_leaves_a_chat_that_gemini_accepts(spawn: Spawn, project: Path) -> None:
    choice = random.Random(4)  # noqa: S311  # instants, not secrets
    for index in range(5):
        with spawn(
            "agent.yaml", "--json", "--chat", f"c{index % 2}", "batch quick hold wait quick hold wait quick hold"
        ) as process:
            assert process.stdout is not None
            assert b"turn_started" in process.stdout.readline()
            time.sleep(choice.random() * 0.05)  # the calls are stored, some start, some return
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        assert process.returncode == 130
    for chat_id in ("c0", "c1"):
        assert fault_of(project, chat_id) is None
