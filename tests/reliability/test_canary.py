"""Secrets stay where they are: a canary in each place a secret may come from is found nowhere else."""

from __future__ import annotations

import json
import logging
import socket
import textwrap
import traceback
from typing import TYPE_CHECKING

import pytest

from runner import Agent, AgentRunError, GeminiModel, MissingKeyError
from runner.settings import Settings
from tests.invariants import assert_absent, ending
from tests.servers import (
    GeminiServer,
    Reply,
    calls,
    echo,
    error,
    error_event,
    finish,
    fragment,
    no_finish,
    raw,
    repeat,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner import TurnEnded

KEY = "canary-of-the-key"
PASSWORD = "canary-of-a-password"
MANIFEST = """
    model: gemini-3.8-flash
    instructions: Answer.
    tools: [work.py]
    storage: sqlite:///chats.db
"""
TOOLS = '''
    def work(what: str) -> str:
        """Work."""
        if what == "fail":
            raise RuntimeError("it does not work")
        return what
'''


class Places:
    """All that can be seen of a run: what was printed, logged, told, stored, raised, and sent in bodies and URLs."""

    def __init__(self, folder: Path, server: GeminiServer) -> None:
        self._folder, self._server = folder, server
        self._seen: dict[str, str | bytes] = {}

    def add(self, name: str, *things: object) -> None:
        for thing in things:
            self._seen[f"{name} {len(self._seen)}"] = f"{thing!r} {thing!s}"

    def add_error(self, name: str, problem: BaseException) -> None:
        """The error as Python prints it, and every error behind it."""
        self._seen[f"{name}, printed"] = "".join(traceback.format_exception(problem))
        behind: BaseException | None = problem
        while behind is not None:
            self.add(name, behind, behind.args)
            behind = behind.__cause__ or (None if behind.__suppress_context__ else behind.__context__)

    def all(self) -> dict[str, str | bytes]:
        files = [path for path in self._folder.rglob("*") if path.is_file() and path.name != ".env"]
        stored = {f"the file {path.name}": path.read_bytes() for path in files if path.suffix != ".yaml"}
        sent = {
            f"request {each.index}": json.dumps([each.path, each.query, each.body]) for each in self._server.requests
        }
        return self._seen | stored | sent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an agent."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "agent.yaml").write_text(textwrap.dedent(MANIFEST))
    (tmp_path / "work.py").write_text(textwrap.dedent(TOOLS))
    return tmp_path


@pytest.fixture
def places(
    project: Path, server: GeminiServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[Places]:
    """What a test has seen is searched for both canaries when it is over; every logger tells all it can."""
    caplog.set_level(logging.DEBUG)
    for name in ("agent_run", "asyncio", "google", "google_genai", "httpx2", "httpcore2", "hpack"):
        caplog.set_level(logging.DEBUG, name)
    found = Places(project, server)
    yield found
    out, err = capfd.readouterr()
    logged = {"stdout": out, "stderr": err, "the log": caplog.text}
    logged |= {f"log record {number}": repr(vars(record)) for number, record in enumerate(caplog.records)}
    for canary in (KEY, PASSWORD):
        assert_absent(canary, found.all() | logged)


async def one_turn(agent: Agent, places: Places, query: str = "go") -> TurnEnded:
    """A turn, all of it seen."""
    told = [event async for event in agent.run(query, chat_id="chat")]
    places.add("event", *told, *[event.to_json() for event in told])
    ended = ending(told)
    if ended.error is not None:
        places.add_error(f"the error of {query}", ended.error)
    return ended


def look_at(agent: Agent, places: Places) -> None:
    """The objects of an agent, as a debugger or a log line shows them."""
    settings = Settings.of_project(agent.root)
    objects = (agent, agent.client, agent.model, agent.storage, agent.chat_manager, agent.toolbox, settings)
    places.add("object", *objects, agent.manifest, agent.notices)


NOT_WELL: dict[str, list[Reply]] = {
    "refused with the key in the words": [error(400, f"API key {KEY} not valid. Please pass a valid API key.")],
    "refused with the key in a URL": [error(403, f"GET https://host/v1?key={KEY} is forbidden")],
    "failing": [error(500, f"x-goog-api-key: {KEY}"), error(503), error(429), error(500, KEY)],
    "a page that repeats the request": [raw(f"<html>x-goog-api-key: {KEY}</html>".encode(), content_type="text/html")],
    "an error page": [raw(KEY.encode(), status=404, content_type="text/plain")],
    "a redirect": [raw(b"", status=302, headers=(("Location", f"http://other/?key={KEY}"),))],
    "an error in the stream": [text("It ") + error_event(503, f"key {KEY} is overloaded")],
    "not JSON": [text("It ") + fragment(f"data: {{{KEY}\r\n\r\n".encode())],
    "not SSE": [raw(f"{KEY}\r\n{KEY}".encode())],
    "cut short": [text("It ") + no_finish()],
    "stopped, with a message": [text("It ") + finish("OTHER", f"the key {KEY} was at fault")],
    "an unknown reason": [text("It ") + finish("SAFETY")],
    "a failing tool": [calls(("work", {"what": "fail"}), ("work", {"what": "fine"}), ("play",)), text("done")],
}


@pytest.mark.parametrize("server", [{"key": KEY}], indirect=True)
@pytest.mark.parametrize("source", ["environment", ".env"])
async def test_the_key_is_seen_nowhere(
    server: GeminiServer, project: Path, places: Places, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Whatever goes well or not, and although the service repeats it; an ordinary turn follows each fault."""
    if source == ".env":
        monkeypatch.delenv("GEMINI_API_KEY")
        (project / ".env").write_text(f"GEMINI_API_KEY={KEY}\n")
    async with Agent.from_file(project / "agent.yaml") as agent:
        monkeypatch.setattr("runner.models.retry._FIRST_WAIT", 0.01)  # seconds
        look_at(agent, places)
        for fault, replies in NOT_WELL.items():
            server.answer = None
            server.script(*replies)
            ended = await one_turn(agent, places, fault)
            assert (ended.reason == "answered") == (fault == "a failing tool"), (fault, ended)
            assert server.unused == 0, fault
            server.answer = echo
            assert (await one_turn(agent, places)).reason == "answered"
        places.add("history", *[entry.to_json() for entry in await agent.get_history("chat")])
        look_at(agent, places)
    assert {each.headers["x-goog-api-key"] for each in server.requests} == {KEY}


async def test_a_wrong_key_is_refused_without_being_repeated(
    server: GeminiServer, project: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    async with Agent.from_file(project / "agent.yaml") as agent:
        ended = await one_turn(agent, places)
        assert (ended.reason, ended.code) == ("failed", "INVALID_ARGUMENT")
        assert "API key not valid" in str(ended.message)


@pytest.mark.parametrize("key", [f"{KEY}\n{KEY}", f'"{KEY}"\t', f"{KEY} {KEY}", f"é{KEY}"])
async def test_a_key_that_cannot_be_one_is_not_repeated(
    project: Path, places: Places, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """A quote or a line break too many, as they come with copying."""
    monkeypatch.setenv("GEMINI_API_KEY", key)
    async with Agent.from_file(project / "agent.yaml") as agent:
        assert isinstance((await one_turn(agent, places)).error, AgentRunError)


@pytest.mark.parametrize("fault", ["nobody listens", "refused", "not a URL"])
async def test_the_password_in_a_base_url_is_seen_nowhere(
    server: GeminiServer, project: Path, places: Places, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    host = {"nobody listens": f"127.0.0.1:{port}", "refused": f"127.0.0.1:{server.port}", "not a URL": "127.0.0.1:x"}
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", f"http://user:{PASSWORD}@{host[fault]}")
    monkeypatch.setattr("runner.models.retry._FIRST_WAIT", 0.01)
    server.script(repeat(error(401, f"user:{PASSWORD} is not known"), 1))
    async with Agent.from_file(project / "agent.yaml") as agent:
        look_at(agent, places)
        assert (await one_turn(agent, places)).reason == "failed"


async def test_a_secret_header_is_seen_nowhere(server: GeminiServer, places: Places) -> None:
    from runner import GeminiClient

    model = GeminiModel(headers={"Authorization": f"Bearer {PASSWORD}"})
    server.script(error(401, f"Bearer {PASSWORD} is not known"))
    async with model, GeminiClient(model=model) as client:
        told = [event async for event in client.events(query="go")]
        places.add("event", *told, model, client)
        problem = ending(told).error
        assert problem is not None
        places.add_error("the error", problem)


WRONG = {
    "storage, unknown": f"storage: redsi://user:{PASSWORD}@host/0",
    "storage, no such option": f"storage: {{type: sqlite, url: 'sqlite:///a.db', password: {PASSWORD}}}",
    "storage, not a path": f"storage: sqlite://user:{PASSWORD}@host/a.db",
    "storage, a class": f"storage: {{type: 'nothing:Nowhere', url: 'x://user:{PASSWORD}@host'}}",
    "model, no such option": f"model: {{name: gemini-3.8-flash, api_key: {KEY}}}",
    "model, unknown": f"model: {{type: gmini, api_key: {KEY}}}",
    "an unknown key": f"api_key: {KEY}",
    "a wrong type": f"tools: {{api_key: {KEY}}}",
    "not YAML": f"api_key: {KEY}\nkey: [",
    "not YAML either": f'api_key: "{KEY}',
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_manifest_is_told_without_its_values(
    project: Path, places: Places, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    (project / "agent.yaml").write_text(WRONG[mistake])
    with pytest.raises(AgentRunError) as raised:
        Agent.from_file(project / "agent.yaml")
    places.add_error("the error", raised.value)


@pytest.mark.parametrize("url", [f"redis://user:{PASSWORD}@host/none", f"sqlite://user:{PASSWORD}@host/a.db"])
def test_the_password_of_a_storage_in_the_environment_is_seen_nowhere(
    project: Path, places: Places, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AGENT_RUN_STORAGE", url)
    places.add("settings", Settings.of_project(project))
    with pytest.raises(AgentRunError) as raised:
        Agent.from_file(project / "agent.yaml")
    places.add_error("the error", raised.value)


def test_no_key_is_told_without_looking_like_one(
    project: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key under another name is not taken and not shown."""
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.setenv("GEMINI_KEY", KEY)
    with pytest.raises(MissingKeyError) as raised:
        Agent.from_file(project / "agent.yaml")
    places.add_error("the error", raised.value)
