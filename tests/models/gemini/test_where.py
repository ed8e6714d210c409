"""Where Gemini is asked, as a manifest says it: over the wire, at the addresses of both platforms."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from runner import Agent, load_manifest
from runner.events import TurnEnded
from tests.models.gemini.signing import TOKEN, service_account
from tests.servers import GeminiServer, echo
from tests.servers.raw_http import RawServer

if TYPE_CHECKING:
    from pathlib import Path

    from runner.messages import Json
    from runner.models.gemini.model import TransportName
    from tests.servers import RecordedRequest

VARIABLES = ("CI", "AGENT_RUN_MODEL", "AGENT_RUN_STORAGE", "GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_CLOUD_PROJECT")
NAME = "gemini-3.8-flash"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


async def asked(server: GeminiServer, folder: Path, **model: Any) -> RecordedRequest:
    """The one request that an agent with this `model:` sends, which is answered."""
    given: Json = {"model": {"name": NAME, **model}, "storage": "memory:"}
    path = folder / "agent.yaml"
    path.write_text(repr(given).replace("True", "true"))
    server.answer = echo
    async with Agent(load_manifest(path)) as agent, aclosing(agent.run("hello", chat_id="c")) as events:
        ended = [event async for event in events][-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.reason, ended.text) == ("answered", "echo: hello")
    (request,) = server.generations
    return request


async def test_a_base_url_and_a_version_win_over_the_environment(
    server: GeminiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", server.key)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1")
    request = await asked(server, tmp_path, base_url=server.url, api_version="v1beta", transport=transport)
    assert request.path == f"/v1beta/models/{NAME}:streamGenerateContent"


async def test_an_extra_body_is_merged_into_every_request(
    server: GeminiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    server.stand_in(monkeypatch)
    extra = {"labels": {"team": "weather"}, "generationConfig": {"candidateCount": 1}}
    request = await asked(server, tmp_path, extra_body=extra, transport=transport)
    assert (request.normal["labels"], request.normal["generationConfig"]) == (
        {"team": "weather"},
        {"candidateCount": 1},
    )


async def test_a_project_is_asked_on_the_enterprise_platform_with_its_own_credentials(
    server: GeminiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", server.url)
    async with RawServer(TOKEN) as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path, google.url))
        request = await asked(server, tmp_path, project="p", location="global", transport=transport)
    assert request.path == f"/v1beta1/projects/p/locations/global/publishers/google/models/{NAME}:streamGenerateContent"
    assert request.headers["authorization"] == "Bearer ya29.token"
    assert "x-goog-api-key" not in request.headers


async def test_without_a_project_the_enterprise_platform_takes_a_key(
    server: GeminiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    """Which is its express mode."""
    monkeypatch.setenv("GEMINI_API_KEY", server.key)
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", server.url)
    request = await asked(server, tmp_path, enterprise=True, transport=transport)
    assert request.path == f"/v1beta1/publishers/google/models/{NAME}:streamGenerateContent"
    assert request.headers["x-goog-api-key"] == server.key
