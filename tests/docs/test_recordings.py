"""The recorded sessions of the documents are what happens today; `python -m tests.docs.record_...` makes them anew."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tests.docs.record_cache_life import BASE, recorded
from tests.docs.recording import Recording

TEXT = BASE.with_suffix(".txt")


def test_the_life_of_a_cache_is_as_it_was_recorded() -> None:
    recording, server = recorded()
    assert recording.to_text() == TEXT.read_text("utf-8")
    asked = [each.verb if each.status == 200 else f"{each.verb} {each.status}" for each in server.requests]
    assert asked == [
        *("cache_list", "cache_create", "stream"),  # made
        *("stream", "stream"),  # used in both steps
        *("cache_update", "stream"),  # refreshed
        "cache_list",
        *("cache_update", "stream 403", "stream"),  # refreshed, expired, asked again without it
        *("cache_list", "cache_create", "stream"),
        *("stream 403", "stream"),  # forbidden
        *("cache_list", "cache_create", "stream"),
        *("cache_update 404", "cache_list", "cache_create", "stream"),  # deleted
    ]


def test_its_film_and_its_picture_show_the_same_session() -> None:
    told = TEXT.read_text("utf-8")
    assert Recording.from_cast(BASE.with_suffix(".cast").read_text("utf-8")).to_text() == told
    drawn = "".join(ET.fromstring(BASE.with_suffix(".svg").read_text("utf-8")).itertext())  # noqa: S314  # ours
    assert "".join(told.split()) in "".join(drawn.split())
