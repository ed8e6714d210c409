"""Server-sent events by the WHATWG rules, from bytes.

httpx2 and httpx-sse have a parser of their own, but it reads text (a broken byte becomes U+FFFD instead of an error),
wants a response object and a content type, knows no byte offset and forgets lines that are not SSE, where a Gemini
gateway may put its error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.errors import GeminiResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_EVENT_BYTES = 32 * 1024 * 1024
_MAX_STRAY_BYTES = 64 * 1024


class Event(NamedTuple):
    """The data of one event, its lines joined, and the offset in the stream at which its first line began."""

    data: bytes
    offset: int


class EventReader:
    """Cuts a byte stream into events, however its chunks fall. CR, LF and CRLF end a line."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self.offset = 0
        self._limit = max_event_bytes
        self._line: list[bytes] = []
        self._line_size = 0
        self._after_cr = False
        self._data: list[bytes] = []
        self._data_size = 0
        self._data_offset = 0
        self._stray: list[bytes] = []
        self._stray_size = 0

    @property
    def stray(self) -> bytes:
        """The lines that are no SSE fields, such as an error page or bare JSON; the first 64 kB of them."""
        return b"\n".join(self._stray)

    def feed(self, chunk: bytes) -> Iterable[Event]:
        """The events that `chunk` completes."""
        between_events = not (self._line_size or self._data or self._after_cr)
        return (between_events and self._whole(chunk)) or self._cut(chunk)

    def _whole(self, chunk: bytes) -> Iterator[Event] | None:
        """The same for a chunk of events of one line of data each, as most are; None where it is another."""
        end = b"\r\n\r\n" if b"\r" in chunk else b"\n\n"
        *blocks, rest = chunk.split(end)
        is_simple = chunk.startswith(b"data: ") and chunk.count(end + b"data: ") == len(blocks) - 1
        line_ends = chunk.count(b"\n") + chunk.count(b"\r")
        if rest or not is_simple or line_ends != len(blocks) * len(end) or len(chunk) > self._limit:
            return None
        return self._each(blocks, len(b"data: "), len(end))

    def _each(self, blocks: list[bytes], begin: int, end: int) -> Iterator[Event]:
        for block in blocks:
            offset = self.offset
            self.offset = offset + len(block) + end
            yield Event(block[begin:], offset)

    def _cut(self, chunk: bytes) -> Iterator[Event]:
        for piece in chunk.splitlines(keepends=True):  # of bytes: splits at CR, LF and CRLF only
            line_offset = self.offset - self._line_size
            self.offset += len(piece)
            if self._after_cr and piece == b"\n":
                self._after_cr = False
                continue
            self._after_cr = piece.endswith(b"\r")
            text = piece.rstrip(b"\r\n")
            self._keep(text)
            if len(text) < len(piece):
                yield from self._end_line(line_offset)

    def flush(self) -> Iterator[Event]:
        """The last event, where a stream that ended properly left out the blank line after it."""
        if b"data".startswith(b"".join(self._line)):
            self._line = []  # the beginning of a field, not a line that is none
        yield from self._end_line(self.offset - self._line_size)
        yield from self._end_line(self.offset)

    def _keep(self, text: bytes) -> None:
        self._line.append(text)
        self._line_size += len(text)
        if self._line_size + self._data_size > self._limit:
            raise GeminiResponseError(
                "MALFORMED_REPLY",
                f"an event of Gemini's reply is larger than {self._limit} bytes, at byte {self.offset}",
            )

    def _end_line(self, offset: int) -> Iterator[Event]:
        line = b"".join(self._line)
        self._line, self._line_size = [], 0
        if offset == 0:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            if self._data:
                yield Event(b"\n".join(self._data), self._data_offset)
            self._data, self._data_size = [], 0
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            if not self._data:
                self._data_offset = offset
            self._data.append(value.removeprefix(b" "))
            self._data_size += len(value)
        elif name not in {b"", b"event", b"id", b"retry"} and self._stray_size < _MAX_STRAY_BYTES:
            self._stray.append(line[:_MAX_STRAY_BYTES])
            self._stray_size += len(line)
