"""The ways to a host: under TLS, through a proxy, or both; what is trusted is what the SDK's client trusts."""

from __future__ import annotations

import asyncio
import base64
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
import trustme

from runner.errors import GeminiClientError
from runner.models.gemini.http.connecting import Origin
from runner.models.gemini.http.connections import Connections
from runner.models.gemini.http.failures import HttpError
from runner.models.gemini.http.proxies import SocksProxyError, is_excepted, proxy_url, read_proxy
from runner.models.gemini.http.trust import ssl_context
from tests.servers.raw_http import RawServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
HEAD = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def serving(authority: trustme.CA) -> ssl.SSLContext:
    """The server's side: a certificate for localhost and its addresses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, tmp_path: Path) -> None:
    """Only the test's own authority is trusted; no proxy is set."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


async def asked(origin: Origin, head: bytes = HEAD) -> bytes:
    pool = Connections(origin, connect_timeout=60.0, idle_timeout=60.0)
    try:
        exchange = await pool.send(head, b"")
        return b"".join([chunk async for chunk in exchange])
    finally:
        await pool.aclose()


# TLS


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_trusted_host_is_talked_to_under_tls(serving: ssl.SSLContext, host: str) -> None:
    async with RawServer(OK, tls=serving) as server:
        assert await asked(Origin("https", host, server.port)) == b"ok"


async def test_http_1_1_is_what_is_asked_for(serving: ssl.SSLContext) -> None:
    agreed: list[str | None] = []

    async def noting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        agreed.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        writer.write(OK)

    async with RawServer(noting, tls=serving) as server:
        await asked(Origin("https", "127.0.0.1", server.port))
    assert agreed == ["http/1.1"]


async def test_a_certificate_for_another_name_is_refused(authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("example.org").configure_cert(context)
    async with RawServer(OK, tls=context) as server:
        with pytest.raises(HttpError, match="SSL_CERT_FILE names the certificates") as raised:
            await asked(Origin("https", "127.0.0.1", server.port))
    assert (raised.value.status, raised.value.retryable) == ("CONNECTION_FAILED", False)


async def test_a_host_that_speaks_no_tls_is_told() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        with pytest.raises(HttpError, match="cannot connect to 127"):
            await asked(Origin("https", "127.0.0.1", server.sockets[0].getsockname()[1]))


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", None])
def test_what_is_trusted_is_what_httpx2_trusts(
    variable: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "authority.pem" if variable == "SSL_CERT_FILE" else tmp_path))
    ours, theirs = ssl_context(), httpx2.create_ssl_context()
    assert ours.get_ca_certs() == theirs.get_ca_certs()
    assert (ours.verify_mode, ours.check_hostname) == (theirs.verify_mode, theirs.check_hostname)
    assert ours.minimum_version == theirs.minimum_version


async def test_certificates_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    with pytest.raises(GeminiClientError, match="check SSL_CERT_FILE"):
        await asked(Origin("https", "127.0.0.1", 1))


# Proxies


def tunnelling(answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Callable[..., Awaitable[None]]:
    """A proxy: answers CONNECT, then hands bytes on both ways."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        if b" 200 " not in answer:
            return
        there = await asyncio.open_connection("127.0.0.1", TARGETS[-1])
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    return serve


TARGETS: list[int] = []


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_tunnels_tls_and_is_told_who_asks(serving: ssl.SSLContext, scheme: str) -> None:
    async with (
        RawServer(OK, tls=serving) as server,
        RawServer(tunnelling(), tls=serving if scheme == "https" else None) as proxy,
    ):
        port = server.port
        TARGETS.append(port)
        way = read_proxy(f"{scheme}://us%40er:p%3Aw@127.0.0.1:{proxy.port}")
        assert await asked(Origin("https", "localhost", port, way)) == b"ok"
    lines = proxy.requests[0].decode().splitlines()
    assert lines[:2] == [f"CONNECT localhost:{port} HTTP/1.1", f"host: localhost:{port}"]
    assert lines[2] == f"proxy-authorization: Basic {base64.b64encode(b'us@er:p:w').decode()}"
    assert "p:w" not in repr(way)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            "407 Proxy Authentication Required",
        ),
        (b"SMTP ready\r\n\r\n", "failed: ready"),
        (b"x" * 70_000, "failed"),
    ],
)
async def test_a_proxy_that_refuses_is_told_as_such(answer: bytes, words: str) -> None:
    async with RawServer(tunnelling(answer)) as proxy:
        way = read_proxy(f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(HttpError, match="the proxy on the way to gemini failed") as raised:
            await asked(Origin("https", "gemini", 443, way))
    assert words in str(raised.value)


async def test_a_proxy_that_is_not_there_is_told_as_such() -> None:
    way = read_proxy("http://127.0.0.1:1")
    with pytest.raises(HttpError, match="the proxy on the way to gemini failed: cannot connect to 127"):
        await asked(Origin("https", "gemini", 443, way))


@pytest.mark.parametrize(
    ("environment_says", "url"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "p:1"}, "http://p:1"),
        ({"ALL_PROXY": "socks5://p:1"}, "socks5://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.org, googleapis.com"}, None),
        ({"HTTPS_PROXY": "", "ALL_PROXY": "http://p:2"}, "http://p:2"),
    ],
)
def test_the_environment_names_the_proxy(
    environment_says: dict[str, str], url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_says.items():
        monkeypatch.setenv(name, value)
    assert proxy_url("https", "generativelanguage.googleapis.com", 443) == url


@pytest.mark.parametrize(
    ("exceptions", "host", "excepted"),
    [
        ("", "a.org", False),
        ("*", "a.org", True),
        ("b.org,*", "a.org", True),
        ("a.org", "a.org", True),
        ("a.org", "x.A.org.", True),
        ("a.org", "xa.org", False),
        (".a.org", "x.a.org", True),
        (".a.org", "a.org", False),
        ("*.a.org", "x.a.org", True),
        ("a.org:443", "a.org", True),
        ("a.org:80", "a.org", False),
        ("https://a.org", "a.org", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.10", False),
        ("10.0.0.0/8", "10.200.3.4", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/99", "10.0.0.1", False),
        ("::1", "::1", True),
        ("[::1]", "::1", True),
        ("fe80::/10", "fe80::2", True),
        ("localhost", "localhost", True),
        ("10.0.0.0/8", "a.org", False),
    ],
)
def test_no_proxy_names_hosts_networks_and_suffixes(exceptions: str, host: str, excepted: bool) -> None:
    assert is_excepted(host, 443, exceptions) is excepted


@pytest.mark.parametrize("url", ["ftp://p:1", "http://", "http://[::1", "http://p:x"])
def test_a_proxy_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(GeminiClientError, match="of the environment cannot be used"):
        read_proxy(url)
    with pytest.raises(SocksProxyError, match='use the transport "sdk"'):
        read_proxy("socks5h://user:secret@p:1")


# Whole processes

ASK = """
import asyncio, os, sys
sys.path.insert(0, {root!r})
from runner.models.gemini import GeminiModel
from runner.messages import ChatMessage
from runner.requests import GenerateContentRequest
model = GeminiModel()
async def ask():
    asyncio.get_running_loop().slow_callback_duration = 3600  # in development mode a busy machine is warned of
    request = GenerateContentRequest(model=model.name, messages=[ChatMessage.user("Hi")])
    return [part async for part in model.generate(request) if isinstance(part, dict)]
"""


def run(code: str, env: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    script = ASK.format(root=str(ROOT)) + code
    bare = {"PATH": "/usr/bin:/bin", "GEMINI_API_KEY": "k", "NO_PROXY": "*"}
    return subprocess.run(
        [sys.executable, *options, "-c", script], env=bare | env, capture_output=True, text=True, check=False
    )


REPLY = b'data: {"candidates":[{"content":{"parts":[{"text":"hello"}]},"finishReason":"STOP"}]}\n\n'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(REPLY), REPLY)


async def test_a_process_that_closes_nothing_ends_without_a_warning() -> None:
    async with RawServer(ANSWER) as server:
        env = {"GOOGLE_GEMINI_BASE_URL": server.url}
        for code in ("print(asyncio.run(ask()))", "print(asyncio.run(ask())); print(asyncio.run(ask()))"):
            done = await asyncio.to_thread(run, code, env, "-X", "dev", "-W", "error")
            assert (done.returncode, done.stderr) == (0, "")
            assert set(done.stdout.splitlines()) == {"[{'text': 'hello'}]"}


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the system has no fork")
async def test_a_model_that_was_used_before_a_fork_works_on_both_sides() -> None:
    code = """
print(asyncio.run(ask()), flush=True)
child = os.fork()
print(asyncio.run(ask()), flush=True)
if child == 0:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(asyncio.run(ask()))
"""
    async with RawServer(ANSWER) as server:
        done = await asyncio.to_thread(run, code, {"GOOGLE_GEMINI_BASE_URL": server.url})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["[{'text': 'hello'}]"] * 4


async def test_with_a_key_nothing_of_google_and_no_second_http_client_is_imported() -> None:
    code = """
asyncio.run(ask())
foreign = ("google", "httpx2", "requests", "pydantic", "aiohttp", "h11", "certifi", "truststore", "urllib.request")
print([name for name in foreign if name in sys.modules])
"""
    async with RawServer(ANSWER) as server:
        done = await asyncio.to_thread(run, code, {"GOOGLE_GEMINI_BASE_URL": server.url})
    assert done.stdout.strip() == "[]", done.stderr
