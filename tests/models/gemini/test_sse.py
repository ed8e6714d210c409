"""Server-sent events are cut as the WHATWG says, however the bytes arrive."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import GeminiResponseError
from runner.models.gemini.sse import Event, EventReader

END = st.sampled_from(["\n", "\r", "\r\n"])
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=30)


def read(data: bytes, size: int | None = None) -> list[Event]:
    """All events of a stream that arrives in chunks of `size` bytes."""
    reader = EventReader()
    step = size or max(1, len(data))
    events = [event for at in range(0, len(data), step) for event in reader.feed(data[at : at + step])]
    assert reader.offset == len(data)
    return [*events, *reader.flush()]


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """A stream with everything the standard allows, and the data of its events."""
    written, expected = [], []
    for lines in draw(st.lists(st.lists(TEXT, min_size=1, max_size=3), max_size=4)):
        for line in lines:
            written.append(f": {draw(TEXT)}{draw(END)}" if draw(st.booleans()) else "")
            written.append(
                f"data: {line}{draw(END)}" if line[0] == " " or draw(st.booleans()) else f"data:{line}{draw(END)}"
            )
            written.append(draw(st.sampled_from(["event: x\n", "id: 7\r", "retry: 3\r\n", ""])))
        written.append(draw(END))
        expected.append("\n".join(lines))
    return "".join(written).encode(), expected


@settings(max_examples=60, deadline=None)
@given(streams(), st.integers(1, 9))
def test_any_line_ends_comments_and_chunks_give_the_same_events(stream: tuple[bytes, list[str]], size: int) -> None:
    data, expected = stream
    # CR then LF is one line end: where two fields drew them separately the standard reads one, so compare the chunked
    # reading with the whole one, and the whole one with what was written unless that ambiguity is there.
    assert read(data, size) == read(data)
    if b"\r\n" not in data:
        assert [event.data.decode() for event in read(data)] == expected


def test_data_may_stand_with_and_without_a_space_and_over_several_lines() -> None:
    events = read(b"data: a\ndata:b\ndata\ndata:  c\n\n")
    assert [event.data for event in events] == [b"a\nb\n\n c"]


def test_a_byte_order_mark_at_the_start_is_not_part_of_the_field() -> None:
    assert [event.data for event in read(b"\xef\xbb\xbfdata: a\n\n", 1)] == [b"a"]


def test_each_event_knows_the_offset_of_its_first_data_line() -> None:
    events = read(b": hi\r\n\r\ndata: a\r\n\r\nevent: x\r\ndata: b\r\n\r\n", 3)
    assert [(event.data, event.offset) for event in events] == [(b"a", 8), (b"b", 29)]


def test_an_event_comes_as_soon_as_its_blank_line_does_even_when_that_ends_in_cr() -> None:
    reader = EventReader()
    assert [event.data for event in reader.feed(b"data: a\r\r")] == [b"a"]
    assert list(reader.feed(b"\ndata: b\r\n\r")) != []


def test_a_stream_without_its_last_blank_line_gives_its_last_event_at_the_end() -> None:
    assert [event.data for event in read(b"data: a\n\ndata: b")] == [b"a", b"b"]


def test_unicode_line_separators_inside_data_end_no_line() -> None:
    text = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg"
    assert [event.data.decode() for event in read(f"data: {text}\n\n".encode(), 1)] == [text]


@pytest.mark.parametrize("line", [b"data: 0123456789\n", b"0123456789", b"data: 0123456789 and no end"])
def test_an_event_or_a_line_larger_than_the_cap_is_refused_with_its_place(line: bytes) -> None:
    reader = EventReader(max_event_bytes=100)
    with pytest.raises(GeminiResponseError, match=r"larger than 100 bytes, at byte 1\d\d"):
        list(itertools.chain.from_iterable(reader.feed(line) for _ in range(20)))


def test_comments_for_ever_need_no_memory() -> None:
    reader = EventReader(max_event_bytes=100)
    for _ in range(1000):
        assert list(reader.feed(b": keepalive\n\n")) == []
    assert reader.stray == b""


def test_lines_that_are_no_fields_are_kept_for_the_error_message() -> None:
    reader = EventReader()
    assert list(reader.feed(b'{"error":\n {"code": 503}}\n')) == []
    assert reader.stray == b'{"error":\n {"code": 503}}'
