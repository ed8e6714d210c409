"""A PostgreSQL server that is away, silent, forbidding or foreign; what is said then, and what is stored."""

# ruff: noqa: S608 - the tests' own SQL

from __future__ import annotations

import asyncio
import gc
import os
from typing import TYPE_CHECKING

import pytest

from runner.errors import ChatStorageError, ManifestError
from runner.storages.postgresql import PostgresChatStorage
from tests.servers import TcpProxy
from tests.servers.postgres import PASSWORD, PostgresServer, postgres_server  # noqa: F401 - a fixture
from tests.storages.conformance_faults import CANARY, FaultsConformance, refusal, until
from tests.storages.turns import add_under_lease, say, words

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'agent-run'"


@pytest.fixture
def server(postgres_server: PostgresServer) -> PostgresServer:  # noqa: F811
    return postgres_server


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    """A schema of its own."""
    schema = f"test_{os.urandom(6).hex()}"
    server.sql(f"CREATE SCHEMA {schema}")
    yield f"{server.url}?options=-csearch_path%3D{schema}"
    server.sql(f"DROP SCHEMA {schema} CASCADE")


class TestPostgresFaults(FaultsConformance):
    pass


def with_password(url: str, password: str) -> str:
    return url.replace(f":{PASSWORD}@", f":{password}@")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://host/0", "is not postgresql://user:password@host:port/database"),
        ("postgresql:host", "is not postgresql://user"),
        (f"postgresql://u:{CANARY}/x@host/db", "in the user, the password and the options write"),
        (f"postgresql://u:{CANARY}@host:port/db", "cannot be read as postgresql://user"),
    ],
)
def test_a_wrong_url_says_what_to_write(url: str, why: str) -> None:
    with pytest.raises(ManifestError, match=why) as refused:
        PostgresChatStorage(url)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (f"?sslmod=require&password={CANARY}", 'libpq knows no option "sslmod"'),
        (f"?application_name={CANARY}%zz", "libpq cannot read the URL"),
    ],
)
async def test_a_url_that_libpq_cannot_read_is_said(server: PostgresServer, end: str, why: str) -> None:
    assert why in str(await refusal(PostgresChatStorage(server.url + end)))


async def test_a_wrong_password_or_user_is_said(server: PostgresServer) -> None:
    for url in (with_password(server.url, CANARY), server.url.replace("tester", "nobody-here")):
        error = await refusal(PostgresChatStorage(url))
        assert str(error) == (
            f"storage postgresql://127.0.0.1:{server.port}/postgres: the server refused the user or the password; "
            "correct them in the URL"
        )
        assert not error.retryable


async def test_a_missing_database_is_said(server: PostgresServer) -> None:
    error = await refusal(PostgresChatStorage(server.url.replace("/postgres", "/nothing")))
    assert "/nothing: the server has no such database; make it: createdb NAME" in str(error)


async def test_an_unknown_host_is_said(server: PostgresServer) -> None:
    error = await refusal(PostgresChatStorage("postgresql://u:p@no-such-host.invalid/db"))
    assert "the host's name is not known" in str(error)


async def test_a_user_who_may_not_make_tables_is_told_so(server: PostgresServer, url: str) -> None:
    schema = url.rpartition("%3D")[2]
    server.sql(f"CREATE ROLE {schema} LOGIN PASSWORD 'x'")
    error = await refusal(PostgresChatStorage(url.replace(f"tester:{PASSWORD}", f"{schema}:x")))
    assert "its search_path names no schema" in str(error)
    server.sql(f"GRANT USAGE ON SCHEMA {schema} TO {schema}")
    error = await refusal(PostgresChatStorage(url.replace(f"tester:{PASSWORD}", f"{schema}:x")))
    assert f"the user may not do this (permission denied for schema {schema}); grant it the rights" in str(error)
    server.sql(f"DROP OWNED BY {schema}")
    server.sql(f"DROP ROLE {schema}")


async def test_a_read_only_server_is_said(server: PostgresServer, url: str) -> None:
    async with PostgresChatStorage(url) as storage:
        await storage.append("c", say("a"), 0)
    error = await refusal(PostgresChatStorage(f"{url}%20-cdefault_transaction_read_only%3Don"))
    assert "it is read-only, a standby perhaps; write the URL of the primary" in str(error)


async def test_tables_of_a_newer_version_are_neither_read_nor_changed(server: PostgresServer, url: str) -> None:
    schema = url.rpartition("%3D")[2]
    server.sql(f"CREATE TABLE {schema}.agent_run_schema (version integer NOT NULL)")
    server.sql(f"INSERT INTO {schema}.agent_run_schema VALUES (2)")
    async with PostgresChatStorage(url) as storage:
        for use in (storage.append("c", say("a"), 0), storage.read_after("c", 0), storage.acquire("c")):
            with pytest.raises(ChatStorageError, match="was written by a newer agent-run"):
                await use
    tables = server.sql(f"SELECT count(*) FROM information_schema.tables WHERE table_schema = '{schema}'")
    assert tables == [(1,)]


async def test_tables_that_were_dropped_while_in_use_are_said(server: PostgresServer, url: str) -> None:
    schema = url.rpartition("%3D")[2]
    async with PostgresChatStorage(url) as storage:
        await storage.append("c", say("a"), 0)
        server.sql(f"DROP TABLE {schema}.agent_run_message")
        with pytest.raises(ChatStorageError, match="its tables were dropped while in use"):
            await storage.append("c", say("b"), 1)


async def test_a_server_without_a_free_connection_is_asked_again_for_a_while(url: str, server: PostgresServer) -> None:
    import psycopg

    with PostgresServer(max_connections="5", superuser_reserved_connections="0", fsync="off") as small:
        taken = [psycopg.connect(small.url) for _ in range(5)]
        try:
            error = await refusal(PostgresChatStorage(small.url, timeout=3))
            assert "has no connection left" in str(error)
            assert error.retryable
            async with PostgresChatStorage(small.url, timeout=60) as storage:
                appending = asyncio.create_task(storage.append("c", say("a"), 0))
                await asyncio.sleep(0.05)
                taken.pop().close()
                await appending
        finally:
            for connection in taken:
                connection.close()


@pytest.mark.parametrize("isolation", ["repeatable%20read", "serializable"])
async def test_writers_take_turns_whatever_isolation_the_server_has_by_default(url: str, isolation: str) -> None:
    stricter = f"{url}%20-cdefault_transaction_isolation%3D{isolation.replace('%20', chr(92) + '%20')}"
    async with PostgresChatStorage(stricter, timeout=60) as one, PostgresChatStorage(stricter, timeout=60) as two:
        await asyncio.gather(*((one, two)[n % 2].append_history("c", say(n)) for n in range(20)))
        assert sorted(words(await one.get_history("c")), key=int) == [str(n) for n in range(20)]
        await asyncio.gather(*(add_under_lease((one, two)[n % 2], "d", f"task {n}") for n in range(6)))
        assert len(await one.get_history("d")) == 6


async def test_what_is_appended_is_on_the_disk_also_where_the_server_does_not_wait_by_default(
    server: PostgresServer, url: str
) -> None:
    """Asynchronous commits of the last moments are lost when the server is killed."""
    async with PostgresChatStorage(f"{url}%20-csynchronous_commit%3Doff", timeout=60) as storage:
        for number in range(5):
            await storage.append("c", say(number), number)
        server.kill()
        server.start()
        assert len(await storage.get_history("c")) == 5


async def test_an_append_whose_lost_try_is_done_after_it_was_looked_for_is_stored_once(
    server: PostgresServer, url: str
) -> None:
    """The server goes on with it when its connection has ended, and the second try finds the chat longer by it."""
    import psycopg

    with TcpProxy(f"127.0.0.1:{server.port}") as proxy, psycopg.connect(url) as other:
        through = url.replace(f":{server.port}", f":{proxy.port}")
        async with PostgresChatStorage(through, timeout=60) as storage:
            await storage.append("c", say("a"), 0)
            other.execute("SELECT FROM agent_run_chat FOR UPDATE")
            appending = asyncio.create_task(storage.append("c", say("b"), 1))
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            await until(lambda: server.sql(waiting) == [(1,)])
            proxy.drop()
            await until(lambda: server.sql(waiting) == [(2,)])
            other.rollback()
            await appending
            assert words(await storage.get_history("c")) == ["a", "b"]


async def test_long_ids_and_large_entries_are_kept(url: str) -> None:
    chance = os.urandom(6000).hex()
    async with PostgresChatStorage(url, timeout=60) as storage:
        async with await storage.acquire(chance):
            await storage.append(chance, say("x" * 10_000_000), 0)
        assert len(words(await storage.get_history(chance))[0]) == 10_000_000
        assert [info.chat_id for info in await storage.list_chats(chance[:9000])] == [chance]


async def test_vacuum_drops_the_leases_that_stand_still(server: PostgresServer, url: str) -> None:
    schema = url.rpartition("%3D")[2]
    async with PostgresChatStorage(url, lease_time=1) as storage:
        await storage.append("c", say("a"), 0)
        values = "('c', 'pid 1', '', 'long ago')"
        server.sql(f"INSERT INTO {schema}.agent_run_lease (digest, owner, process, since) VALUES {values}")
        async with await storage.acquire("held"):
            await storage.vacuum()
            assert server.sql(f"SELECT count(*) FROM {schema}.agent_run_lease WHERE digest <> 'c'") == [(1,)]
            assert server.sql(f"SELECT count(*) FROM {schema}.agent_run_lease") == [(1,)]


async def test_an_event_loop_may_be_closed_without_telling_anybody(server: PostgresServer, url: str) -> None:
    """Its connections are closed when the storage is used again, or forgotten."""

    def use() -> None:
        storage = PostgresChatStorage(url)
        for number in range(3):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(storage.append("c", say(number), number))
            loop.close()
        assert len(asyncio.run(storage.get_history("c"))) == 3
        loop = asyncio.new_event_loop()
        loop.run_until_complete(storage.append("c", say(3), 3))
        loop.close()

    await asyncio.to_thread(use)
    gc.collect()
    await until(lambda: server.sql(CONNECTIONS) == [(0,)])
