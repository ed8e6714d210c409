"""Files as parts: the type each is sent as, what is refused, and the few words that tell a file."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from runner.files import INLINE_LIMIT, UPLOAD_LIMIT, FileError, attachment, check, digest_of, shown, size_words

if TYPE_CHECKING:
    from pathlib import Path

BINARY = b"\x00\xff\xfe"


@pytest.mark.parametrize(
    ("name", "content", "mime_type"),
    [
        ("notes.md", b"# Notes", "text/plain"),
        ("code.ts", b"const a = 1", "text/plain"),
        ("agent.yaml", b"model: offline", "text/plain"),
        ("data.json", b"{}", "text/plain"),
        ("picture.svg", b"<svg/>", "text/plain"),
        ("unknown.qqq", "é".encode(), "text/plain"),
        ("README", b"Read me.", "text/plain"),
        ("page.HTML", b"<p>", "text/html"),
        ("table.csv", b"a,b", "text/csv"),
        ("ascii.pdf", b"%PDF-1.4", "application/pdf"),
        ("photo.JPG", BINARY, "image/jpeg"),
        ("photo.webp", BINARY, "image/webp"),
        ("song.mp3", BINARY, "audio/mp3"),
        ("film.mov", BINARY, "video/quicktime"),
    ],
)
def test_every_text_can_be_sent_and_media_are_what_their_name_says(
    tmp_path: Path, name: str, content: bytes, mime_type: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found = attachment(path)
    assert found.part == {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(content).decode()}}
    assert check(path) == {"name": name, "mime_type": mime_type, "size": len(content)}
    assert found.meta["digest"] == digest_of(str(path))


@pytest.mark.parametrize(
    ("name", "size", "why"),
    [
        ("none.png", None, "no such file"),
        ("folder.png", -1, "this is a folder; name the files in it"),
        ("empty.png", 0, "the file is empty"),
        ("stream.ts", 10, "its type cannot be told from its name"),
        ("data.bin", 10, "its type cannot be told from its name"),
        ("logs.tar.gz", 10, "its type cannot be told from its name"),
        ("film.mp4", UPLOAD_LIMIT + 1, "2.0 GB are too many: Gemini takes files of at most 2.0 GB"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_name(tmp_path: Path, name: str, size: int | None, why: str) -> None:
    path = tmp_path / name
    if size == -1:
        path.mkdir()
    elif size is not None:
        with path.open("wb") as stream:
            stream.write(BINARY[:size])
            stream.truncate(size)
    for look in (check, attachment):
        with pytest.raises(FileError) as raised:
            look(path)
        assert (str(raised.value)[: len(str(path))], why in str(raised.value)) == (str(path), True)


def test_a_large_file_is_not_read_into_memory_but_only_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with path.open("wb") as stream:
        stream.truncate(INLINE_LIMIT + 1)
    found = attachment(path)
    assert found.part is None
    assert (found.meta["mime_type"], found.meta["digest"]) == ("video/mp4", digest_of(str(path)))


def test_a_character_that_the_first_look_cuts_in_two_is_still_text(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_text("a" + "é" * 8192, "utf-8")
    assert check(path)["mime_type"] == "text/plain"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"name": "a.png", "mime_type": "image/png", "size": 12_300}, "[a.png, image/png, 12 KB]"),
        ({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, "[image/png, 3 bytes]"),
        ({"inline_data": {"mime_type": "image/png", "data": "AA=="}}, "[image/png, 1 byte]"),
        ({"inlineData": {"mimeType": "image/png", "displayName": "b.png", "data": ""}}, "[b.png, image/png]"),
        ({"fileData": {"fileUri": "gs://b/c.pdf", "mimeType": "application/pdf"}}, "[gs://b/c.pdf, application/pdf]"),
        ({"fileData": {"fileUri": "https://youtu.be/x"}}, "[https://youtu.be/x]"),
        ({"functionCall": {"name": "f"}}, "[functionCall]"),
        ({}, "[nothing]"),
    ],
)
def test_a_file_is_told_in_a_few_words_and_never_its_bytes(told: dict[str, object], words: str) -> None:
    assert shown(told) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KB"),
        (1024**2 - 1, "1 MB"),
        (34 * 1024**2, "34 MB"),
        (2**31, "2.0 GB"),
    ],
)
def test_sizes_have_the_unit_that_fits(size: int, words: str) -> None:
    assert size_words(size) == words
