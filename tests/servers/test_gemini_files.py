"""Uploaded files, and what requests may name and show."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers import SENTINEL, GeminiServer, Refusal
from tests.servers.conversation import MODEL, Client, user


def shown(*parts: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "hi"}, *parts]}]}


def stored(server: GeminiServer, mime_type: str = "image/png") -> Any:
    """A file as if it had been uploaded."""
    files = server.files
    size = {"x-goog-upload-header-content-length": "3"}
    upload = files.start(
        {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start", **size},
        {"file": {"mimeType": mime_type, "displayName": "d"}},
    )
    host = server.url.removeprefix("http://")
    files.receive(upload, {"x-goog-upload-command": "upload", "x-goog-upload-offset": "0"}, b"ab", host)
    last = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "2"}
    return files.receive(upload, last, b"c", host)


def said(client: Client, body: dict[str, Any], model: str = MODEL) -> str:
    status, reply = client.json("POST", f"/v1/models/{model}:generateContent", body)
    return "" if status == 200 else f"{status} {reply['error']['message']}"


def test_a_file_is_described_listed_and_deleted(server: GeminiServer, client: Client) -> None:
    file = stored(server)
    status, told = client.json("GET", f"/v1/{file.name}")
    assert (status, told["state"], told["sizeBytes"], told["displayName"]) == (200, "ACTIVE", "3", "d")
    assert client.json("GET", "/v1/files")[1] == {"files": [told]}
    assert client.json("DELETE", f"/v1/{file.name}") == (200, {})
    assert client.json("GET", f"/v1/{file.name}")[0] == 403


def test_a_file_can_be_named_until_it_has_expired(server: GeminiServer, client: Client) -> None:
    file = stored(server)
    body = shown({"fileData": {"fileUri": file.uri, "mimeType": "image/png"}})
    assert said(client, body) == ""
    server.advance(48 * 3600)
    key = file.name.removeprefix("files/")
    assert said(client, body) == f"403 You do not have permission to access the File {key} or it may not exist."


def test_a_film_cannot_be_named_before_it_is_ready(server: GeminiServer, client: Client) -> None:
    server.files.looks = 1
    file = stored(server, "video/mp4")
    body = shown({"fileData": {"fileUri": file.uri, "mimeType": "video/mp4"}})
    assert "not in an ACTIVE state" in said(client, body)
    assert client.json("GET", f"/v1/{file.name}")[1]["state"] == "ACTIVE"
    assert said(client, body) == ""


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"inlineData": {"mimeType": "image/gif", "data": "AAAA"}}, "400 Unsupported MIME type: image/gif"),
        ({"inlineData": {"mimeType": "text/x-python", "data": "AAAA"}}, "400 Unsupported MIME type: text/x-python"),
        ({"fileData": {"fileUri": "file:///a.png"}}, "400 Invalid or unsupported file uri: file:///a.png"),
        ({"fileData": {"fileUri": "https://youtu.be/x"}}, ""),
    ],
)
def test_what_cannot_be_looked_at_is_refused(client: Client, part: dict[str, Any], why: str) -> None:
    assert said(client, shown(part)) == why


@pytest.mark.parametrize(
    ("model", "name", "mime_type", "why"),
    [
        (MODEL, "a", "image/png", ""),
        (MODEL, "b", "image/png", "does not match to a display_name"),
        (MODEL, "a", "audio/mp3", "Unsupported MIME type: audio/mp3"),
        ("gemini-2.5-flash", "a", "image/png", "Multimodal function responses are not supported for this model"),
    ],
)
def test_a_result_refers_to_its_media_by_their_names(
    client: Client, model: str, name: str, mime_type: str, why: str
) -> None:
    media = {"inlineData": {"mimeType": mime_type, "displayName": name, "data": "AAAA"}}
    response = {"name": "f", "response": {"x": {"$ref": "a"}}, "parts": [media]}
    call = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": SENTINEL}
    answered = {"role": "user", "parts": [{"functionResponse": response}]}
    found = said(client, {"contents": [user("hi"), {"role": "model", "parts": [call]}, answered]}, model)
    assert why in found
    assert bool(found) == bool(why)


@pytest.mark.parametrize(
    ("headers", "body", "why"),
    [
        ({"x-goog-upload-header-content-length": "0"}, {}, "size_bytes"),
        ({"x-goog-upload-header-content-length": str(2 * 1024**3 + 1)}, {}, "size_bytes"),
        ({}, {"mimeType": "png"}, "mime_type"),
        ({"x-goog-upload-command": "query"}, {}, "the command start"),
    ],
)
def test_an_upload_that_cannot_be_is_refused_at_its_start(
    server: GeminiServer, headers: dict[str, str], body: dict[str, str], why: str
) -> None:
    good = {
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-length": "3",
    }
    with pytest.raises(Refusal, match=why):
        server.files.start(good | headers, {"file": {"mimeType": "image/png", **body}})


def test_a_piece_comes_at_its_place(server: GeminiServer) -> None:
    upload = server.files.start(
        {
            "x-goog-upload-protocol": "resumable",
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-length": "3",
        },
        {"file": {"mimeType": "image/png"}},
    )
    for headers, why in [
        ({"x-goog-upload-command": "upload", "x-goog-upload-offset": "1"}, "0 bytes have arrived"),
        ({"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"}, "3 bytes were announced, 2 came"),
    ]:
        with pytest.raises(Refusal, match=why):
            server.files.receive(upload, headers, b"ab", "h")
