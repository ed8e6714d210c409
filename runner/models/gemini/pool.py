"""Connections: one httpx2 pool for each event loop, so that a model may be used from several.

Imported only by transports, when they are first used.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import httpx2

from runner.errors import GeminiClientError
from runner.loops import PerLoop

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Mapping


_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30)


class HttpReply:
    """A `ByteStream` over an httpx2 response."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, looked up without regard to case."""
        return self._response.headers

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        async for chunk in self._response.aiter_bytes():
            yield chunk

    async def aclose(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""
        await self._response.aclose()


class Pool:
    """Sends requests over the running loop's connections. Redirects are not followed: they would take the key along.

    Connections are closed by `aclose`; failing that, when the pool is garbage or its loop ends.
    """

    def __init__(self, *, connect_timeout: float, idle_timeout: float) -> None:
        self._timeout = httpx2.Timeout(idle_timeout, connect=connect_timeout, pool=connect_timeout)
        self.trust = _trusted()
        self._clients = PerLoop(partial(_client, self.trust, self._timeout), GeminiClientError)

    async def send(self, request: httpx2.Request, *, stream: bool) -> httpx2.Response:
        """Send with our timeouts, whatever the request was built with."""
        request.extensions = {**request.extensions, "timeout": self._timeout.as_dict()}
        client = self._clients.known() or await self._clients.made()
        return await client.send(request, stream=stream)

    async def aclose(self) -> None:
        """Close the connections of every loop that still runs; those of closed loops are gone."""
        await self._clients.aclose()


def _client(trust: ssl.SSLContext, timeout: httpx2.Timeout) -> tuple[httpx2.AsyncClient, AsyncGenerator[None, None]]:
    client = httpx2.AsyncClient(verify=trust, timeout=timeout, limits=_LIMITS, follow_redirects=False)
    return client, _held_open(client)


def _trusted() -> ssl.SSLContext:
    try:
        return httpx2.create_ssl_context()
    except OSError as error:
        words = f"the certificates to trust cannot be read ({error}); check SSL_CERT_FILE and SSL_CERT_DIR"
        raise GeminiClientError(words) from error


async def _held_open(client: httpx2.AsyncClient) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.aclose()
