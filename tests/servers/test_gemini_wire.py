"""The odd and broken ways in which a reply can arrive."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any

import pytest

from tests.servers import (
    GeminiServer,
    Reply,
    blocked,
    comment,
    empty_content,
    error_event,
    finish,
    fragment,
    framing,
    hang,
    no_candidates,
    no_finish,
    pause,
    raw,
    text,
    thought,
    usage,
)
from tests.servers.conversation import MODEL, Client, user

HELLO = {"contents": [user("hello")]}
PLAIN = text("é", "b", sign=False)


@pytest.fixture
def server() -> Any:
    with GeminiServer() as running:
        yield running


def stream(server: GeminiServer, reply: Reply) -> bytes:
    server.script(reply)
    with Client(server.url) as client:
        return client.stream(HELLO)


def whole(server: GeminiServer, reply: Reply) -> dict[str, Any]:
    server.script(reply)
    with Client(server.url) as client:
        return client.post(HELLO)[1]


def received(server: GeminiServer, reply: Reply) -> tuple[bytes, bool]:
    """Return all bytes of a streamed reply's connection, and whether it was reset."""
    server.script(reply)
    body = json.dumps(HELLO).encode()
    head = f"POST /v1/models/{MODEL}:streamGenerateContent?alt=sse HTTP/1.1\r\nx-goog-api-key: test-key\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    data = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        sock.sendall(head.encode() + body)
        try:
            while piece := sock.recv(65536):
                data += piece
        except ConnectionResetError:
            return data, True
    return data, False


def data_lines(stream: bytes) -> list[bytes]:
    return [line for line in stream.replace(b"\r\n", b"\n").split(b"\n") if line]


def test_events_are_data_lines_between_blank_lines(server: GeminiServer) -> None:
    events = stream(server, PLAIN).split(b"\r\n\r\n")
    assert [event[:7] for event in events] == [b"data: {", b"data: {", b""]
    assert "é".encode() in events[0]


def test_framing_changes_every_byte_that_is_not_json(server: GeminiServer) -> None:
    assert stream(server, PLAIN + framing(newline="\n")).count(b"\n\n") == 2
    assert stream(server, PLAIN + framing(prefix="data:")).startswith(b"data:{")
    assert stream(server, PLAIN + framing(bom=True)).startswith(b"\xef\xbb\xbfdata: {")
    assert b"}{" in stream(server, PLAIN + framing(per_event=2))
    assert len(data_lines(stream(server, PLAIN + framing(per_event=2, join="\n")))) == 2
    assert stream(server, PLAIN + framing(comment="ping")).count(b": ping\r\n\r\ndata: ") == 2
    lines = data_lines(stream(server, text("a", sign=False) + framing(lines=True)))
    assert json.loads(b"".join(line.removeprefix(b"data: ") for line in lines))["candidates"]


def test_comments_and_fragments_stand_where_they_were_put(server: GeminiServer) -> None:
    found = stream(server, text("a", sign=False) + comment() + fragment(b"event: x\r\n") + text("b"))
    assert [line[:8] for line in data_lines(found)] == [b'data: {"', b": keepal", b"event: x", b'data: {"']


def test_a_reply_may_be_split_into_bytes(server: GeminiServer) -> None:
    data, _ = received(server, PLAIN + framing(split=1))
    assert b"1\r\n\xc3\r\n1\r\n\xa9\r\n" in data
    assert data.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("how", ["close", "reset", "end"])
def test_a_reply_may_be_cut_at_any_byte(server: GeminiServer, how: Any) -> None:
    size = len(stream(server, PLAIN))
    for count in (0, 1, 100, size - 1, size):
        data, was_reset = received(server, PLAIN.cut_after(count, how))
        body = data.split(b"\r\n\r\n", 1)[1]
        assert was_reset == (how == "reset")
        assert body.endswith(b"0\r\n\r\n") == (how == "end")
        chunks = [piece for piece in body.removesuffix(b"0\r\n\r\n").split(b"\r\n") if piece]
        assert sum(len(chunk) for chunk in chunks[1::2]) <= count
    assert [request.outcome for request in server.requests[1:]] == ["sent" if how == "end" else "cut"] * 5


def test_an_unstreamed_reply_can_be_cut_too(server: GeminiServer) -> None:
    server.script(text("hello").cut_after(30))
    with Client(server.url) as client, pytest.raises(http.client.IncompleteRead):
        client.post(HELLO)


def test_a_stream_may_end_without_a_finish_reason(server: GeminiServer) -> None:
    assert b"finishReason" not in stream(server, text("a") + no_finish())
    assert b"finishReason" not in stream(server, text("a") + error_event(503))
    found = [json.loads(line[6:]) for line in data_lines(stream(server, text("a") + error_event(503)))]
    assert found[-1]["error"]["status"] == "UNAVAILABLE"


def test_endings_have_the_service_s_shapes(server: GeminiServer) -> None:
    assert whole(server, blocked("OTHER"))["promptFeedback"] == {"blockReason": "OTHER"}
    assert "candidates" not in whole(server, no_candidates())
    assert whole(server, finish("SAFETY"))["candidates"] == [{"finishReason": "SAFETY", "index": 0}]
    (candidate,) = whole(server, empty_content(message="bad call"))["candidates"]
    assert candidate["content"] == {}
    assert (candidate["finishReason"], candidate["finishMessage"]) == ("MALFORMED_FUNCTION_CALL", "bad call")
    (line,) = data_lines(stream(server, empty_content()))
    assert json.loads(line[6:])["candidates"][0]["content"] == {}
    cut = whole(server, text("a") + finish("MAX_TOKENS"))["candidates"][0]
    assert (cut["finishReason"], cut["content"]["parts"][0]["text"]) == ("MAX_TOKENS", "a")


def test_usage_and_identity_are_as_scripted(server: GeminiServer) -> None:
    made = whole(server, thought("hm") + text("a") + usage(prompt=10, candidates=2, thoughts=3, cached=4))
    assert made["usageMetadata"] == {
        "promptTokenCount": 10,
        "candidatesTokenCount": 2,
        "cachedContentTokenCount": 4,
        "thoughtsTokenCount": 3,
        "totalTokenCount": 15,
    }
    named = whole(server, text("a", model_version="gemini-9", response_id="r", candidate={"avgLogprobs": 1}))
    assert (named["modelVersion"], named["responseId"], named["candidates"][0]["avgLogprobs"]) == ("gemini-9", "r", 1)
    assert "thoughtsTokenCount" in whole(server, thought("hm") + text("a"))["usageMetadata"]


def test_any_body_may_be_answered(server: GeminiServer) -> None:
    assert stream(server, raw(b"<html>", content_type="text/html")) == b"<html>"
    assert stream(server, raw(b"")) == b""
    server.script(raw(b"nope", status=502))
    with Client(server.url) as client:
        assert client.ask("POST", f"/v1/models/{MODEL}:generateContent", json.dumps(HELLO).encode()) == (502, b"nope")


def test_a_huge_event_arrives_whole(server: GeminiServer) -> None:
    assert len(stream(server, text("x" * 20_000_000))) > 20_000_000


def test_a_reply_waits_as_long_as_it_is_told(server: GeminiServer) -> None:
    began = time.monotonic()
    stream(server, text("a", "b", sign=False, delay=0.03, gap=0.03) + pause(0.03))
    assert time.monotonic() - began >= 0.09


def test_a_stream_may_stop_in_the_middle_for_ever(server: GeminiServer) -> None:
    server.script(text("a") + hang())
    with Client(server.url, timeout=0.1) as client, pytest.raises(TimeoutError):
        client.stream(HELLO)
    assert server.wait_for(1)[0].status == 200
