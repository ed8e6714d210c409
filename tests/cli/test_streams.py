"""The small parts under the views: JSON lines, the history file, output, standard input."""

from __future__ import annotations

import asyncio
import io
import json
import os
from typing import TYPE_CHECKING

import pytest

from runner.cli.jsonl import error_json, json_line
from runner.cli.output import Output
from runner.cli.prompt import EditingPrompt, state_folder
from runner.cli.stdin import Lines
from runner.errors import ChatBusyError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_json_line_is_ascii_whatever_is_in_it() -> None:
    line = json_line({"text": "é\u202e\x1b\ud800\n"})
    assert line.isascii()
    assert line.count("\n") == 1
    assert json.loads(line) == {"text": "é\u202e\x1b\ud800\n"}


def test_what_is_not_json_is_written_as_text() -> None:
    line = json_line({"progress": {1: [float("nan"), {1}, 0.5]}, "text": "x"})
    assert json.loads(line) == {"progress": {"1": ["nan", "{1}", 0.5]}, "text": "x"}


def test_an_error_outside_a_turn_has_its_own_line() -> None:
    busy = error_json(ChatBusyError("in use"), "in use")
    assert busy == {"type": "error", "code": "BUSY", "message": "in use", "retryable": True, "exit_code": 6}
    assert error_json(ValueError("x"), "a bug")["code"] == "BUG"


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {"HOME": "/home/me"}, "/home/me/.local/state/agent-run"),
        ("linux", {"HOME": "/home/me", "XDG_STATE_HOME": "/state"}, "/state/agent-run"),
        ("linux", {"HOME": "/home/me", "XDG_STATE_HOME": "relative"}, "/home/me/.local/state/agent-run"),
        ("linux", {}, None),
        ("darwin", {"HOME": "/Users/me"}, "/Users/me/Library/Application Support/agent-run"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/agent-run"),
        ("win32", {}, None),
    ],
)
def test_each_platform_has_its_place_for_what_was_typed(
    platform: str, environ: dict[str, str], folder: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    found = state_folder(environ)
    assert (None if found is None else found.as_posix()) == folder


def test_a_history_that_has_grown_long_loses_its_older_half(tmp_path: Path) -> None:
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    file = tmp_path / "state" / "history"
    file.parent.mkdir()
    file.write_text("".join(f"\n# time\n+message {number} {'x' * 100}\n" for number in range(10_000)))
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        EditingPrompt([], file)
    kept = file.read_text()
    assert len(kept) <= 500_000
    assert kept.startswith("\n# time\n+message ")
    assert kept.endswith(f"+message 9999 {'x' * 100}\n")


def test_a_stream_without_a_descriptor_is_written_to_as_it_is() -> None:
    text = io.StringIO()
    asyncio.run(Output(text).write("a" * 5000))
    assert text.getvalue() == "a" * 5000


def test_a_mark_the_encoding_lacks_is_replaced_by_a_plain_one() -> None:
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert Output(latin).glyph("⋅ ", "- ") == "- "
    assert Output(latin).glyph("· ", "- ") == "· "


def test_lines_may_be_asked_for_again_after_a_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()

    async def talk() -> list[str | None]:
        lines = Lines()
        waiting = asyncio.create_task(lines.next())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait({waiting})
        os.write(writing, "one\r\n\ntwo é\nthr".encode())
        found = [await lines.next(), await lines.next()]
        os.write(writing, b"ee")
        os.close(writing)
        return [*found, await lines.next(), await lines.next()]

    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert asyncio.run(talk()) == ["one", "two é", "three", None]
