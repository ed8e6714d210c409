"""Which HTTP client should carry a request to Gemini? CPU, import time and memory of each, against one local server.

    python -m benchmarks.http_clients [client ...] [--requests 400] [--tls]

Each client runs in a process of its own; one that is not installed is named and skipped. The server is a process too
and answers every POST with the same five server-sent events, written one by one. CPU is that of the client's whole
process, its threads included, and the bodies are already encoded: only HTTP is measured. Medians of `--rounds` runs;
the clients take turns. `--tls` needs trustme.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.metadata
import json
import os
import resource
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
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
TEXT = '{"candidates":[{"content":{"role":"model","parts":[{"text":"It will rain in Paris."}]},"index":0}]}'
EVENT = f"data: {TEXT}\r\n\r\n".encode()


def authority() -> str | None:
    """The file of the only certificate to trust, under TLS."""
    return os.environ.get("SSL_CERT_FILE") if "--tls" in sys.argv else None


def authority_pem() -> bytes:
    file = authority()
    return Path(file).read_bytes() if file else b""


def trust() -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=authority()) if authority() else None


# Clients: an async context manager that gives `post(url, headers, body) -> async context manager of chunks`.


@contextlib.asynccontextmanager
async def with_agent_run() -> AsyncGenerator[Post, None]:
    """The client of the direct transport: asyncio and httptools."""
    from runner.models.gemini.http.connecting import Origin
    from runner.models.gemini.http.connections import Connections

    pools: dict[str, Connections] = {}

    @contextlib.asynccontextmanager
    async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
        where = urlsplit(url)
        if where.netloc not in pools:
            origin = Origin(where.scheme, str(where.hostname), int(where.port or 0))
            pools[where.netloc] = Connections(origin, connect_timeout=10, idle_timeout=60)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {PATH} HTTP/1.1\r\nhost: {where.netloc}\r\n{lines}content-length: {len(body)}\r\n\r\n"
        reply = await pools[where.netloc].send(head.encode(), body)
        try:
            yield aiter(reply)
        finally:
            await reply.aclose()

    yield post
    for pool in pools.values():
        await pool.aclose()


@contextlib.asynccontextmanager
async def with_pyqwest() -> AsyncGenerator[Post, None]:
    from pyqwest import Headers, HTTPTransport, Request

    certificates = authority_pem() or None
    transport = HTTPTransport(
        tls_include_system_certs=not certificates,
        tls_ca_cert=certificates,
        read_timeout=60,
        follow_redirects=False,
        enable_otel=False,
        use_system_dns=True,
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

    builder = ClientBuilder().read_timeout(timedelta(seconds=60)).follow_redirects(False)
    if authority():
        builder = builder.add_root_certificate_pem(authority_pem())
    client = builder.build()

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
    connector = aiohttp.TCPConnector(ssl=trust() or True)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True, connector=connector) as session:

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

    async with httpcore2.AsyncConnectionPool(ssl_context=trust()) as pool:

        @contextlib.asynccontextmanager
        async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
            fields = [("host", urlsplit(url).netloc), ("content-length", str(len(body))), *headers.items()]
            async with pool.stream("POST", url, headers=fields, content=body) as response:
                yield response.aiter_stream()

        yield post


@contextlib.asynccontextmanager
async def with_primp() -> AsyncGenerator[Post, None]:
    import primp

    client = primp.AsyncClient(timeout=60, follow_redirects=False, ca_cert_file=authority())

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
    context = trust()

    @contextlib.asynccontextmanager
    async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
        where = urlsplit(url)
        if idle:
            connection, reader, writer = idle.pop()
        else:
            connection = h11.Connection(h11.CLIENT)
            reader, writer = await asyncio.open_connection(where.hostname, where.port, ssl=context)
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
    context = trust()

    @contextlib.asynccontextmanager
    async def post(url: str, headers: dict[str, str], body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
        where = urlsplit(url)
        reader, writer = idle.pop() if idle else await asyncio.open_connection(where.hostname, where.port, ssl=context)
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
    "agent-run": ("runner.models.gemini.http.connections", with_agent_run),
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


async def serve(certificate: str) -> None:
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=512, ssl=tls)
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
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return name


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
    options = options_of(sys.argv[1:])
    if options.serve is not None:
        asyncio.run(serve(options.serve))
    elif options.client_process:
        client_process(*options.client_process, options.requests)
    else:
        compare(options)


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http_clients", description=__doc__.split("\n")[0])
    parser.add_argument("clients", nargs="*", help=f"of {', '.join(CLIENTS)}")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tls", action="store_true", help="under TLS, as Gemini is")
    parser.add_argument("--client-process", nargs=2, metavar=("NAME", "URL"), help=argparse.SUPPRESS)
    parser.add_argument("--serve", metavar="CERTIFICATE", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def compare(options: argparse.Namespace) -> None:
    me = [sys.executable, "-m", "benchmarks.http_clients", *(["--tls"] if options.tls else [])]
    with tempfile.TemporaryDirectory() as folder:
        certificate = certificates(Path(folder)) if options.tls else ""
        env = os.environ | ({"SSL_CERT_FILE": f"{folder}/authority.pem"} if options.tls else {})
        with subprocess.Popen([*me, "--serve", certificate], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            scheme = "https" if options.tls else "http"
            url = f"{scheme}://127.0.0.1:{server.stdout.readline().strip()}{PATH}"
            runs: dict[str, list[dict[str, Any]]] = {name: [] for name in options.clients or CLIENTS}
            for _ in range(options.rounds):
                for name, measurements in runs.items():
                    command = [*me, "--client-process", name, url, "--requests", str(options.requests)]
                    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
                    measurements.append(json.loads(done.stdout))
            server.terminate()
    print("CPU ms but for the last two columns\n")
    print("| client | " + " | ".join(COLUMNS.values()) + " |\n| --- |" + " ---: |" * len(COLUMNS))
    for name, measurements in runs.items():
        print(line(name, measurements))


def line(name: str, runs: list[dict[str, Any]]) -> str:
    if "missing" in runs[0]:
        return f"| {name} | not installed: {runs[0]['missing']} |"
    cells = [f"{statistics.median(run[key] for run in runs):.2f}" for key in COLUMNS]
    return f"| {version(name)} | " + " | ".join(cells) + " |"


def certificates(folder: Path) -> str:
    """The file of a server's certificate; its authority's stands beside it."""
    import trustme

    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued = ca.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    return str(folder / "server.pem")


if __name__ == "__main__":
    main()
