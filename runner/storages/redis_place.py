"""Where a Redis storage is: what its URL says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from runner.errors import ManifestError
from runner.storages.urls import check_url, query_options, without_password

SCHEMES = ("redis", "rediss")
_FORM = "redis://user:password@host:6379/0, or rediss:// for TLS"
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OPTIONS = ("prefix", *_TLS_FILES)
_KINDS_OF_MANY = ("log", "cache")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """A database of a server, and the names in it that are ours; `connecting` is what redis-py needs to get there."""

    shown: str  # the URL without its secrets
    prefix: str
    is_tls: bool
    connecting: dict[str, Any] = field(repr=False)

    def key(self, kind: str, name: bytes = b"") -> bytes:
        """The key of a kind of values of ours; for kinds with many keys, of the one of this name."""
        return b":".join([self.prefix.encode(), kind.encode(), *([name] if kind in _KINDS_OF_MANY else [])])


def place_of(url: str) -> RedisPlace:
    """From `redis://user:password@host:port/number?prefix=name`; all but the scheme and `//` may be left out."""
    check_url(url, SCHEMES, _FORM)
    parts, options, shown = urlsplit(url), query_options(url, _OPTIONS), without_password(url)
    prefix = options.pop("prefix", "agent-run")
    if not _PREFIX.fullmatch(prefix):
        raise ManifestError(f'storage "{shown}": a prefix is up to 64 letters, digits, "_", "." and "-"')
    if options and parts.scheme != "rediss":
        raise ManifestError(f'storage "{shown}": {next(iter(options))} is for rediss://, which is Redis over TLS')
    number = parts.path.strip("/") or "0"
    if not re.fullmatch("[0-9]{1,9}", number):
        raise ManifestError(f'storage "{shown}": the database is a number, as in redis://host:6379/0')
    try:
        port = parts.port or 6379
    except ValueError as error:
        raise ManifestError(f'storage "{shown}": {error}') from error
    connecting = {
        "host": parts.hostname or "localhost",
        "port": port,
        "db": int(number),
        "username": unquote(parts.username or "") or None,
        "password": unquote(parts.password or "") or None,
        **options,
    }
    return RedisPlace(shown, prefix, parts.scheme == "rediss", connecting)
