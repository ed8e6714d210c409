"""The storages that are soaked: servers that all experiments use, and servers for one that are killed and stopped."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.storages.conformance_faults import Server

BACKENDS = ("sqlite", "postgresql", "redis", "mongodb", "hybrid")
SERVERS = ("postgresql", "redis", "mongodb")
_STEADY = "AGENT_RUN_SOAK_SERVERS"


def _server(kind: str) -> Any:
    if kind == "postgresql":
        from tests.servers.postgres import PostgresServer

        return PostgresServer()
    if kind == "redis":
        from tests.servers.redis import RedisServer

        return RedisServer()
    from tests.servers.mongo import MongoServer

    return MongoServer()


@contextmanager
def steady_servers(backends: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Servers that nobody kills, and the environment that names them to the jobs."""
    kinds = {"postgresql", "redis"} if "hybrid" in backends else set()
    with ExitStack() as held:
        urls = {kind: held.enter_context(_server(kind)).url for kind in SERVERS if kind in kinds | set(backends)}
        yield {_STEADY: json.dumps(urls)}


def steady(backend: str, name: str = "") -> str:
    """A storage's URL on the steady servers, empty unless the name was used before."""
    urls: dict[str, str] = json.loads(os.environ[_STEADY])
    name = name or f"soak_{os.urandom(6).hex()}"
    if backend == "sqlite":
        folder = Path(tempfile.gettempdir(), "sqlite")
        folder.mkdir(exist_ok=True)
        return str(folder / f"{name}.db")
    if backend == "hybrid":
        cache, database = (_empty(kind, urls[kind], name) for kind in ("redis", "postgresql"))
        return f"hybrid+{cache}&database={quote(database, safe='')}"
    return _empty(backend, urls[backend], name)


def _empty(kind: str, base: str, name: str) -> str:
    """A storage's URL on a server, with a namespace of this name."""
    if kind == "redis":
        return f"{base}?prefix={name}"
    if kind == "mongodb":
        return f"{base.rpartition('/')[0]}/{name}?directConnection=true"
    from tests.servers.postgres import sql

    sql(base, f"CREATE SCHEMA IF NOT EXISTS {name}")
    return f"{base}?options=-csearch_path%3D{name}"


@contextmanager
def victim(backend: str) -> Iterator[tuple[Server, Callable[[], str]]]:
    """A server to be killed and stopped, and a function that gives URLs of empty storages on it.

    Of a hybrid it is the Redis server; the database stays.
    """
    kind = "redis" if backend == "hybrid" else backend
    with _server(kind) as server:

        def url() -> str:
            name = f"soak_{os.urandom(6).hex()}"
            made = _empty(kind, server.url, name)
            if backend == "hybrid":
                return f"hybrid+{made}&database={quote(steady('postgresql', name), safe='')}"
            return made

        yield server, url
