"""A storage that fails, as its user sees it: exit code 4, one line that says what to do, and no password in it."""

from __future__ import annotations

import inspect
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from runner.storages.mongodb import MongoChatStorage
from runner.storages.postgresql import PostgresChatStorage
from runner.storages.redis import RedisChatStorage
from tests.cli.keeping import keep, stored
from tests.reliability.killing import can_trace
from tests.servers.black_hole import dropping, silent
from tests.servers.mongo import LEAVES_SOCKETS, MongoServer, mongo_base_url, mongo_shared_url, mongo_url  # noqa: F401 - fixtures
from tests.servers.postgres import (  # noqa: F401 - fixtures
    PASSWORD,
    postgres_base_url,
    postgres_server,
    postgres_url,
    sql,
)
from tests.servers.redis import RedisServer, redis_base_url, redis_server, redis_url  # noqa: F401 - fixtures
from tests.servers.small_disk import NO_MOUNT, small_disk
from tests.storages.turns import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Run
    from tests.servers.postgres import PostgresServer
    from tests.servers.small_disk import SmallDisk

pytestmark = LEAVES_SOCKETS

CANARY = "canary-5b1e"
AT = {
    "postgresql": "postgresql://u:{canary}@127.0.0.1:{port}/db",
    "redis": "redis://u:{canary}@127.0.0.1:{port}/0",
    "mongodb": "mongodb://u:{canary}@127.0.0.1:{port}/db",
    "hybrid": "hybrid+redis://u:{canary}@127.0.0.1:{port}/0?database="
    "postgresql%3A%2F%2Fu%3A{canary}%40127.0.0.1%3A{port}%2Fdb",
}
"""A storage's URL on a server that is not there."""
COMMANDS = (("agent.yaml", "hello"), ("chats", "list"))


def at(kind: str, port: int) -> str:
    return AT[kind].format(canary=CANARY, port=port)


def assert_told(run: Run, monkeypatch: pytest.MonkeyPatch, url: str, what: str, *arguments: str) -> None:
    """Raise unless a turn, or another command, on this storage fails with exit code 4 and one line that says so."""
    monkeypatch.setenv("AGENT_RUN_STORAGE", url)
    ran = run(*(arguments or COMMANDS[0]))
    assert (ran.code, ran.out) == (4, ""), ran
    assert ran.err.startswith(("error: storage ", "error: chat database ")), ran.err
    assert ran.err.count("\n") == 1, ran.err
    assert what in ran.err
    assert not [secret for secret in (CANARY, PASSWORD, "right") if secret in ran.err]


# servers


@pytest.mark.parametrize("kind", AT)
def test_a_server_that_is_down_is_said(run: Run, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    with silent() as port:
        pass
    for command in COMMANDS:
        assert_told(run, monkeypatch, at(kind, port), "nothing answers there; start the server", *command)


@pytest.mark.parametrize("kind", AT)
@pytest.mark.parametrize("hole", [silent, dropping])
def test_a_server_that_never_answers_is_given_up(
    run: Run, monkeypatch: pytest.MonkeyPatch, kind: str, hole: type
) -> None:
    """It accepts and is silent, or what is sent to it is dropped on the way; nobody is waited for longer than that."""
    with hole() as port:
        assert_told(run, monkeypatch, at(kind, port), "the server did not answer")


def test_every_command_to_a_server_is_over_in_five_seconds_unless_one_says_otherwise() -> None:
    for storage in (PostgresChatStorage, RedisChatStorage, MongoChatStorage):
        assert inspect.signature(storage).parameters["timeout"].default == 5.0


def test_a_wrong_password_for_postgresql_is_said(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    postgres_server: PostgresServer,  # noqa: F811
) -> None:
    wrong = postgres_server.url.replace(f":{PASSWORD}@", f":{CANARY}@")
    for command in COMMANDS:
        assert_told(run, monkeypatch, wrong, "refused the user or the password; correct them in the URL", *command)


def test_a_wrong_password_for_redis_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer(requirepass="right") as guarded:
        for command in COMMANDS:
            assert_told(run, monkeypatch, at("redis", guarded.port), "refused the user or the password", *command)


def test_a_wrong_password_for_mongodb_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pymongo")
    with MongoServer() as guarded:
        guarded.guard("tester", "right")
        for command in COMMANDS:
            url = f"mongodb://tester:{CANARY}@127.0.0.1:{guarded.port}/chats"
            assert_told(run, monkeypatch, url, "refused the user or the password; correct them in the URL", *command)


def test_a_missing_database_is_said(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    postgres_server: PostgresServer,  # noqa: F811
    redis_base_url: str,  # noqa: F811
) -> None:
    missing = postgres_server.url.replace("/postgres", "/nothing")
    assert_told(run, monkeypatch, missing, "the server has no such database; make it: createdb NAME")
    assert_told(run, monkeypatch, redis_base_url.replace("/0", "/999"), "has no database of this number")


def test_what_a_newer_version_wrote_is_left_alone(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    postgres_url: str,  # noqa: F811
    redis_url: str,  # noqa: F811
    mongo_url: str,  # noqa: F811
) -> None:
    from pymongo import MongoClient
    from redis import Redis

    sql(postgres_url, "CREATE TABLE agent_run_schema AS SELECT 9 AS version")
    base, _, prefix = redis_url.partition("?prefix=")
    with Redis.from_url(base) as redis, MongoClient(mongo_url) as mongo:
        redis.hset(f"{prefix}:store", "format", "9")
        mongo.get_default_database().agent_run_schema.insert_one({"_id": "schema", "version": 9})
        for url in (postgres_url, redis_url, mongo_url):
            for command in COMMANDS:
                assert_told(run, monkeypatch, url, "was written by a newer agent-run (its format is 9", *command)
        assert sql(postgres_url, "SELECT * FROM agent_run_schema") == [(9,)]
        assert redis.keys(f"{prefix}:*") == [f"{prefix}:store".encode()]
        assert mongo.get_default_database().list_collection_names() == ["agent_run_schema"]


def test_what_another_program_keeps_under_our_names_is_left_alone(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    postgres_url: str,  # noqa: F811
    redis_url: str,  # noqa: F811
) -> None:
    from redis import Redis

    sql(postgres_url, "CREATE TABLE agent_run_chat AS SELECT 'theirs' AS name")
    base, _, prefix = redis_url.partition("?prefix=")
    with Redis.from_url(base) as redis:
        redis.set(f"{prefix}:store", "theirs")
        assert_told(run, monkeypatch, postgres_url, "were made by another program; use a schema of its own")
        assert_told(run, monkeypatch, redis_url, "keeps other things under these names")
        assert redis.get(f"{prefix}:store") == b"theirs"
    assert sql(postgres_url, "SELECT * FROM agent_run_chat") == [("theirs",)]


# files


def url_of(path: Path) -> str:
    return f"sqlite:///{quote(str(path))}"


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    with small_disk() as made:
        if made is None:
            pytest.skip(NO_MOUNT)
        yield made


@pytest.mark.parametrize(
    ("content", "what"), [(b"hello", "is not a SQLite database; it was left as it is"), (b"", ""), (None, "")]
)
def test_a_file_of_something_else_is_said_and_an_empty_or_missing_one_taken(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, what: str
) -> None:
    path = tmp_path / "chats.db"
    if content is not None:
        path.write_bytes(content)
    if what:
        assert_told(run, monkeypatch, url_of(path), what)
        assert path.read_bytes() == content
    else:
        monkeypatch.setenv("AGENT_RUN_STORAGE", url_of(path))
        assert run("agent.yaml", "hello").code == 0
        assert len(stored(path)) == 1


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("CREATE TABLE notes (x)", "belongs to another program; it was left as it is"),
        ("PRAGMA user_version = 99", "was written by a newer agent-run (its format is 99"),
    ],
)
def test_another_programs_or_a_newer_database_is_left_alone(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, what: str
) -> None:
    path = tmp_path / "chats.db"
    if "notes" not in script:
        keep(path, ("tester/c", say("a")))
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)
    before = path.read_bytes()
    for command in COMMANDS:
        assert_told(run, monkeypatch, url_of(path), what, *command)
    assert path.read_bytes() == before


def test_a_file_that_may_not_be_written_to_is_said(run: Run, monkeypatch: pytest.MonkeyPatch, disk: SmallDisk) -> None:
    """Not even by root: its file system is read-only."""
    path = disk.folder / "chats.db"
    keep(path, ("tester/c", say("a")))
    disk.forbid_writing()
    for command in COMMANDS:
        assert_told(run, monkeypatch, url_of(path), "chat database", *command)
    assert_told(run, monkeypatch, url_of(disk.folder / "new.db"), "cannot be opened or created")


def test_a_full_disk_is_said_and_with_room_the_chat_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch, disk: SmallDisk
) -> None:
    url = url_of(disk.folder / "chats.db")
    monkeypatch.setenv("AGENT_RUN_STORAGE", url)
    assert run("agent.yaml", "hello", "--chat", "c").code == 0
    before = stored(disk.folder / "chats.db")
    disk.fill()
    turn = ("agent.yaml", "hello " + "x" * 100_000, "--chat", "c")
    assert_told(run, monkeypatch, url, "the disk is full; free some space and try again", *turn)
    disk.empty()
    assert run("agent.yaml", "hello", "--chat", "c").code == 0
    after = stored(disk.folder / "chats.db")["tester/c"]
    assert after[: len(before["tester/c"])] == before["tester/c"]


@contextmanager
def traced(error: str, call: str, k: int) -> Iterator[tuple[str, ...]]:
    """The words that start a command of which the k-th such system call fails."""
    if shutil.which("strace") is None or not can_trace():
        pytest.skip("strace is missing or may not attach")
    yield (
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        f"trace={call}",
        "-e",
        f"inject={call}:error={error}:when={k}+",
    )


@pytest.mark.parametrize(
    ("error", "call", "k", "what"),
    [
        ("ENOSPC", "pwrite64", 3, "the disk is full; free some space and try again"),
        ("ENOSPC", "pwrite64", 30, "the disk is full; free some space and try again"),
        ("EIO", "pwrite64", 30, "the disk reported an input/output error; check the disk, then start again"),
        ("EIO", "fdatasync", 3, "the disk reported an input/output error; check the disk, then start again"),
    ],
)
def test_a_disk_that_fails_in_mid_turn_is_said(
    project: Path, env: dict[str, str], tmp_path: Path, error: str, call: str, k: int, what: str
) -> None:
    """The real command, whose disk fails from some system call on; nothing is told as answered."""
    path = tmp_path / "chats.db"
    keep(path, ("tester/c", say("a")))
    before = stored(path)
    with traced(error, call, k) as tracing:
        command = [*tracing, sys.executable, "-m", "runner", "agent.yaml", "hello", "--chat", "c"]
        done = subprocess.run(
            command, cwd=project, env={**env, "AGENT_RUN_STORAGE": url_of(path)}, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (4, ""), done
    assert done.stderr.startswith(f"error: chat database {path}: {what}")
    assert done.stderr.count("\n") == 1, done.stderr
    assert stored(path)["tester/c"][:1] == before["tester/c"]
