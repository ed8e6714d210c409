"""How a connection is made: to an origin itself, or through a proxy; in the clear, or under TLS."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from runner.errors import GeminiClientError
from runner.models.gemini.http.connection import Connection
from runner.models.gemini.http.failures import HttpError, connection_failed
from runner.models.gemini.http.trust import ssl_context

if TYPE_CHECKING:
    import ssl

    from runner.models.gemini.http.connection import Home
    from runner.models.gemini.http.proxies import Proxy

_MAX_ANSWER = 64 * 1024


class Origin:
    """A scheme, a host and a port, and the proxy on the way there."""

    def __init__(self, scheme: str, host: str, port: int, proxy: Proxy | None = None) -> None:
        self.scheme, self.host, self.port, self.proxy = scheme, host, port, proxy
        self._context: ssl.SSLContext | None = None
        self._reading = threading.Lock()

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_forwarded(self) -> bool:
        """Whether a proxy reads the request itself, which then names the whole URL."""
        return self.proxy is not None and self.scheme == "http"

    async def trust(self) -> ssl.SSLContext:
        """The certificates to trust; read once, in a thread."""
        return await asyncio.to_thread(self.read_trust) if self._context is None else self._context

    def read_trust(self) -> ssl.SSLContext:
        """The certificates to trust; raises GeminiClientError."""
        with self._reading:
            if self._context is None:
                try:
                    self._context = ssl_context()
                except OSError as error:
                    words = f"the certificates to trust cannot be read ({error}); check SSL_CERT_FILE and SSL_CERT_DIR"
                    raise GeminiClientError(words) from error
            return self._context


async def connected(origin: Origin, home: Home, patience: float) -> Connection:
    """A new connection, ready for a request, within `patience` seconds; raises HttpError."""
    trust = await origin.trust() if "https" in {origin.scheme, origin.proxy and origin.proxy.scheme} else None
    try:
        async with asyncio.timeout(patience):
            if origin.proxy is None:
                return await _direct(origin, home, trust)
            return await _by_proxy(origin, origin.proxy, home, trust)
    except TimeoutError as error:
        raise HttpError("CONNECT_TIMEOUT", f"no connection to {origin.host} within {patience} s") from error
    except UnicodeError as error:
        raise GeminiClientError(f"the base URL of Gemini is not usable: no host is named {origin.host!r}") from error
    except OSError as error:  # ssl's errors too
        raise connection_failed(origin.host, error) from error


async def _direct(origin: Origin, home: Home, trust: ssl.SSLContext | None) -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: Connection(origin.host, home), origin.host, origin.port, ssl=trust, **_racing(loop)
    )
    return connection


async def _by_proxy(origin: Origin, proxy: Proxy, home: Home, trust: ssl.SSLContext | None) -> Connection:
    loop = asyncio.get_running_loop()
    to_proxy = trust if proxy.scheme == "https" else None
    try:
        transport, tunnel = await loop.create_connection(_Tunnel, proxy.host, proxy.port, ssl=to_proxy, **_racing(loop))
    except OSError as error:
        raise _proxy_failed(origin, connection_failed(proxy.host, error)) from error
    connection = Connection(origin.host, home)
    try:
        if origin.is_forwarded:
            transport.set_protocol(connection)
            connection.connection_made(transport)
            return connection
        await tunnel.dig(origin, proxy)
        secured = await loop.start_tls(transport, connection, trust, server_hostname=origin.host)  # type: ignore[arg-type]  # https, so trust is there
    except BaseException:
        transport.abort()
        raise
    if secured is None:
        raise ConnectionResetError("closed during the TLS handshake")
    connection.connection_made(secured)
    return connection


class _Tunnel(asyncio.Protocol):
    """The first words to a proxy: CONNECT, and its answer."""

    def __init__(self) -> None:
        self._answer = bytearray()
        self._loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[bytes] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:  # asyncio's base has a narrower transport
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if (b"\r\n\r\n" in self._answer or len(self._answer) > _MAX_ANSWER) and not self._answered.done():
            self._answered.set_result(bytes(self._answer.split(b"\r\n", 1)[0]))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answered.done():
            self._answered.set_result(b"")

    async def dig(self, origin: Origin, proxy: Proxy) -> None:
        """Ask for a way to the origin; raises HttpError where the proxy refuses."""
        authorization = f"proxy-authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
        head = f"CONNECT {origin.authority} HTTP/1.1\r\nhost: {origin.authority}\r\n{authorization}\r\n"
        assert self._transport is not None  # noqa: S101  # for the type checker: connected before
        self._transport.write(head.encode("latin-1"))
        status = (await self._answered).split(None, 2)
        if len(status) < 2 or not status[0].startswith(b"HTTP/") or status[1] != b"200":
            said = b" ".join(status[1:])[:100].decode("ascii", "replace") or "it closed the connection"
            raise _proxy_failed(origin, said)


def _proxy_failed(origin: Origin, why: HttpError | str) -> HttpError:
    return HttpError("CONNECTION_FAILED", f"the proxy on the way to {origin.host} failed: {why}")


def _racing(loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
    """IPv6 and IPv4 are tried side by side where the loop can: uvloop has no such option."""
    return {"happy_eyeballs_delay": 0.25} if isinstance(loop, asyncio.BaseEventLoop) else {}
