"""Files in conversations: sent by a turn or the manifest, shown in words, recorded as digests, exported by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner import Agent, load_manifest
from runner.cli.chats.eliding import without_bytes
from runner.conversations.exporting import Wanted, as_case
from runner.conversations.reports.html import as_html
from runner.conversations.reports.junit import as_junit
from runner.files import INLINE_LIMIT
from runner.loading.suites import check_suite, load_suite
from tests.conversations.projects import MANIFEST
from tests.servers import GeminiServer, calls, text

if TYPE_CHECKING:
    from pathlib import Path

    from runner.messages import ChatMessage
    from tests.conversations.projects import Project

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
SHOWN = "[photo.png, image/png, 2 KB]"
DRAWING = """
from runner import Media, tool

@tool(effects="none")
def get_weather(city: str) -> dict:
    "Draw the weather of a city."
    return {"chart": Media(b"\\x89PNG" * 100, "image/png", "chart.png")}
"""


@pytest.fixture(autouse=True)
def _sendable(project: Project) -> None:
    (project.folder / "agents" / "photo.png").write_bytes(PICTURE)
    (project.folder / "agents" / "rules.md").write_text("Be brief.")


def parts(server: GeminiServer, number: int = -1) -> list[list[str]]:
    """What each message of the user's in a request carried."""
    contents = server.generations[number].contents
    return [[part.get("text") or next(iter(part)) for part in each["parts"]] for each in contents[::2]]


async def test_a_turn_may_be_files_alone_and_the_manifests_come_first(project: Project, server: GeminiServer) -> None:
    project.manifest.write_text(f"{MANIFEST}files: rules.md\n")
    server.script(text("a cat"), text("yes"))
    project.write("""
        cases:
          - name: only
            turns:
              - {files: photo.png, expect: {reply: cat}}
              - {user: "Really?", expect: {reply: "yes"}}
        """)
    ran = await project.run()
    assert ran.failures() == []
    assert parts(server) == [["inlineData", "inlineData"], ["Really?"]]
    assert [turn.files for turn in ran.attempt().turns] == [[SHOWN], []]


async def test_a_pinned_turn_begins_with_the_manifests_files(project: Project, server: GeminiServer) -> None:
    project.manifest.write_text(f"{MANIFEST}files: rules.md\n")
    server.script(text("yes"))
    project.write("""
        cases:
          - name: only
            turns:
              - {user: "What is it?", files: photo.png, assistant: A cat.}
              - {user: "Really?", expect: {reply: "yes"}}
        """)
    assert (await project.run()).failures() == []
    assert parts(server) == [["inlineData", "What is it?", "inlineData"], ["Really?"]]


async def test_reports_tell_files_in_words(project: Project) -> None:
    project.write("""
        cases:
          - name: only
            turns: [{user: "What is it?", files: photo.png, replies: [A cat.], expect: {reply: dog}}]
        """)
    result = (await project.run()).result
    for report in (as_html(result, project.folder), as_junit(result, project.folder)):
        assert SHOWN in report.replace("&#34;", '"')


def record(project: Project, monkeypatch: pytest.MonkeyPatch, *replies: Any, **options: Any) -> GeminiServer:
    with GeminiServer() as server, monkeypatch.context() as patch:
        server.stand_in(patch)
        server.script(*replies)
        ran = project.run_now(record="all", **options)
        assert ran.result.exit_code == 0, (ran.attempt().trouble, ran.attempt().failures)
        return server


CASE = """
    cases:
      - name: only
        turns:
          - {user: "What is it?", files: FILE, expect: {reply: cat}}
          - {user: "Really?", expect: {reply: "yes"}}
    """


@pytest.mark.parametrize(("name", "size"), [("photo.png", 0), ("film.mp4", INLINE_LIMIT + 1)])
def test_a_replay_needs_no_upload_and_sees_another_content(
    name: str, size: int, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file was sent inline, a large one was uploaded; the name it has now does not matter."""
    path = project.folder / "agents" / name
    if size:
        path.write_bytes(b"\x00\xff" + bytes(size))
    project.write(CASE.replace("FILE", name))
    server = record(project, monkeypatch, text("a cat"), text("yes"))
    assert any(each.verb == "file_start" for each in server.requests) == bool(size)
    cassette = project.folder / "agents" / "cassettes" / "weather" / "only.jsonl"
    assert cassette.stat().st_size < 5000
    renamed = path.with_name(f"other{path.suffix}")
    path.rename(renamed)
    project.write(CASE.replace("FILE", renamed.name))
    assert project.run_now().result.exit_code == 0
    with renamed.open("ab") as stream:
        stream.write(b"more")
    trouble = project.run_now().attempt().trouble
    assert trouble is not None
    assert (trouble.reason, "message 1 differs" in trouble.message) == ("replay_miss", True)


def test_recorded_results_with_media_are_replayed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.tools.write_text(DRAWING)
    project.write("cases: [{name: only, turns: [{user: go, expect: {calls: [get_weather], reply: sunny}}]}]")
    record(project, monkeypatch, calls(("get_weather", {"city": "Rome"})), text("sunny"), record_tools=True)
    project.tools.write_text(DRAWING.replace('b"\\\\x89PNG" * 100', 'b""'))
    ran = project.run_now()
    assert ran.result.exit_code == 0, ran.attempt().trouble
    assert ran.turn().calls[0].result == {"chart": "[chart.png, image/png, 400 bytes]"}


# chats made into tests


async def chat(project: Project, *turns: tuple[str, list[Path | str]]) -> list[ChatMessage]:
    """The log of a chat with the offline model."""
    project.manifest.write_text("model: offline\nstorage: 'memory:'\nfiles: rules.md\n")
    async with Agent(load_manifest(project.manifest)) as agent:
        for query, files in turns:
            _ = [event async for event in agent.run(query, chat_id="c", files=files)]
        manager = agent.chat_manager
        return await manager.storage.read_after(manager.key("c"), 0)


async def test_a_chat_with_files_becomes_a_test_that_names_them(project: Project) -> None:
    """But for those that the manifest sends; and those that are gone, or lie elsewhere, are told."""
    folder = project.folder / "agents"
    (folder / "gone.txt").write_text("gone")
    outside = project.folder.parent / "outside.txt"
    outside.write_text("outside")
    film = "https://www.youtube.com/watch?v=1"
    files: list[Path | str] = [folder / "photo.png", folder / "gone.txt", outside, film]
    log = await chat(project, ("look", files), ("", [folder / "photo.png"]))
    (folder / "gone.txt").write_text("changed")
    case = as_case(log, Wanted(agent="weather.yaml", folder=project.folder / "tests", root=project.folder))
    assert case.startswith(
        "  - name: look\n"
        "    turns:\n"
        "      - user: look\n"
        f'        files: [../agents/photo.png, "{film}"]\n'
        "        # sent with [gone.txt, text/plain, 4 bytes]: save it in the project, and name it under `files:`\n"
        "        # sent with [outside.txt, text/plain, 7 bytes]: save it in the project, and name it under `files:`\n"
    )
    assert "\n      - files: [../agents/photo.png]\n" in case
    project.suite.write_text(f"agent: weather.yaml\ncases:\n{case.replace('../agents/', '')}")
    assert check_suite(project.suite) == []
    assert load_suite(project.suite).suite.cases[0].turns[1].user is None


async def test_an_entry_is_shown_without_its_bytes_and_otherwise_as_it_is(project: Project) -> None:
    question, answer = await chat(project, ("look", [project.folder / "agents" / "photo.png"]))
    assert without_bytes(answer) is answer
    shown = without_bytes(question)
    assert [part["inlineData"]["data"] for part in shown.parts if "inlineData" in part] == [
        "[rules.md, text/plain, 9 bytes]",
        SHOWN,
    ]
    assert (shown.text, shown.meta) == (question.text, question.meta)
