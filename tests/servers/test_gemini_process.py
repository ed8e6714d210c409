"""The server as a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.servers import GeminiProcess
from tests.servers.conversation import Client, answered, user

if TYPE_CHECKING:
    from pathlib import Path


def test_it_serves_a_behaviour_and_logs_each_verdict(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with GeminiProcess("--behaviour", "ledger", log=log) as server, Client(server.url) as client:
        content = client.content({"contents": [user("go")]})
        assert [part["functionCall"]["args"] for part in content["parts"]] == [{"entry": "t1-a"}, {"entry": "t1-b"}]
        contents = [user("go"), content, answered(content, ok=True)]
        assert client.content({"contents": contents})["parts"][0]["functionCall"]["args"] == {"entry": "t1-c"}
        assert client.post({"contents": contents[:2]})[0] == 400
        assert [(each["verb"], each["status"]) for each in server.requests] == [("generate", 200)] * 2 + [
            ("generate", 400)
        ]
        assert server.requests[1]["body"] == {"contents": contents}
        assert server.requests[2]["error"] == "Requests ending with a model turn are not supported."


def test_it_plays_a_script_file(tmp_path: Path) -> None:
    script = {
        "replies": [{"calls": [["f", {"x": 1}]], "ids": False}, {"error": 503}, {"text": ["a", "b"], "repeat": 2}],
        "conversations": {"Ann": [{"words": "hello Ann", "delay": 0.01, "finish": "MAX_TOKENS"}]},
    }
    path = tmp_path / "script.json"
    path.write_text(json.dumps(script))
    with GeminiProcess("--script", str(path), "--behaviour", "echo") as server, Client(server.url) as client:
        body = {"contents": [user("hi")]}
        assert client.content(body)["parts"][0]["functionCall"] == {"name": "f", "args": {"x": 1}}
        assert client.post(body)[0] == 503
        assert [client.content(body)["parts"][0]["text"] for _ in range(3)] == ["ab", "ab", "echo: hi"]
        status, reply = client.post({"contents": [user("I am Ann")]})
        assert (status, reply["candidates"][0]["finishReason"]) == (200, "MAX_TOKENS")
