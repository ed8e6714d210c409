"""The transport that posts the request itself: no SDK, no conversion, one pooled HTTP client.

Addresses, versions and authentication are google-genai's (`urls`, `authentication`). HTTP/1.1, keep-alive, proxies of
the environment but SOCKS, TLS with the certificates that httpx2 trusts.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from runner.models.gemini.authentication import GoogleCredentials
from runner.models.gemini.http.connections import Connections
from runner.models.gemini.http.proxies import PORTS, SocksProxyError, basic
from runner.models.gemini.urls import endpoint, origin
from runner.models.gemini.wording import invalid_http
from runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.models.gemini.http.exchange import Exchange
    from runner.models.gemini.options import SdkOptions
    from runner.requests import GenerateContentRequest

__all__ = ["DirectTransport", "SocksProxyError"]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OURS = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding")
"""Headers that are not the caller's to set: they frame the request or choose what we can decode."""
_MAX_HEADS = 100


class DirectTransport:
    """Sends requests with what is given and found in the environment when it is made.

    Making one may look for Google's default credentials, which blocks; raises MissingKeyError and GeminiClientError.
    """

    def __init__(self, options: SdkOptions) -> None:
        self._google = GoogleCredentials()
        self._endpoint = endpoint(options, os.environ, self._google.project)
        self._connections = Connections(
            origin(self._endpoint.base_url),
            connect_timeout=options.connect_timeout,
            idle_timeout=options.idle_timeout,
        )
        self._fields = _fields(self._common_headers(options.headers))
        self._heads: dict[str, bytes] = {}
        self.secrets = {self._endpoint.api_key or ""}

    async def post(self, request: GenerateContentRequest) -> Exchange:
        """Send the request's own JSON text; the reply is a `ByteStream`."""
        head = self._heads.get(request.model) or self._head(request.model)
        signed = await self._signed() if self._endpoint.needs_google_credentials else b""
        body = request.encoded().encode("ascii")
        return await self._connections.send(b"%b%bcontent-length: %d\r\n\r\n" % (head, signed, len(body)), body)

    def prepare(self) -> None:
        """Read what the first connection would have to wait for: the certificates."""
        if self._connections.origin.scheme == "https":
            self._connections.origin.read_trust()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connections.aclose()

    def _head(self, model: str) -> bytes:
        """The request's first lines, the same for every request to this model."""
        url = urlsplit(self._endpoint.url(model))
        where = self._connections.origin
        shown = where.authority.removesuffix(f":{PORTS[where.scheme]}")
        target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        proxied: dict[str, str] = {}
        if where.proxy is not None and where.is_forwarded:
            target = f"{where.scheme}://{shown}{target}"
            if where.proxy.authorization:
                proxied["proxy-authorization"] = where.proxy.authorization
        if not re.fullmatch(r"[\x21-\x7e]+", target):
            raise invalid_http()
        head = f"POST {target} HTTP/1.1\r\n".encode("ascii") + _fields({"host": shown, **proxied}) + self._fields
        if len(self._heads) >= _MAX_HEADS:
            self._heads.clear()
        self._heads[model] = head
        return head

    async def _signed(self) -> bytes:
        headers = await self._google.headers()
        self.secrets.add(headers["authorization"].removeprefix("Bearer "))
        return _fields(headers)

    def _common_headers(self, given: Mapping[str, str]) -> dict[str, str]:
        """Ours, with what the caller gives in their place."""
        headers = {
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
            "content-type": "application/json",
            "user-agent": f"agent-run/{__version__}",
            "x-goog-api-client": f"agent-run/{__version__}",
        }
        url = urlsplit(self._endpoint.base_url)
        if url.username is not None:
            headers["authorization"] = basic(unquote(url.username), unquote(url.password or ""))
        if self._endpoint.api_key:
            headers["x-goog-api-key"] = self._endpoint.api_key
        return headers | {name.lower(): value for name, value in given.items() if name.lower() not in _OURS}


def _fields(headers: Mapping[str, str]) -> bytes:
    """The headers as lines; raises GeminiClientError where one would not stay in its line."""
    for name, value in headers.items():
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise invalid_http()
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
