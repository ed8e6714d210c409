"""Pictures that the model makes: told in words, written where the user wants them, kept in the chat."""

from __future__ import annotations

import base64
import json
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner import GeminiClient, MediaReturned
from tests.cli.tty import Terminal
from tests.servers import GeminiServer, part, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Run
    from tests.servers.gemini_replies import Reply

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
DATA = base64.b64encode(PNG).decode()
WORDS = "[image/png, 10 KB]"
HINT = "to have such files written to a folder: --save FOLDER"
DRAW = ("artist.yaml", "draw", "--chat", "c")


def picture(mime_type: str = "image/png", **more: object) -> Reply:
    return part({"inlineData": {"mimeType": mime_type, "data": DATA} | more})


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer(verbatim=True) as running:
        yield running


@pytest.fixture
def draw(project: Path, run: Run, server: GeminiServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, where Gemini is the server."""
    (project / "artist.yaml").write_text("tools: [code_execution]\n")
    server.stand_in(monkeypatch)
    return run


def test_pictures_are_written_and_replace_no_file(draw: Run, server: GeminiServer, project: Path) -> None:
    server.script(text("Here:") + picture() + picture("image/jpeg", displayName="../my cat.jpg") + text("Done."))
    server.script(picture() + picture("image/jpeg", displayName="my cat.png") + picture("x/y", displayName="..."))
    ran = draw(*DRAW, "--save", "pictures/new")
    assert (ran.code, ran.out) == (0, "Here:\n\nDone.\n")
    assert ran.err.splitlines() == [
        WORDS,
        "saved as pictures/new/c-1.png",
        "[../my cat.jpg, image/jpeg, 10 KB]",
        "saved as pictures/new/my-cat.jpg",
    ]
    (project / "pictures/new/c-2.png").write_bytes(b"mine")
    assert draw(*DRAW, "--save", "pictures/new", "-q").err == ""
    assert sorted(path.name for path in (project / "pictures/new").iterdir()) == [
        "c-1.png",
        "c-2-2.png",
        "c-2.png",
        "file.bin",
        "my-cat-2.jpg",
        "my-cat.jpg",
    ]
    assert (project / "pictures/new/c-2.png").read_bytes() == b"mine"
    assert (project / "pictures/new/c-2-2.png").read_bytes() == PNG


def test_a_name_of_any_length_or_none_at_all_becomes_a_files(draw: Run, server: GeminiServer, project: Path) -> None:
    server.script(picture(displayName="\U00020000" * 300 + ".png") + picture(displayName=7))
    assert draw(*DRAW, "--save", "here").code == 0
    assert sorted(path.name for path in (project / "here").iterdir()) == ["c-1.png", "\U00020000" * 60 + ".png"]


def test_without_a_folder_they_are_told_kept_and_sent_back(draw: Run, server: GeminiServer) -> None:
    """The server looks whether they come back as they were."""
    server.script(text("Two:") + picture() + picture(), text("You are welcome."))
    ran = draw(*DRAW)
    assert (ran.code, ran.out, ran.err.splitlines()) == (0, "Two:\n", [WORDS, HINT, WORDS])
    assert draw("artist.yaml", "Thanks.", "--chat", "c").out == "You are welcome.\n"
    assert server.refused == []
    shown = draw("chats", "show", "c", "--agent", "artist.yaml").out.splitlines()
    assert shown[:4] == ["> draw", "Two:", f"\u22c5 {WORDS}", f"\u22c5 {WORDS}"]


def test_json_has_their_bytes(draw: Run, server: GeminiServer, project: Path) -> None:
    server.script(picture(displayName="a.png"), picture())
    ran = draw(*DRAW, "--json")
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert {"type": "media_returned", "mime_type": "image/png", "data": DATA, "name": "a.png"} in events
    assert not any(event["type"] == "notice" for event in events)
    events = [json.loads(line) for line in draw(*DRAW, "--json", "--save", "here").out.splitlines()]
    assert {"type": "notice", "code": "media", "message": "saved as here/c-2.png"} in events
    assert (project / "here" / "c-2.png").read_bytes() == PNG


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_a_terminal_tells_them_between_the_texts(
    draw: Run, server: GeminiServer, project: Path, env: dict[str, str], term: str
) -> None:
    server.script(text("**Here:**") + picture() + text("Done."))
    with Terminal([*DRAW, "--save", "out"], cwd=project, env=env | server.env | {"TERM": term}) as terminal:
        assert terminal.wait() == 0
    lines = [line.replace("*", "") for line in terminal.lines if line]
    assert lines == ["Here:", WORDS, "saved as out/c-1.png", "Done."]


def test_what_cannot_be_written_is_told_and_the_exit_code_says_so(
    draw: Run, server: GeminiServer, project: Path
) -> None:
    (project / "file").touch()
    server.script(picture() + text("Done."), picture("picture") + text("Done."))
    ran = draw(*DRAW, "--save", "file/pictures")
    assert (ran.code, ran.out) == (4, "Done.\n")
    assert ran.err.splitlines() == [
        WORDS,
        "not saved: Not a directory",
        "error: the answer could not be written: Not a directory",
    ]
    refused = draw(*DRAW, "--save", "file")
    assert (refused.code, refused.out) == (2, "")
    assert "--save needs a folder, and file is a file" in refused.err
    ran = draw(*DRAW, "--save", "here")
    assert (ran.code, ran.err.splitlines()[1:]) == (0, ["not saved: what came is no file"])


def test_a_file_that_does_not_fit_leaves_no_half(
    draw: Run, server: GeminiServer, project: Path, env: dict[str, str]
) -> None:
    server.script(picture() + text("Done."))
    done = subprocess.run(
        [sys.executable, "-B", "-m", "runner", *DRAW, "--save", "here"],
        cwd=project,
        env=env | server.env | {"AGENT_RUN_STORAGE": "memory:"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),  # it takes no lock
    )
    assert (done.returncode, done.stdout) == (4, "Done.\n")
    assert "not saved: File too large\n" in done.stderr
    assert list((project / "here").iterdir()) == []


async def test_programs_get_their_bytes_but_not_those_of_thoughts(
    draw: Run,
    server: GeminiServer,
) -> None:
    thought = part({"inlineData": {"mimeType": "image/png", "data": DATA}, "thought": True})
    server.script(thought + picture(displayName="a.png") + text("Done."))
    async with GeminiClient() as client:
        events = [event async for event in client.events(query="draw") if isinstance(event, MediaReturned)]
    (event,) = events
    assert (event.media.data, event.media.mime_type, event.media.name) == (PNG, "image/png", "a.png")
