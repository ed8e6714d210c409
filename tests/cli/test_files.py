"""Files sent from the command line and from the terminal chat, and how they are told everywhere."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from runner.cli.mentions import completer, mentions_in
from runner.files import INLINE_LIMIT
from runner.messages import ChatMessage, responses_to
from tests.cli.keeping import keep, stored
from tests.cli.tty import Terminal
from tests.servers import GeminiServer, hang, text

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Run

BYTES = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
DATA = base64.b64encode(BYTES).decode()
PICTURE = "[photo.png, image/png, 2 KB]"
PROMPT = "\n>"


@pytest.fixture(autouse=True)
def _sendable(project: Path) -> None:
    (project / "photo.png").write_bytes(BYTES)
    (project / "my notes.txt").write_text("one\n")
    (project / "blob.bin").write_bytes(b"\x00\xff")
    (project / "reports").mkdir()
    (project / "reports" / "may.txt").write_text("two\n")


# the command line


def test_files_are_sent_with_the_message(run: Run, database: Path) -> None:
    ran = run("agent.yaml", "look", "--file", "photo.png", "--file", "my notes.txt", "--chat", "c")
    assert (ran.code, ran.out, ran.err) == (0, "look \n", "")
    shown = run("chats", "show", "tester/c").out
    assert shown == f"> look\n> {PICTURE}\n> [my notes.txt, text/plain, 4 bytes]\nlook \n"


def test_files_need_no_message(run: Run, database: Path) -> None:
    assert run("agent.yaml", "--file", "photo.png", "--chat", "c").code == 0
    ((content, _), *_) = stored(database)["tester/c"]
    assert [list(part) for part in json.loads(content)["parts"]] == [["inlineData"]]


def test_text_piped_in_goes_with_a_file(run: Run, database: Path) -> None:
    assert run("agent.yaml", "--file", "photo.png", "--chat", "c", send=b"from a pipe\n").out == "from a pipe \n"
    assert run("chats", "show", "tester/c").out.startswith(f"> from a pipe\n> {PICTURE}\n")


def test_files_go_with_the_first_of_several_lines(run: Run, database: Path) -> None:
    assert run("agent.yaml", "--lines", "--file", "photo.png", "--chat", "c", send=b"one\ntwo\n").code == 0
    assert run("chats", "show", "tester/c").out == f"> one\n> {PICTURE}\none \n\n> two\ntwo \n"


def test_verbose_tells_the_files(run: Run) -> None:
    assert run("agent.yaml", "look", "--file", "photo.png", "-v").err.startswith(f"{PICTURE}\n")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("phoot.png", "phoot.png: no such file; did you mean photo.png?"),
        ("reports/mai.txt", "reports/mai.txt: no such file; did you mean reports/may.txt?"),
        ("reports", "reports: this is a folder; name the files in it"),
        ("blob.bin", "blob.bin: the file is no UTF-8 text, and its type cannot be told from its name"),
        ("gs://bucket/report", "gs://bucket/report: the file's type cannot be told from its name"),
    ],
)
def test_a_file_that_cannot_be_sent_is_told_before_anything_begins(
    name: str, why: str, run: Run, database: Path
) -> None:
    ran = run("agent.yaml", "look", "--file", name)
    assert (ran.code, ran.out, ran.err) == (2, "", f"error: --file: {why}\n")
    assert not database.exists()
    told = json.loads(run("agent.yaml", "look", "--file", name, "--json").out)
    assert (told["type"], told["code"], told["exit_code"]) == ("error", "FILE", 2)


def test_events_do_not_tell_bytes(run: Run) -> None:
    assert DATA[:40] not in run("agent.yaml", "look", "--json", "--file", "photo.png").out


# what is kept


def test_a_stored_chat_is_told_without_bytes_and_exported_with_them(run: Run, database: Path) -> None:
    assert run("agent.yaml", "look", "--file", "photo.png", "--chat", "c").code == 0
    as_json = run("chats", "show", "tester/c", "--json").out
    assert json.loads(as_json.splitlines()[0])["content"]["parts"][1]["inlineData"]["data"] == PICTURE
    assert DATA[:40] not in as_json
    assert DATA in run("chats", "export", "tester/c").out
    assert DATA in run("chats", "export", "tester/c", "--as-gemini").out
    assert run("chats", "export", "tester/c", "-o", "kept.jsonl").code == 0
    assert run("chats", "import", "kept.jsonl", "--as", "d", "--name", "tester").code == 0
    chats = stored(database)
    assert chats["tester/d"] == chats["tester/c"]


def test_media_that_a_tool_returned_is_told_without_bytes(run: Run, database: Path) -> None:
    call = {"name": "hold", "args": {}}
    media = {"inlineData": {"mimeType": "image/png", "displayName": "chart.png", "data": DATA}}
    content = responses_to([call], [{"chart": {"$ref": "chart.png"}}])
    content["parts"][0]["functionResponse"]["parts"] = [media]
    log = [ChatMessage.user("look"), ChatMessage({"role": "model", "parts": [{"functionCall": call}]})]
    keep(database, ("tester/c", [*log, ChatMessage(content)]))
    told = run("chats", "show", "tester/c", "--json").out
    assert "[chart.png, image/png, 2 KB]" in told
    assert DATA[:40] not in told


def test_a_terminal_is_not_shown_the_bytes_of_an_export(
    run: Run, database: Path, project: Path, env: dict[str, str]
) -> None:
    assert run("agent.yaml", "look", "--file", "photo.png", "--chat", "c").code == 0
    with Terminal(["chats", "export", "tester/c"], cwd=project, env=env, columns=200) as terminal:
        terminal.wait_for("-o FILE writes them too")
        assert terminal.wait() == 0
    assert DATA[:40].encode() not in terminal.raw
    assert PICTURE.encode() in terminal.raw


# mentions


@pytest.mark.parametrize(
    ("text", "files", "missing"),
    [
        ("What is in @photo.png?", ["photo.png"], []),
        ("(@photo.png), @reports/may.txt.", ["photo.png", "reports/may.txt"], []),
        ('Compare @"my notes.txt" and @photo.png, then @photo.png again', ["my notes.txt", "photo.png"], []),
        ("@photo.png", ["photo.png"], []),
        ("ada@photo.png and @ada, @alice @reports @ @@", [], []),
        ("mail bob@example.org or @bob@example.org", [], []),
        ('@phoot.png and @"no such.txt"!', [], ["phoot.png", "no such.txt"]),
        ("@https://example.org/a.png", [], []),
        ("no mention", [], []),
        ("@" + "x" * 5000 + ".png", [], ["x" * 5000 + ".png"]),
    ],
)
def test_a_word_with_an_at_sign_that_names_a_file_is_a_mention(
    text: str, files: list[str], missing: list[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    found = mentions_in(text)
    assert ([str(path) for path in found.files], found.missing) == (files, missing)


def test_the_home_folder_may_be_mentioned(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project))
    assert mentions_in("see @~/photo.png").files == [project / "photo.png"]


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("/to", ["/tools"]),
        ("look at @ph", ["look at @photo.png"]),
        ("look at @my", ['look at @"my notes.txt"']),
        ('look at @"my n', ['look at @"my notes.txt"']),
        ("look at @rep", ["look at @reports/"]),
        ('look at @"reports/m', ['look at @"reports/may.txt"']),
        ("look at @reports/", ["look at @reports/may.txt"]),
        ("ada@ph", []),
        ("look at ph", []),
    ],
)
def test_tab_completes_commands_and_mentions(
    text: str, completed: list[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    found = completer(["/tools", "/help"]).get_completions(Document(text, len(text)), CompleteEvent())
    assert [text[: len(text) + each.start_position] + each.text for each in found] == completed


def test_files_are_mentioned_in_a_chat(project: Path, env: dict[str, str]) -> None:
    """They are told before the answer; what is no file is told and sent as text; what cannot be sent ends nothing."""
    with Terminal(["agent.yaml", "--chat", "mine"], cwd=project, env=env) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send('look @ph\t, @"my notes.txt" and @phoot.png\r')
        terminal.wait_for(PROMPT, count=2)
        terminal.send("look @blob.bin\r")
        terminal.wait_for(PROMPT, count=3)
        terminal.send("/history\r")
        terminal.wait_for("image/png", count=2)
        terminal.wait_for(PROMPT, count=4)
        terminal.send("\x04")
        assert terminal.wait() == 0
    lines = [line for line in terminal.lines if line]
    message = '> look @photo.png, @"my notes.txt" and @phoot.png'
    told = [PICTURE, "[my notes.txt, text/plain, 4 bytes]"]
    assert lines[1:5] == [message, "@phoot.png is no file here: sent as text", *told]
    assert lines[6].startswith("> look @blob.bin")
    assert lines[7].startswith("error: blob.bin: the file is no UTF-8 text")
    start = lines.index("> /history") + 1
    assert lines[start : start + 3] == [message, *(f"> {each}" for each in told)]


def test_an_upload_that_was_killed_is_made_by_the_next_who_needs_it(
    project: Path, env: dict[str, str], spawn: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """At once: whoever held the file's upload is seen to be gone."""
    (project / "gemini.yaml").write_text("model: gemini-3.8-flash\n")
    (project / "film.mp4").write_bytes(b"\x00\xff" * (INLINE_LIMIT // 2 + 1))
    with GeminiServer() as server:
        server.script(hang(), on="file_upload")
        server.script(text("A cat."), text("A cat."))
        env.update(server.env)
        killed = spawn("gemini.yaml", "look", "--file", "film.mp4", "--chat", "c")
        while not any(request.verb == "file_upload" for request in server.requests):
            assert killed.poll() is None
            time.sleep(0.02)
        killed.kill()
        killed.communicate()
        for chat in ("c", "d"):
            done = spawn("gemini.yaml", "look", "--file", "film.mp4", "--chat", chat)
            assert done.communicate(timeout=60)[0] == b"A cat.\n"
        assert server.refused == []
        assert [request.verb for request in server.requests].count("file_start") == 2
