"""HTTP/1.1 by hand: Content-Length or chunked requests, keep-alive, chunked replies, head and body in one send."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

MAX_HEAD = 64 * 1024
MAX_BODY = 256 * 1024 * 1024


@dataclass(slots=True)
class HttpRequest:
    """A whole request; header names are in lower case, the last of equal ones wins."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass(slots=True, kw_only=True)
class HttpAnswer:
    """What to send: `pieces` are (seconds to wait before, bytes); `length` None: chunked.

    `end`: keep the connection, close it, reset it, or leave it open and say nothing more. `hang` without pieces sends
    not even a head. `apart`: every piece is a send of its own. `done` is told how it went: "sent", "cut", "gone".
    """

    status: int = 200
    content_type: str = "application/json; charset=UTF-8"
    headers: list[tuple[str, str]] = field(default_factory=list)
    pieces: list[tuple[float, bytes]]
    length: int | None = None
    end: Literal["keep", "close", "reset", "hang"] = "keep"
    delay: float = 0.0
    apart: bool = False
    done: Callable[[str], None] | None = None

    def head(self) -> bytes:
        phrase = HTTPStatus(self.status).phrase if self.status in HTTPStatus._value2member_map_ else "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}", f"Content-Type: {self.content_type}", "Server: tests.servers"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append("Transfer-Encoding: chunked" if self.length is None else f"Content-Length: {self.length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def framed(self, data: bytes) -> bytes:
        if self.length is not None:
            return data
        return b"%x\r\n%b\r\n" % (len(data), data) if data else b""

    def tail(self) -> bytes:
        return b"0\r\n\r\n" if self.length is None and self.end == "keep" else b""


Handler = Callable[[HttpRequest], HttpAnswer]


class BadRequestError(Exception):
    """Bytes that are not an HTTP request this server reads."""


class HttpProtocol(asyncio.Protocol):
    """One connection; requests are answered one after another."""

    def __init__(self, handler: Handler, connections: dict[int, HttpProtocol], number: int) -> None:
        self._handler = handler
        self._connections = connections
        self._number = number
        self._buffer = bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._answer: HttpAnswer | None = None
        self._transport: asyncio.Transport | None = None
        self._last = False

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections[self._number] = self
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.pop(self._number, None)
        if self._task is not None:
            self._task.cancel()
        if self._answer is not None and self._answer.done is not None:
            self._answer.done("gone")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._answer is None:
            self._serve()

    def _serve(self) -> None:
        while self._answer is None and not self.transport.is_closing():
            try:
                request = self._next_request()
            except BadRequestError as wrong:
                body = str(wrong).encode()
                self._begin(
                    HttpAnswer(
                        status=400, content_type="text/plain", pieces=[(0.0, body)], length=len(body), end="close"
                    )
                )
                return
            if request is None:
                return
            self._begin(self._handler(request))

    # Requests

    def _next_request(self) -> HttpRequest | None:
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD:
                    raise BadRequestError("the head is too long")
                return None
            self._head = parsed_head(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            if self._head[2].get("expect", "").lower() == "100-continue":
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        method, target, headers = self._head
        body = self._body(headers)
        if body is None:
            return None
        self._head = None
        self._last = headers.get("connection", "").lower() == "close"
        return HttpRequest(method, target, headers, body, self._number)

    def _body(self, headers: dict[str, str]) -> bytes | None:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunked_body()
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            raise BadRequestError("Content-Length is wrong")
        count = int(length)
        if len(self._buffer) < count:
            return None
        body = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        return body

    def _chunked_body(self) -> bytes | None:
        chunks: list[bytes] = []
        at = 0
        while True:
            line = self._buffer.find(b"\r\n", at)
            if line < 0:
                return None
            try:
                size = int(bytes(self._buffer[at:line]).split(b";")[0], 16)
            except ValueError:
                raise BadRequestError("a chunk's size is wrong") from None
            end = line + 2 + size + 2
            if len(self._buffer) < end:
                return None
            if size == 0:
                del self._buffer[:end]
                return b"".join(chunks)
            chunks.append(bytes(self._buffer[line + 2 : end - 2]))
            at = end

    # Answers

    def _begin(self, answer: HttpAnswer) -> None:
        self._answer = answer
        waits = answer.delay or answer.apart or any(delay for delay, _ in answer.pieces)
        if waits and (answer.pieces or answer.end != "hang"):
            self._task = asyncio.get_running_loop().create_task(self._send_slowly(answer))
            return
        if answer.end == "hang":
            if answer.pieces:
                self.transport.write(answer.head() + b"".join([answer.framed(data) for _, data in answer.pieces]))
            return
        body = b"".join([answer.framed(data) for _, data in answer.pieces])
        self._tell(answer)
        self.transport.write(answer.head() + body + answer.tail())
        self._end(answer)

    async def _send_slowly(self, answer: HttpAnswer) -> None:
        if answer.delay:
            await asyncio.sleep(answer.delay)
        head = answer.head()
        *pieces, last = answer.pieces or [(0.0, b"")]
        for delay, data in pieces:
            await self._wait(delay, head)
            self.transport.write((b"" if delay else head) + answer.framed(data))
            head = b""
        delay, data = last
        await self._wait(delay, head)
        if answer.end != "hang":
            self._tell(answer)
        self.transport.write((b"" if delay else head) + answer.framed(data) + answer.tail())
        self._task = None
        if answer.end != "hang":
            self._end(answer)
            self._serve()

    async def _wait(self, delay: float, head: bytes) -> None:
        """Wait before a piece; the head does not wait with it."""
        if delay and head:
            self.transport.write(head)
        await asyncio.sleep(delay)

    def _tell(self, answer: HttpAnswer) -> None:
        """Report the end just before the last bytes leave: who has read them finds it reported."""
        if answer.done is not None:
            answer.done("sent" if answer.end == "keep" else "cut")
            answer.done = None

    def _end(self, answer: HttpAnswer) -> None:
        self._answer = None
        if answer.end == "reset":
            reset(self.transport)
        elif answer.end == "close" or self._last:
            self.transport.close()


def parsed_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Return method, target and headers."""
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequestError("the request line is wrong")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise BadRequestError("a header line is wrong")
        headers[name.lower()] = value.strip()
    return words[0], words[1], headers


def reset(transport: asyncio.Transport) -> None:
    """Close with RST."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
