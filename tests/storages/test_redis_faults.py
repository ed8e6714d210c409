"""A Redis server that is away, silent, full, foreign or misled; what is said then, and what is stored."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
import trustme

from runner.errors import ChatChangedError, ChatStorageError, ManifestError
from runner.storages.redis import RedisChatStorage
from tests.servers.redis import RedisServer, redis_server  # noqa: F401 - a fixture
from tests.storages.conformance_faults import CANARY, FaultsConformance, refusal, until
from tests.storages.turns import add_under_lease, say, words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[RedisServer]:  # noqa: F811
    """A server with nothing on it."""
    redis_server.empty()
    yield redis_server
    redis_server.command("CONFIG", "SET", "maxmemory", "0")
    redis_server.command("REPLICAOF", "NO", "ONE")


@pytest.fixture
def url(server: RedisServer) -> str:
    return server.url


class TestRedisFaults(FaultsConformance):
    pass


# what is wrong is said


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://host/db", "is not redis://user:password@host:6379/0"),
        ("redis:host", "is not redis://user:password@host:6379/0"),
        (f"redis://u:{CANARY}@host:x/0", r'"redis://host.*": Port could not be cast|cannot be read'),
        (f"redis://u:{CANARY}@host/chats", "the database is a number"),
        (f"redis://u:{CANARY}@host?prefix=a:b", "a prefix is up to 64 letters"),
        ("redis://host?prefx=a", 'has no option "prefx"; did you mean "prefix"'),
        ("redis://host?ssl_ca_certs=ca.pem", "ssl_ca_certs is for rediss://"),
        (f"redis://u:{CANARY}/x@host/0", "in the user, the password and the options write"),
    ],
)
def test_a_wrong_url_says_what_to_write(url: str, why: str) -> None:
    with pytest.raises(ManifestError, match=why) as refused:
        RedisChatStorage(url)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("user", ["", f"default:{CANARY}@", f":{CANARY}@"])
async def test_a_wrong_or_missing_password_is_said(server: RedisServer, user: str) -> None:
    with RedisServer(requirepass="right") as guarded:
        error = await refusal(RedisChatStorage(f"redis://{user}127.0.0.1:{guarded.port}/0"))
        assert "correct them in the URL" in str(error) or "write it in the URL" in str(error)
        assert not error.retryable
        async with RedisChatStorage(f"redis://:right@127.0.0.1:{guarded.port}/0") as storage:
            await storage.append("c", say("a"), 0)


async def test_a_database_that_does_not_exist_is_said(server: RedisServer) -> None:
    error = await refusal(RedisChatStorage(server.url.replace("/0", "/999")))
    assert "has no database of this number" in str(error)


async def test_a_user_who_may_too_little_is_told_so(server: RedisServer) -> None:
    server.command("ACL", "SETUSER", "reader", "on", f">{CANARY}", "~*", "+@read", "+@connection")
    error = await refusal(RedisChatStorage(f"redis://reader:{CANARY}@127.0.0.1:{server.port}/0"))
    assert "the user may not do what this storage needs" in str(error)


async def test_a_user_who_may_not_ask_about_the_server_can_chat(server: RedisServer) -> None:
    server.command("ACL", "SETUSER", "writer", "on", f">{CANARY}", "~*", "+@all", "-info")
    async with RedisChatStorage(f"redis://writer:{CANARY}@127.0.0.1:{server.port}/0") as storage:
        await add_under_lease(storage, "c", "a")
        async with await storage.acquire("c") as lease:
            assert lease.incarnation is None
        assert len(await storage.get_history("c")) == 1


async def test_a_replica_is_refused(server: RedisServer) -> None:
    server.command("REPLICAOF", "127.0.0.1", "1")
    assert "is a read-only replica; write the URL of the primary" in str(await refusal(RedisChatStorage(server.url)))


async def test_a_full_server_stores_nothing_by_halves(server: RedisServer) -> None:
    async with RedisChatStorage(server.url) as storage:
        await storage.append("c", say("a"), 0)
        server.command("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(ChatStorageError, match="has used the memory it may use") as refused:
            await storage.update_history("c", say("b"))
        assert refused.value.retryable
        server.command("CONFIG", "SET", "maxmemory", "0")
        assert words(await storage.get_history("c")) == ["a"]


@pytest.mark.parametrize("kind", ["store", "chats", "writes", "log:c"])
async def test_other_programs_keys_are_left_alone(server: RedisServer, kind: str) -> None:
    server.command("SET", f"agent-run:{kind}", "theirs")
    assert "keeps other things under these names" in str(await refusal(RedisChatStorage(server.url)))
    assert server.command("KEYS", "*") == [f"agent-run:{kind}".encode()]


async def test_data_of_a_newer_version_is_neither_read_nor_changed(server: RedisServer) -> None:
    server.command("HSET", "agent-run:store", "format", "2")
    async with RedisChatStorage(server.url) as storage:
        for use in (
            storage.append("c", say("a"), 0),
            storage.update_history("c", []),
            storage.read_after("c", 0),
            storage.list_chats(),
            storage.acquire("c"),
            storage.shared.get("k"),
            storage.shared.put_if("k", "v", None),
        ):
            with pytest.raises(ChatStorageError, match="was written by a newer agent-run"):
                await use
    assert server.command("KEYS", "*") == [b"agent-run:store"]


async def test_what_the_server_may_lose_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with RedisServer(appendonly="no", maxmemory="100mb", **{"maxmemory-policy": "allkeys-lru"}) as forgetful:
        async with RedisChatStorage(forgetful.url) as storage:
            await asyncio.gather(*(storage.append(str(n), say("a"), 0) for n in range(5)))
    assert [record.getMessage().partition(" (")[0] for record in caplog.records if record.levelname == "WARNING"] == [
        f"storage {forgetful.url}: the server keeps no append-only file",
        f"storage {forgetful.url}: the server deletes keys when its memory is full",
    ]


async def test_nothing_is_logged_of_a_server_that_keeps_what_it_is_told(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with RedisChatStorage(server.url) as storage:
        await storage.append("c", say("a"), 0)
    assert not caplog.records


async def test_rediss_speaks_tls_and_checks_the_certificate(server: RedisServer, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    async with tls_in_front_of(server, context) as port:
        async with RedisChatStorage(f"rediss://localhost:{port}/0?ssl_ca_certs={tmp_path}/ca.pem") as storage:
            await storage.append("c", say("a"), 0)
            assert words(await storage.get_history("c")) == ["a"]
        error = await refusal(RedisChatStorage(f"rediss://localhost:{port}/0", timeout=60))
        assert "TLS failed (CERTIFICATE_VERIFY_FAILED)" in str(error)
        assert "the connection broke off" in str(
            await refusal(RedisChatStorage(f"redis://localhost:{port}/0", timeout=2))
        )


@asynccontextmanager
async def tls_in_front_of(server: RedisServer, context: ssl.SSLContext) -> AsyncIterator[int]:
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ssl.SSLError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(pump(reader, back_writer), pump(back_reader, writer))

    listening = await asyncio.start_server(serve, "localhost", 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


# what is stored


async def test_a_lease_that_could_not_be_released_is_known_to_be_over(server: RedisServer) -> None:
    async with RedisChatStorage(server.url, timeout=2) as storage:
        lease = await storage.acquire("c")
        server.kill()
        await lease.release()
        server.start()
        async with await storage.acquire("c", timeout=0):  # however long a lease lasts
            await storage.append("c", say("a"), 0)


async def test_a_log_is_another_one_after_a_replacement_or_a_restart(server: RedisServer) -> None:
    """A server that was started again may have lost the last entries: what a process knows of a log is then void."""

    async def incarnation() -> int | None:
        async with await storage.acquire("c") as lease:
            return lease.incarnation

    async with RedisChatStorage(server.url) as storage:
        assert await incarnation() is None
        await storage.append("c", say("a"), 0)
        first = await incarnation()
        await storage.append("c", say("b"), 1)
        assert first is not None
        assert await incarnation() == first
        await storage.update_history("c", say("a", "b"))
        second = await incarnation()
        server.kill()
        server.start()
        third = await incarnation()
        assert len({first, second, third, None}) == 4


async def test_closing_frees_what_is_held_and_leaves_no_connection(server: RedisServer) -> None:
    storage = RedisChatStorage(server.url)
    lease = await storage.acquire("c")
    await storage.acquire("d")
    await storage.shared.acquire("k")
    await storage.aclose()
    await storage.aclose()
    assert server.command("HLEN", "agent-run:leases") == 0
    await until(lambda: b"agent-run" not in server.command("CLIENT", "LIST"))
    with pytest.raises(ChatChangedError):
        await lease.renew()
    await storage.append("c", say("later"), 0)
    await storage.aclose()


async def test_vacuum_drops_the_leases_that_stand_still(server: RedisServer) -> None:
    async with RedisChatStorage(server.url, lease_time=0.2) as storage:
        await storage.append("c", say("a"), 0)
        for key in ("c", "gone"):
            server.command("HSET", "agent-run:leases", key, "7\npid 1 on elsewhere [0]\n0\nlong ago\n")
        async with await storage.acquire("held"):
            await storage.vacuum()
            assert server.command("HKEYS", "agent-run:leases") == [b"held"]
