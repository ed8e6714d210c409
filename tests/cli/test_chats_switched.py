"""From SQLite to a server and back with the commands that the documentation names: no chat is lost or changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from runner.messages import ChatMessage
from tests.cli.keeping import CALL, keep, stored
from tests.servers.mongo import LEAVES_SOCKETS, mongo_base_url, mongo_shared_url, mongo_url  # noqa: F401 - fixtures
from tests.servers.postgres import postgres_base_url, postgres_url  # noqa: F401 - fixtures
from tests.servers.redis import redis_base_url, redis_url  # noqa: F401 - fixtures
from tests.storages.turns import say

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Run

pytestmark = LEAVES_SOCKETS

LARGE = ChatMessage({"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "A" * 10_000_000}}]})
SUMMARY = ChatMessage(None, {"kind": "summary", "text": "They said hello.", "before": 2, "n": 10**40})
ODD = ChatMessage({"role": "model", "parts": [{"text": "\x00\ud83d"}, {"x": [-0.0, 1e308, 2**70, None]}]}, {"lc": 1})


@pytest.fixture(params=["postgresql", "redis", "mongodb", "hybrid"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty storage on a server."""
    kind = request.param
    if kind != "hybrid":
        return str(
            request.getfixturevalue({"mongodb": "mongo_url", "postgresql": "postgres_url"}.get(kind, "redis_url"))
        )
    database = quote(request.getfixturevalue("postgres_url"), safe="")
    return f"hybrid+{request.getfixturevalue('redis_url')}&database={database}"


def test_chats_move_to_a_server_and_back_and_go_on_at_each_place(
    finish: Run,
    spawn: Callable[..., subprocess.Popen[bytes]],
    database: Path,
    project: Path,
    url: str,
    env: dict[str, str],
) -> None:
    assert finish("agent.yaml", "weather Paris", "--chat", "talk").code == 0
    keep(
        database,
        ("tester/large", [LARGE, ODD, SUMMARY, LARGE]),
        ("other/\ud83d\n", say("é")),
        ("tester/open", [*say("a"), CALL]),
    )
    piped(spawn, "sqlite:///.agent-run/chats.db", url)
    listed = finish("chats", "list", "--json", "--storage", url)
    assert [json.loads(line)["chat"] for line in listed.out.splitlines()] == ["open", "\ud83d\n", "large", "talk"]
    env["AGENT_RUN_STORAGE"] = url
    went_on = finish("agent.yaml", "weather Rome", "--chat", "talk")
    assert went_on.code == 0, went_on.err
    assert finish("chats", "export", "talk", "--agent", "agent.yaml").out.count("weather ") == 2
    piped(spawn, url, "sqlite:///back.db")
    before, after = stored(database), stored(project / "back.db")
    assert after["tester/talk"][: len(before["tester/talk"])] == before["tester/talk"]
    assert len(after["tester/talk"]) == 2 * len(before["tester/talk"])
    assert {key: log for key, log in after.items() if key != "tester/talk"} == {
        key: log for key, log in before.items() if key != "tester/talk"
    }
    env["AGENT_RUN_STORAGE"] = "sqlite:///back.db"
    assert finish("agent.yaml", "weather Oslo", "--chat", "talk").code == 0


def piped(spawn: Callable[..., subprocess.Popen[bytes]], source: str, target: str) -> None:
    """`agent-run chats export --all --storage SOURCE | agent-run chats import --storage TARGET`."""
    with (
        spawn("chats", "export", "--all", "--storage", source) as exporting,
        spawn("chats", "import", "--storage", target, stdin=exporting.stdout) as importing,
    ):
        assert exporting.stdout is not None
        assert exporting.stderr is not None
        exporting.stdout.close()
        out, err = importing.communicate(timeout=120)
        assert (importing.returncode, err) == (0, b"")
        assert out.count(b"imported ") == 4
        said = exporting.stderr.read().splitlines()
        assert not [line for line in said if not line.startswith(b"WARNING cache ")]  # a busy machine's cache is slow
    assert exporting.returncode == 0
