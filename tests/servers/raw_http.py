"""A server of exact bytes: what it answers is written by the test, down to the status line.

    async with RawServer(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nhi") as server:
        ...                                              # one answer a request, the last one again and again
        assert server.requests[0].startswith(b"POST /")
        await server.dropped(1)                          # connections that the client has closed or reset

An answer may also be a list of pieces, sent apart, or a coroutine function `(reader, writer)` that does as it likes
after the request was read. It runs in the test's own loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

Answer = bytes | Sequence[bytes] | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.accepted = 0
        self.open = 0
        self._answers = list(answers)
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def dropped(self, left: int = 0) -> None:
        """Wait until only `left` connections are open."""
        async with asyncio.timeout(60):
            while self.open > left:
                await asyncio.sleep(0.005)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        self.open += 1
        try:
            while head := await self._request(reader):
                self.requests.append(head)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                await self._answer(answer, reader, writer)
            await reader.read()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _request(self, reader: asyncio.StreamReader) -> bytes:
        head = b""
        with contextlib.suppress(asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            return head + await reader.readexactly(int(length or 0))
        return b""

    async def _answer(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if callable(answer):
            await answer(reader, writer)
            return
        for piece in [answer] if isinstance(answer, bytes) else answer:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
