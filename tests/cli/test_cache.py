"""`agent-run cache`, against the strict server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.caching.project import MANIFEST, write_project
from tests.cli.tty import Terminal
from tests.commands import command_in
from tests.servers import GeminiServer, error, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commands import Run

FILE = "agents/handbook.yaml"


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer(answer=lambda _: text("Two years.")) as server:
        yield server


@pytest.fixture
def keyless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    write_project(tmp_path / "project")
    return command_in(tmp_path / "project", monkeypatch, capsys)


@pytest.fixture
def run(keyless: Run, server: GeminiServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    server.stand_in(monkeypatch)
    return keyless


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return tmp_path / "project" / FILE


def lines(out: str) -> list[Any]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_cache_is_made_shown_used_refreshed_and_deleted(run: Run, server: GeminiServer) -> None:
    assert "none yet" in run("cache", "show", FILE).out
    made = run("cache", "create", FILE)
    assert made.out.startswith('made cachedContents/c000001 "handbook": gemini-3.8-flash, ')
    assert run("cache", "create", FILE).out.startswith("there is cachedContents/c000001 ")
    assert "cachedContents/c000001" in run("cache", "show", FILE).out
    assert run("cache", "list", FILE).out.endswith(", in use\n")
    ended = lines(run(FILE, "How long?", "--json").out)[-1]
    assert ended["cache"]["state"] == "hit"
    before = server.caches["cachedContents/c000001"].expires
    assert run("cache", "refresh", FILE, "--ttl", "2h").code == 0
    assert server.caches["cachedContents/c000001"].expires > before + 3500
    assert run("cache", "delete", FILE).out == "deleted cachedContents/c000001\n"
    assert server.caches == {}
    assert run("cache", "delete", FILE).err == "there was nothing to delete\n"
    assert run("cache", "list", FILE).err == "no caches\n"


def test_prune_deletes_what_the_agent_made_and_would_not_use_now(
    run: Run, server: GeminiServer, manifest: Path
) -> None:
    run("cache", "create", FILE)
    run("cache", "create", FILE, "--model", "gemini-3.6-flash")
    manifest.with_name("other.yaml").write_text(MANIFEST.replace("name: handbook", "name: other"))
    run("cache", "create", "agents/other.yaml")
    listed = lines(run("cache", "list", FILE, "--json").out)
    assert [(each["model"], each["current"]) for each in listed] == [
        ("gemini-3.6-flash", False),
        ("gemini-3.8-flash", True),
    ]
    assert len(lines(run("cache", "list", FILE, "--all", "--json").out)) == 3
    (deleted,) = lines(run("cache", "prune", FILE, "--json").out)
    assert deleted["model"] == "gemini-3.6-flash"
    assert len(server.caches) == 2
    manifest.write_text(MANIFEST.partition("cache:")[0])  # without one, the agent would use none
    assert run("cache", "prune", FILE).out.count("deleted") == 1


def test_json_says_all_there_is_to_say(run: Run) -> None:
    (shown,) = lines(run("cache", "show", FILE, "--json").out)
    assert (shown["model"], shown["cache"], shown["reason"]) == ("gemini-3.8-flash", None, None)
    (made,) = lines(run("cache", "create", FILE, "--json").out)
    assert (made["name"], made["made"], made["expires"][-6:]) == ("cachedContents/c000001", True, "+00:00")
    (refreshed,) = lines(run("cache", "refresh", FILE, "--json").out)
    assert refreshed["tokens"] == made["tokens"]


def test_without_a_key_nothing_is_done(keyless: Run) -> None:
    for command in ("list", "show", "create", "refresh", "delete", "prune"):
        ran = keyless("cache", command, FILE)
        assert (ran.code, ran.err.startswith("error: no API key for Gemini was found: ")) == (2, True)
    ran = keyless("cache", "list", FILE, "--json")
    assert lines(ran.out)[0]["code"] == "MISSING_KEY"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("create", FILE, "--model", "gemini-4-argon"), 2, "gemini-4-argon has no explicit context caching"),
        (("create", FILE, "--model", "offline"), 2, "this model has no context caches"),
        (("refresh", FILE), 2, "there is no cache to refresh"),
        (("refresh", FILE, "--ttl", "soon"), 2, "--ttl: 'soon' is not a duration"),
        (("refresh", FILE, "--ttl", "0s"), 2, "cannot live for 0 seconds"),
        (("list", "none.yaml"), 2, "no such file"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], code: int, told: str) -> None:
    ran = run("cache", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err


def test_what_the_service_refuses_is_told_with_its_words(run: Run, server: GeminiServer) -> None:
    server.script(error(400, "Cached content is too small."), on="cache_create")
    ran = run("cache", "create", FILE)
    assert (ran.code, "Cached content is too small." in ran.err) == (3, True)
    server.script(error(503), on="cache_list")
    assert run("cache", "list", FILE).code == 3


def test_verbose_and_the_end_of_a_turn_tell_the_cache(run: Run) -> None:
    ran = run(FILE, "How long?", "--verbose")
    assert "cache: made, " in ran.err
    assert "; cache: miss\n" in ran.err
    ran = run(FILE, "How long?", "--verbose", "--model", "gemini-4-argon")
    assert ran.err.count("no explicit context caching") == 2  # the notice, and beside the step's tokens
    assert run(FILE, "How long?", "--model", "gemini-4-argon").err.count("no explicit context caching") == 1


def test_a_terminal_tells_what_became_of_the_cache(server: GeminiServer, tmp_path: Path, env: dict[str, str]) -> None:
    write_project(tmp_path / "project")
    with Terminal([FILE], cwd=tmp_path / "project", env=env | server.env) as terminal:
        terminal.wait_for("\n>")
        terminal.send("How long?\r")
        terminal.wait_for("Two years.\n\n>")
        terminal.send("/usage\r")
        terminal.wait_for("from the context cache: ")
        terminal.send("\x04")
        assert terminal.wait() == 0
    assert "cache: made, " in terminal.text
    assert "; cache: miss" in terminal.text
