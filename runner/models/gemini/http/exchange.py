"""One request's reply, read from a connection as it arrives."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import httptools

from runner.models.gemini.http.failures import EncodingError, HttpError, connection_lost

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Iterator

    from runner.models.gemini.http.connection import Connection

_MAX_HEAD = 256 * 1024
_HIGH_WATER = 1024 * 1024
"""Bytes that may wait for their reader before the connection is told to pause."""
_MAX_PIECE = 1024 * 1024
"""Of decompressed bytes handed on at once, whatever a small reply claims to be."""


class Headers(Mapping[str, str]):
    """A reply's headers, looked up without regard to case; repeated ones joined with a comma."""

    def __init__(self, fields: list[tuple[bytes, bytes]]) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            self._fields[key] = f"{self._fields[key]}, {text}" if key in self._fields else text

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Exchange:
    """A `ByteStream`. The connection feeds it; httptools calls its `on_...` methods."""

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop, idle_timeout: float) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.is_over = False
        self.keeps_connection = False
        self._connection: Connection | None = connection
        self._host = connection.host
        self._loop, self._idle_timeout = loop, idle_timeout
        self._chunks: list[bytes] = []
        self.on_body = self._chunks.append  # part of httptools' protocol, called for each small piece
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._fields: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._size = 0
        self._is_paused = False
        self._error: HttpError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._heard_at = loop.time()
        self._unsent = 0

    # the reader's side

    async def begun(self) -> None:
        """Wait for the status and the headers."""
        while not self.status and self._error is None:
            await self._wait()
        if not self.status and self._error is not None:
            raise self._error

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """The body, decompressed, in pieces as they arrive."""
        decoder = _decoder(self.headers.get("content-encoding", ""))
        while True:
            if self._chunks:
                data = self._taken()
                if decoder is None:
                    yield data
                else:
                    for piece in _decoded(decoder, data):
                        yield piece
            elif self._error is not None:
                raise self._error
            elif self.is_over:
                return
            else:
                await self._wait()

    async def aclose(self) -> None:
        """Drop the connection, unless the reply was read to its end: then it is already back in the pool."""
        if not self.is_over:
            self._end(connection_lost(self._host, "closed by us"))

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _taken(self) -> bytes:
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._is_paused and self._connection is not None:
            self._is_paused = False
            self._heard_at = self._loop.time()
            self._connection.transport.resume_reading()
        return data

    # the connection's side

    def feed(self, data: memoryview) -> None:
        """Take what came. At the end, `is_over` is set, and `keeps_connection` if another request may follow."""
        self._heard_at = self._loop.time()
        if self._parser is None:
            return
        try:
            self._parser.feed_data(data)
            self._check_head(len(data))
            self._check_waiting(len(data))
        except httptools.HttpParserError as error:
            words = "it sent more than its reply" if self.is_over else f"no HTTP ({error})"
            self._end(connection_lost(self._host, words))
        except httptools.HttpParserUpgrade:
            self._end(connection_lost(self._host, "it switched to another protocol"))

    def lost(self, error: Exception | None) -> None:
        """The connection is gone, which ends a reply that is delimited by nothing else."""
        if error is None and self._lasts_until_close():
            self.is_over = True
            self._end(None)
        else:
            self._end(connection_lost(self._host, error))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Part of httptools' protocol."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Part of httptools' protocol."""
        status = self._parser.get_status_code() if self._parser is not None else 0
        fields, self._fields = self._fields, []
        if status >= 200:  # what comes before is no reply, but news of one
            self.status, self.headers = status, Headers(fields)
            self._wake()

    def on_message_complete(self) -> None:
        """Part of httptools' protocol."""
        if self.status and self._parser is not None:
            self.keeps_connection = self._parser.should_keep_alive()
            self.is_over = True
            self._wake()

    def _check_waiting(self, size: int) -> None:
        if not self._chunks:
            return
        self._size += size
        if self._size > _HIGH_WATER and not self._is_paused and self._connection is not None:
            self._is_paused = True
            self._connection.transport.pause_reading()
        self._wake()

    # both

    def released(self) -> None:
        """The connection serves others from now on; what waits to be read stays here."""
        if self._is_paused and self._connection is not None:
            self._connection.transport.resume_reading()
        self._connection = self._parser = None

    def _end(self, error: HttpError | None) -> None:
        connection = self._connection
        self.released()
        self._error = self._error or (None if self.is_over else error)
        self.is_over = True
        if connection is not None:
            connection.drop()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _check_head(self, size: int) -> None:
        if not self.status and not self.is_over:
            self._head_size += size
            if self._head_size > _MAX_HEAD:
                self._end(connection_lost(self._host, "no HTTP (its headers have no end)"))

    def _lasts_until_close(self) -> bool:
        return bool(self.status) and not {"content-length", "transfer-encoding"} & self.headers.keys()

    def check_silence(self) -> float:
        """The seconds to the next look; the exchange ends here when it was silent for too long."""
        if self._connection is None:
            return self._idle_timeout
        unsent = self._connection.transport.get_write_buffer_size()
        now = self._loop.time()
        if self._is_paused or self._chunks or unsent != self._unsent:  # it is we who are slow, or the way out
            self._heard_at, self._unsent = now, unsent
        left = self._heard_at + self._idle_timeout - now
        if left <= 0:
            what = "did not take the request" if unsent else "was silent"
            self._end(HttpError("IDLE_TIMEOUT", f"{self._host} {what} for {self._idle_timeout} s"))
        return left


def _decoder(encoding: str) -> zlib._Decompress | None:
    """What undoes the content-encoding: gzip or deflate, the only ones that are asked for."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return None
    if name in {"gzip", "x-gzip"}:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    if name == "deflate":
        return zlib.decompressobj()
    raise EncodingError(f"Gemini's reply comes in an encoding that was not asked for: {name[:40]!r}")


def _decoded(decoder: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    try:
        while data:
            piece = decoder.decompress(data, _MAX_PIECE)
            data = decoder.unconsumed_tail
            if piece:
                yield piece
    except zlib.error as error:
        raise EncodingError(f"Gemini's reply cannot be decompressed: {error}") from error
