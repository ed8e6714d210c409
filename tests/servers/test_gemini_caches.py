"""Explicit context caches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers import GeminiServer, error
from tests.servers.conversation import MODEL, WEATHER, Client, user

PATH = "/v1/cachedContents"
GIVEN = {"model": f"models/{MODEL}", "systemInstruction": {"parts": [{"text": "be nice"}]}}


def created(client: Client, **more: Any) -> dict[str, Any]:
    status, body = client.json("POST", PATH, GIVEN | more)
    assert status == 200, body
    return body


def test_a_cache_is_created_used_and_deleted(server: GeminiServer, client: Client) -> None:
    tools = [{"functionDeclarations": [WEATHER]}]
    cache = created(client, ttl="60s", display_name="d", contents=[user("context")], tools=tools)
    assert (cache["displayName"], cache["model"]) == ("d", f"models/{MODEL}")
    status, reply = client.post({"contents": [user("hi")], "cachedContent": cache["name"]})
    assert status == 200
    assert reply["usageMetadata"]["cachedContentTokenCount"] == cache["usageMetadata"]["totalTokenCount"]
    assert client.json("GET", f"/v1/{cache['name']}")[1] == cache
    assert client.json("DELETE", f"/v1/{cache['name']}") == (200, {})
    assert client.json("GET", f"/v1/{cache['name']}")[0] == 403
    assert server.caches == {}


@pytest.mark.parametrize("ttl", ["1h", "60m", "3600", "s", "1e3s", "", " 60s"])
def test_a_ttl_is_a_protobuf_duration(client: Client, ttl: str) -> None:
    status, body = client.json("POST", PATH, GIVEN | {"ttl": ttl})
    assert (status, "Illegal duration format" in body["error"]["message"]) == (400, True)


@pytest.mark.parametrize(
    "change",
    [{"ttl": "0s"}, {"ttl": "-5s"}, {"expireTime": "2001-01-01T00:00:00Z"}, {"expireTime": "soon"}, {"ttl": 60}],
)
def test_an_expiry_lies_in_the_future(client: Client, change: dict[str, Any]) -> None:
    assert client.json("POST", PATH, GIVEN | change)[0] == 400


def test_caches_expire_by_the_server_s_clock_and_can_be_extended(server: GeminiServer, client: Client) -> None:
    first, second = created(client)["name"], created(client, ttl="60.5s")["name"]
    assert client.json("PATCH", f"/v1/{second}", {"ttl": "7200s"})[0] == 200
    assert client.json("PATCH", f"/v1/{second}", {})[0] == 400
    assert client.json("PATCH", f"/v1/{second}", {"displayName": "x"})[0] == 400
    server.advance(3601)
    status, body = client.post({"contents": [user("hi")], "cachedContent": first})
    assert (status, body["error"]["message"]) == (403, "CachedContent not found (or permission denied)")
    assert client.post({"contents": [user("hi")], "cachedContent": second})[0] == 200
    assert client.json("PATCH", f"/v1/{second}", {"expireTime": "2999-01-01T00:00:00+00:00"})[0] == 200
    server.advance(7200)
    assert client.json("GET", f"/v1/{second}")[0] == 200


def test_what_a_cache_holds_is_not_sent_again(client: Client) -> None:
    name = created(client)["name"]
    for key, value in {
        "systemInstruction": {"parts": [{"text": "x"}]},
        "tools": [{"functionDeclarations": [WEATHER]}],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    }.items():
        status, body = client.post({"contents": [user("hi")], "cachedContent": name, key: value})
        assert (status, body["error"]["message"][:29]) == (400, "CachedContent can not be used")


def test_a_cache_belongs_to_one_model_and_not_to_gemini_4(client: Client) -> None:
    name = created(client)["name"]
    status, body = client.post({"contents": [user("hi")], "cachedContent": name}, model="gemini-3.6-flash")
    assert (status, "has to be the same" in body["error"]["message"]) == (400, True)
    assert client.json("POST", PATH, GIVEN | {"model": "models/gemini-4-argon"})[0] == 400
    assert client.json("POST", PATH, GIVEN | {"model": MODEL})[0] == 400
    assert client.json("POST", PATH, {"model": f"models/{MODEL}"})[0] == 400


def test_a_minimum_can_be_enforced() -> None:
    with GeminiServer(cache_minimum="model", cache_missing=404) as server, Client(server.url) as client:
        status, body = client.json("POST", PATH, GIVEN)
        assert (status, body["error"]["message"][-26:]) == (400, "min_total_token_count=4096")
        created(client, contents=[user("word " * 5_000)])
        assert client.json("GET", "/v1/cachedContents/other")[0] == 404


def test_caches_are_listed_in_pages(server: GeminiServer, client: Client) -> None:
    assert client.json("GET", PATH) == (200, {})
    names = [created(client)["name"] for _ in range(3)]
    _, first = client.json("GET", f"{PATH}?pageSize=2")
    _, second = client.json("GET", f"{PATH}?pageSize=2&pageToken={first['nextPageToken']}")
    assert [each["name"] for each in first["cachedContents"] + second["cachedContents"]] == names
    assert "nextPageToken" not in second
    assert client.json("GET", f"{PATH}?pageToken=x")[0] == 400
    assert client.json("GET", f"{PATH}?pageSize=0")[0] == 400


def test_cache_routes_can_be_made_to_fail(server: GeminiServer, client: Client) -> None:
    server.script(error(500), on="cache_create")
    assert client.json("POST", PATH, GIVEN)[0] == 500
    name = created(client)["name"]
    server.script(error(503), on="cache_update")
    assert client.json("PATCH", f"/v1/{name}", {"ttl": "60s"})[0] == 503
    assert client.post({"contents": [user("hi")]})[0] == 200
