"""`agent-run test --watch`, in a terminal: what a change concerns is run again, and keys are obeyed."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.saving import save
from tests.cli.test_test import AGENT, TOOLS, write
from tests.cli.tty import Terminal

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Run

SUITE = """\
agent: {agent}
cases:
  - name: warm in Paris
    turns:
      - user: How warm is it?
        replies: [{{call: get_weather, args: {{city: Paris}}}}, It is 18 degrees.]
        expect: {{calls: [{{tool: get_weather, result: {{temp_c: 18}}}}]}}
  - name: polite
    turns: [{{user: Hello, replies: [Hello!], expect: {{reply: {reply}}}}}]
"""
WAITING = "Enter runs all, f what failed, q leaves"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two agents, each with conversations; one case fails."""
    folder = tmp_path / "project"
    write(folder, "pyproject.toml", "")
    write(folder, "tools/_values.py", "DEGREES = 18\n")
    write(folder, "tools/weather.py", "from tools._values import DEGREES\n" + TOOLS.replace(": 18}", ": DEGREES}"))
    write(folder, "agents/weather.yaml", AGENT)
    write(folder, "agents/bare.yaml", "model: offline\n")
    write(folder, "agents/weather.conversations.yaml", SUITE.format(agent="weather.yaml", reply="Hello"))
    bare = SUITE.format(agent="bare.yaml", reply="Goodbye").replace("warm in Paris", "x").split("  - name: polite")
    write(folder, "agents/bare.conversations.yaml", f"agent: bare.yaml\ncases:\n  - name: rude{bare[1]}")
    return folder


@pytest.fixture
def terminal(project: Path, env: dict[str, str]) -> Iterator[Terminal]:
    with Terminal(["test", "--watch"], cwd=project, env=env, columns=100, rows=40) as opened:
        opened.wait_for(WAITING)
        yield opened


def screen(terminal: Terminal) -> str:
    return "\n".join(terminal.shown)


def change(terminal: Terminal, path: Path, text: str, *, seen: str) -> str:
    """Save a file, and wait for what is told then; the screen."""
    save(path, text)
    terminal.wait_for(seen)
    deadline = time.monotonic() + 60
    while WAITING not in screen(terminal).partition(seen)[2]:
        assert time.monotonic() < deadline, screen(terminal)
        time.sleep(0.05)
        terminal._read()
    return screen(terminal)


def test_what_a_change_concerns_is_run_again_and_nothing_else(terminal: Terminal, project: Path) -> None:
    assert "1 failed, 2 passed" in screen(terminal)
    shown = change(terminal, project / "tools/_values.py", "DEGREES = 19\n", seen="changed: tools/_values.py")
    assert "✗ weather: warm in Paris" in shown
    assert "rude" not in shown
    shown = change(terminal, project / "agents/bare.yaml", "model: offline\ndescription: x\n", seen="agents/bare.yaml")
    assert "✗ bare: rude" in shown
    assert "Paris" not in shown
    suite = project / "agents/weather.conversations.yaml"
    shown = change(
        terminal, suite, suite.read_text().replace("{reply: Hello}", "{reply: Bye}"), seen="changed: agents/w"
    )
    assert "✗ weather: polite" in shown
    assert "warm in Paris" not in shown
    assert "rude" not in shown


def test_a_bad_edit_is_told_and_the_next_good_one_goes_on(terminal: Terminal, project: Path) -> None:
    manifest = project / "agents/bare.yaml"
    seen = "agents/bare.conversations.yaml:1:8: error[E180]"  # a look under way may tell less first
    shown = change(terminal, manifest, "modle: offline\n", seen=seen)
    assert 'unknown key "modle"' in shown
    change(terminal, manifest, "model: offline\n", seen="the files are right again")
    shown = change(terminal, manifest, "model: offline\nname: other\n", seen="changed: agents/bare.yaml")
    assert "✗ bare: rude" in shown


def test_keys_run_all_or_what_failed_and_leave(terminal: Terminal) -> None:
    terminal.send("x")
    terminal.send("f")
    terminal.wait_for("1 failed, 2 deselected")
    assert "warm in Paris" not in screen(terminal)
    terminal.send("\r")
    terminal.wait_for("1 failed, 2 passed;")
    terminal.wait_for(WAITING)
    terminal.send("q")
    assert terminal.wait() == 1
    assert terminal.echoes


def test_leaving_is_no_success_while_a_case_is_known_to_fail(terminal: Terminal, project: Path) -> None:
    change(terminal, project / "tools/_values.py", "DEGREES = 18.0\n", seen="2 passed, 1 deselected")
    terminal.send("q")
    assert terminal.wait() == 1


def test_ctrl_c_leaves_while_it_waits(terminal: Terminal) -> None:
    terminal.send("\x03")
    assert terminal.wait() == 130
    assert terminal.echoes
    assert "Traceback" not in terminal.text


def test_ctrl_c_leaves_while_a_case_runs(project: Path, env: dict[str, str]) -> None:
    slow = "  - name: waits\n    turns: [{user: Wait, replies: [{call: wait, args: {seconds: 60}}, Done.]}]\n"
    suite = project / "agents/weather.conversations.yaml"
    suite.write_text(suite.read_text() + slow)
    with Terminal(["test", "--watch"], cwd=project, env=env) as terminal:
        terminal.wait_for("it waits")
        terminal.send("\x03")
        assert terminal.wait() == 130
        assert terminal.echoes
        assert "stopped: interrupted" in terminal.text


def test_without_a_terminal_there_are_no_keys_and_sigterm_leaves(
    project: Path, spawn: Callable[..., subprocess.Popen[bytes]]
) -> None:
    with spawn("test", "--watch") as process:
        assert process.stderr is not None
        assert any(b"Ctrl+C leaves" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert b"\x1b" not in out
    assert b"1 failed, 2 passed" in out


@pytest.mark.parametrize("other", [["--list"], ["--update"], ["--format", "json"], ["--format", "github"]])
def test_watching_is_for_people(other: list[str], run: Run) -> None:
    ran = run("test", "--watch", *other)
    assert ran.code == 2
    assert "--watch does not go with --list, --update, --format json or github" in ran.err
