"""The proxy of the environment, if there is one on the way to a host: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY."""

from __future__ import annotations

import base64
import ipaddress
import os
import sys
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from runner.errors import GeminiClientError

PORTS = {"http": 80, "https": 443}
_VARIABLES = {"http_proxy", "https_proxy", "all_proxy"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `authorization` is the value of Proxy-Authorization."""

    scheme: str
    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)


def proxy_url(scheme: str, host: str, port: int) -> str | None:
    """The URL of the proxy for this origin; on Windows and macOS the system's settings count too."""
    found = _settings()
    url = found.get(scheme) or found.get("all")
    if not url or is_excepted(host, port, found.get("no", "")):
        return None
    return url if "://" in url else f"http://{url}"


class SocksProxyError(GeminiClientError):
    """The proxy speaks SOCKS, which this client does not (httpx2 does, with socksio)."""


def read_proxy(url: str) -> Proxy:
    """The parts of a proxy's URL; raises SocksProxyError and GeminiClientError."""
    if url.startswith("socks"):
        raise SocksProxyError('the proxy of the environment speaks SOCKS: use the transport "sdk" and install socksio')
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = urlsplit("")
    if not host or parts.scheme not in PORTS:
        shown = f"{parts.scheme or '?'}://{host or '?'}"
        raise GeminiClientError(f"the proxy {shown} of the environment cannot be used: it is not http:// or https://")
    authorization = None
    if parts.username is not None:
        authorization = basic(unquote(parts.username), unquote(parts.password or ""))
    return Proxy(parts.scheme, host, port or PORTS[parts.scheme], authorization)


def basic(user: str, password: str) -> str:
    """The value of an Authorization header."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}"


def is_excepted(host: str, port: int, exceptions: str) -> bool:
    """Whether NO_PROXY names the host: by name (its subdomains included), `.name` (these only), address, network, `*`.

    A port may follow. As in httpx2 and curl.
    """
    host = host.lower().rstrip(".")
    return any(_names(entry.strip().lower(), host, port) for entry in exceptions.split(","))


def _names(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    entry = entry.partition("://")[2] or entry
    entry, entry_port = _split_port(entry)
    if not entry or entry_port not in {None, port}:
        return False
    if "/" in entry or entry.replace(".", "").isdigit() or ":" in entry:
        return _holds_address(entry, host)
    if entry.startswith(("*.", ".")):
        return host.endswith(entry.removeprefix("*"))
    return host == entry or host.endswith(f".{entry}")


def _split_port(entry: str) -> tuple[str, int | None]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        entry, port = name, rest.removeprefix(":")
    elif entry.count(":") == 1:
        entry, _, port = entry.partition(":")
    else:
        port = ""
    return entry, int(port) if port.isdigit() else None


def _holds_address(network: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _settings() -> dict[str, str]:
    by_system = sys.platform in {"win32", "darwin"}
    if not by_system and not any(name.lower() in _VARIABLES for name in os.environ):
        return {}  # spares the import
    from urllib.request import getproxies

    return getproxies()
