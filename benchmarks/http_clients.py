"""Which HTTP client should carry a request to Gemini? CPU, import time and memory of each, against one local server.

    python benchmarks/http_clients.py [client ...] [--requests 400]

Each client runs in a process of its own; one that is not installed is named and skipped. The server is a process too
and answers every POST with the same five server-sent events, written one by one. CPU is that of the client's whole
process, its threads included, and the bodies are already encoded: only HTTP is measured. Medians of `--rounds` runs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.metadata
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    Post = Callable[[str, dict[str, str], bytes], AbstractAsyncContextManager[AsyncIterator[bytes]]]

SMALL = json.dumps({"contents": [{"role": "user", "parts": [{"text": "Will it rain in Paris?"}]}]}).encode()
LARGE = json.dumps({"contents": [{"role": "user", "parts": [{"text": "x" * 900}]}] * 400}).encode()
HEADERS = {"content-type": "application/json", "x-goog-api-key": "key"}
PATH = "/v1/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
EVENT = b'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"It will rain in Paris."}]},"index":0}]}\r\n\r\n'
DISTRIBUTIONS = {"h11": "h11", "socket": None}


# Clients: an async context manager that gives `post(url, headers, body) -> async context manager of chunks`.


@contextlib.asynccontextmanager
async def with_pyqwest() -> AsyncGenerator[Post, None]:
    from pyqwest import Headers, HTTPTransport, Request

    transport = HTTPTransport(
        tls_include_system_certs=True, read_timeout=60, follow_redirects=False, enable_otel=False, use_system_dns=True
    )

    @contextlib.asynccontextmanager
    async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[Any], None]:
        response = await transport.execute(Request("POST", url, headers=Headers(headers), content=body))
        try:
            yield response.content
        finally:
            await response.aclose()

    yield post
    await transport.aclose()


@contextlib.asynccontextmanager
async def with_pyreqwest() -> AsyncGenerator[Post, None]:
    from datetime import timedelta

    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().read_timeout(timedelta(seconds=60)).follow_redirects(False).build()

    @contextlib.asynccontextmanager
    async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[Any], None]:
        request = client.post(url).headers(headers).body_bytes(body).streamed_read_buffer_limit(0).build_streamed()
        async with request as response:
            reader = response.body_reader

            async def chunks() -> AsyncGenerator[Any, None]:
                while (chunk := await reader.read_chunk()) is not None:
                    yield chunk

            yield chunks()

    yield post
    await client.close()


@contextlib.asynccontextmanager
async def with_aiohttp() -> AsyncGenerator[Post, None]:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:

        @contextlib.asynccontextmanager
        async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
            async with session.post(url, headers=headers, data=body, allow_redirects=False) as response:
                yield response.content.iter_any()

        yield post


@contextlib.asynccontextmanager
async def with_httpx2() -> AsyncGenerator[Post, None]:
    import httpx2

    async with httpx2.AsyncClient(timeout=60) as client:

        @contextlib.asynccontextmanager
        async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
            async with client.stream("POST", url, headers=headers, content=body) as response:
                yield response.aiter_bytes()

        yield post


@contextlib.asynccontextmanager
async def with_httpcore2() -> AsyncGenerator[Post, None]:
    """What httpx2 stands on: pool, proxies, TLS and h11, without httpx2's models."""
    import httpcore2

    async with httpcore2.AsyncConnectionPool() as pool:

        @contextlib.asynccontextmanager
        async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
            fields = [("host", urlsplit(url).netloc), ("content-length", str(len(body))), *headers.items()]
            async with pool.stream("POST", url, headers=fields, content=body) as response:
                yield response.aiter_stream()

        yield post


@contextlib.asynccontextmanager
async def with_primp() -> AsyncGenerator[Post, None]:
    import primp

    client = primp.AsyncClient(timeout=60, follow_redirects=False)

    @contextlib.asynccontextmanager
    async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
        response = await client.post(url, headers=headers, content=body, stream=True)
        yield response.aiter_bytes()

    yield post


@contextlib.asynccontextmanager
async def with_h11() -> AsyncGenerator[Post, None]:
    """A thin client: asyncio streams, and h11 for the protocol."""
    import h11

    idle: list[tuple[Any, asyncio.StreamReader, asyncio.StreamWriter]] = []

    @contextlib.asynccontextmanager
    async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
        where = urlsplit(url)
        if idle:
            connection, reader, writer = idle.pop()
        else:
            connection = h11.Connection(h11.CLIENT)
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
        fields = [("host", where.netloc), ("content-length", str(len(body))), *headers.items()]
        request = h11.Request(method="POST", target=f"{where.path}?{where.query}", headers=fields)
        writer.write(connection.send(request))
        writer.write(connection.send(h11.Data(data=body)))
        writer.write(connection.send(h11.EndOfMessage()))
        await writer.drain()

        async def chunks() -> AsyncGenerator[bytes, None]:
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(65536))
                elif isinstance(event, h11.Data):
                    yield bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    return

        yield chunks()
        connection.start_next_cycle()
        idle.append((connection, reader, writer))

    yield post
    for _, _, writer in idle:
        writer.close()


@contextlib.asynccontextmanager
async def with_socket() -> AsyncGenerator[Post, None]:
    """The floor: asyncio streams, and no protocol but looking for the last chunk."""
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    @contextlib.asynccontextmanager
    async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
        where = urlsplit(url)
        reader, writer = idle.pop() if idle else await asyncio.open_connection(where.hostname, where.port)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {where.path}?{where.query} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
        writer.writelines([head.encode(), body])
        await writer.drain()

        async def chunks() -> AsyncGenerator[bytes, None]:
            chunk = b""
            while not chunk.endswith(b"0\r\n\r\n"):
                chunk = await reader.read(65536)
                yield chunk

        yield chunks()
        idle.append((reader, writer))

    yield post
    for _, writer in idle:
        writer.close()


CLIENTS: dict[str, tuple[str, Callable[[], AbstractAsyncContextManager[Post]]]] = {
    "pyqwest": ("pyqwest", with_pyqwest),
    "pyreqwest": ("pyreqwest.client", with_pyreqwest),
    "aiohttp": ("aiohttp", with_aiohttp),
    "httpx2": ("httpx2", with_httpx2),
    "httpcore2": ("httpcore2", with_httpcore2),
    "primp": ("primp", with_primp),
    "h11": ("h11", with_h11),
    "socket": ("asyncio", with_socket),
}


# The server


class Answering(asyncio.Protocol):
    def __init__(self) -> None:
        self.buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(rest) < length:
            return
        self.buffer.clear()
        asyncio.get_running_loop().create_task(self.answer())

    async def answer(self) -> None:
        write = self.transport.write
        write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(5):
            write(b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
            await asyncio.sleep(0)
        write(b"0\r\n\r\n")


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# Measuring


async def ask(post: Post, url: str, body: bytes) -> None:
    size = 0
    async with post(url, HEADERS, body) as chunks:
        async for chunk in chunks:
            size += len(chunk)
    assert size >= 5 * len(EVENT), size


async def measured(name: str, url: str, count: int) -> dict[str, float]:
    told: dict[str, float] = {}
    async with CLIENTS[name][1]() as post:
        began = time.process_time()
        await ask(post, url, SMALL)
        told["first"] = (time.process_time() - began) * 1000
        for kind, body, at_once, number in (
            ("small", SMALL, 1, count),
            ("large", LARGE, 1, count // 4),
            ("many", SMALL, 50, count),
        ):
            for _ in range(5):
                await ask(post, url, body)
            gate = asyncio.Semaphore(at_once)

            async def one(body: bytes = body, gate: asyncio.Semaphore = gate) -> None:
                async with gate:
                    await ask(post, url, body)

            began, clock = time.process_time(), time.perf_counter()
            if at_once == 1:
                for _ in range(number):
                    await ask(post, url, body)
            else:
                await asyncio.gather(*(one() for _ in range(number)))
            told[kind] = (time.process_time() - began) * 1000 / number
            told[f"{kind}_wall"] = (time.perf_counter() - clock) * 1000 / number
    return told


def client_process(name: str, url: str, count: int) -> None:
    """In a process of its own: import, ask, print what it cost."""
    began = time.process_time()
    try:
        __import__(CLIENTS[name][0])
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    imported = (time.process_time() - began) * 1000
    told = asyncio.run(measured(name, url, count))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"import": imported, "peak": peak, **told}))


def version(name: str) -> str:
    distribution = DISTRIBUTIONS.get(name, name)
    return importlib.metadata.version(distribution) if distribution else f"python {sys.version.split()[0]}"


COLUMNS = {
    "import": "import",
    "first": "first request",
    "small": "small request",
    "large": "360 kB request",
    "many": "one of 50 at once",
    "small_wall": "small, wall",
    "peak": "peak MiB",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clients", nargs="*", default=[], help=f"of {', '.join(CLIENTS)}")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client-process", nargs=2, metavar=("NAME", "URL"), help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    if options.client_process:
        client_process(*options.client_process, options.requests)
        return
    me = [sys.executable, __file__]
    with subprocess.Popen([*me, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}{PATH}"
        print("CPU ms but for the last two columns\n")
        print("| client | " + " | ".join(COLUMNS.values()) + " |\n| --- |" + " --- |" * len(COLUMNS))
        for name in options.clients or CLIENTS:
            runs = []
            for _ in range(options.rounds):
                command = [*me, "--client-process", name, url, "--requests", str(options.requests)]
                runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            if "missing" in runs[0]:
                print(f"| {name} | not installed: {runs[0]['missing']} |")
                continue
            cells = [f"{statistics.median(run[key] for run in runs):.2f}" for key in COLUMNS]
            print(f"| {name} {version(name)} | " + " | ".join(cells) + " |", flush=True)
        server.terminate()


if __name__ == "__main__":
    main()
