"""The HTTP client reads any reply that is one, says what is wrong with the others, and keeps or drops connections."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import zlib
from typing import TYPE_CHECKING

import pytest

from runner.errors import GeminiClientError
from runner.models.gemini.http.connecting import Origin
from runner.models.gemini.http.connections import Connections
from runner.models.gemini.http.exchange import Exchange, Headers
from runner.models.gemini.http.failures import EncodingError, HttpError
from tests.servers.raw_http import RawServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@contextlib.asynccontextmanager
async def connections(server: RawServer, idle_timeout: float = 60.0) -> AsyncIterator[Connections]:
    made = Connections(Origin("http", "127.0.0.1", server.port), connect_timeout=60.0, idle_timeout=idle_timeout)
    try:
        yield made
    finally:
        await made.aclose()


async def send(pool: Connections, body: bytes = b"{}") -> Exchange:
    return await pool.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body), body)


async def whole(exchange: Exchange) -> bytes:
    try:
        return b"".join([bytes(chunk) async for chunk in exchange])
    finally:
        await exchange.aclose()


async def asked(server: RawServer, **options: float) -> bytes:
    async with connections(server, **options) as pool:
        return await whole(await send(pool))


def gzipped(data: bytes) -> bytes:
    body = gzip.compress(data, mtime=0)
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: GZIP\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def deflated(data: bytes) -> bytes:
    body = zlib.compress(data)
    return b"HTTP/1.1 200 OK\r\ncontent-encoding: deflate\r\ncontent-length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"ok"),
        (CHUNKED + b"2;x=1\r\nab\r\n3\r\ncde\r\n0\r\nTrailer: t\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (gzipped(b"zipped"), b"zipped"),
        (deflated(b"deflated"), b"deflated"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
async def test_a_reply_is_read_however_it_is_framed_and_cut(answer: bytes, body: bytes, apart: bool) -> None:
    pieces = [answer[at : at + 1] for at in range(len(answer))] if apart else [answer]
    async with RawServer(pieces) as server:
        assert await asked(server) == body


async def test_a_reply_without_a_length_lasts_until_the_connection_is_closed() -> None:
    async def closing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200\r\n\r\nall of ")
        await asyncio.sleep(0)
        writer.write(b"it")
        writer.close()

    async with RawServer(closing) as server:
        assert await asked(server) == b"all of it"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000, "no HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "another protocol"),
    ],
)
async def test_what_is_no_http_is_told(answer: bytes, words: str) -> None:
    async with RawServer(answer) as server:
        with pytest.raises(HttpError, match=f"the connection to 127.0.0.1 broke: .*{words}"):
            await asked(server)
        await server.dropped()


@pytest.mark.parametrize("answer", [CHUNKED + b"zz\r\n", CHUNKED + b"2\r\nabc\r\n"])
async def test_a_body_that_loses_its_framing_is_told_after_what_came_before(answer: bytes) -> None:
    async with RawServer(answer) as server, connections(server) as pool:
        exchange = await send(pool)
        with pytest.raises(HttpError, match="no HTTP"):
            await whole(exchange)


@pytest.mark.parametrize("encoding", [b"br", b"gzip, gzip"])
async def test_an_encoding_that_was_not_asked_for_is_told(encoding: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ncontent-length: 2\r\n\r\nok" % encoding
    async with RawServer(answer) as server:
        with pytest.raises(EncodingError, match="not asked for"):
            await asked(server)


async def test_a_small_reply_that_grows_when_decompressed_is_handed_on_in_pieces() -> None:
    async with RawServer(gzipped(bytes(5_000_000))) as server, connections(server) as pool:
        exchange = await send(pool)
        sizes = [len(chunk) async for chunk in exchange]
    assert sum(sizes) == 5_000_000
    assert max(sizes) <= 1024 * 1024


async def test_headers_are_looked_up_without_regard_to_case_and_repeated_ones_joined() -> None:
    headers = Headers([(b"Retry-After", b"1"), (b"X", b"a"), (b"x", b"\xe9")])
    assert headers["retry-after"] == headers.get("RETRY-AFTER") == "1"
    assert dict(headers) == {"retry-after": "1", "x": "a, é"}


# Connections


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with RawServer(OK) as server, connections(server) as pool:
        for _ in range(3):
            assert await whole(await send(pool)) == b"ok"
        assert server.accepted == 1
        await asyncio.gather(*(send(pool) for _ in range(5)))
        assert server.accepted == 5


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        OK + b"and more than was asked for",
    ],
)
async def test_a_connection_that_cannot_be_trusted_again_is_not_kept(answer: bytes) -> None:
    async with RawServer(answer) as server, connections(server) as pool:
        for _ in range(2):
            assert await whole(await send(pool)) == b"ok"
        assert server.accepted == 2
        await server.dropped()


async def test_words_nobody_asked_for_end_a_kept_connection() -> None:
    async def talking(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")

    async with RawServer(talking, OK) as server, connections(server) as pool:
        assert await whole(await send(pool)) == b"ok"
        await server.dropped()
        assert await whole(await send(pool)) == b"ok"
        assert server.accepted == 2


@pytest.mark.parametrize("begun", [False, True])
async def test_a_cancelled_request_drops_its_connection_and_no_other(begun: bool) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if begun:
            writer.write(CHUNKED + b"1\r\na\r\n")
        await reader.read()

    async with RawServer(silent, OK) as server, connections(server) as pool:
        task = asyncio.create_task(send_whole(pool))
        async with asyncio.timeout(60):
            while not server.requests:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        other = await send(pool)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.dropped(1)
        assert await whole(other) == b"ok"


async def send_whole(pool: Connections) -> bytes:
    return await whole(await send(pool))


async def test_leaving_a_reply_drops_its_connection() -> None:
    async with RawServer([CHUNKED, b"1\r\na\r\n"]) as server, connections(server) as pool:
        exchange = await send(pool)
        async with contextlib.aclosing(aiter(exchange)) as chunks:
            assert await anext(chunks) == b"a"
        await exchange.aclose()
        await server.dropped()
        with pytest.raises(HttpError, match="closed by us"):
            await whole(exchange)


async def test_closing_the_pool_closes_connections_at_work_and_at_rest() -> None:
    async with RawServer(OK, [CHUNKED]) as server:
        async with connections(server) as pool:
            await whole(await send(pool))
            exchange = await send(pool)
        await server.dropped()
        with pytest.raises(HttpError, match="broke: closed"):
            await whole(exchange)
        with pytest.raises(GeminiClientError, match="were closed"):
            await send(pool)


# Silence, and what only looks like it


async def test_a_request_that_is_not_taken_ends_at_the_idle_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        pool = Connections(Origin("http", "127.0.0.1", deaf.getsockname()[1]), connect_timeout=60.0, idle_timeout=0.1)
        with pytest.raises(HttpError, match=r"did not take the request for 0\.1 s") as raised:
            await send(pool, bytes(30_000_000))
        assert raised.value.status == "IDLE_TIMEOUT"
        await pool.aclose()


async def test_a_reader_who_takes_their_time_holds_the_sender_back_and_is_not_taken_for_silence() -> None:
    body = bytes(12_000_000)
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    async with RawServer(answer) as server, connections(server, idle_timeout=0.7) as pool:
        exchange = await send(pool)
        await asyncio.sleep(1)
        assert exchange._size < 4_000_000
        assert len(await whole(exchange)) == len(body)
        assert len(await whole(await send(pool))) == len(body)
        assert server.accepted == 1


async def test_a_reply_that_keeps_coming_is_not_silent_however_long_it_takes() -> None:
    async def dripping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        for _ in range(10):
            await asyncio.sleep(0.12)
            writer.write(b"x")

    async with RawServer(dripping) as server:
        assert await asked(server, idle_timeout=1) == b"x" * 10


async def test_silence_is_counted_for_each_request_of_a_connection_by_itself() -> None:
    """Its timer is that of the first request, and is moved by what is heard, and by the next request."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with RawServer(OK, OK, silent) as server, connections(server, idle_timeout=1) as pool:
        assert await whole(await send(pool)) == b"ok"
        await asyncio.sleep(1.1)  # its time is up while nothing is asked
        assert await whole(await send(pool)) == b"ok"
        await asyncio.sleep(0.2)
        began = asyncio.get_running_loop().time()
        with pytest.raises(HttpError, match=r"was silent for 1 s"):
            await send(pool)
        assert asyncio.get_running_loop().time() - began > 0.95
        assert server.accepted == 1
