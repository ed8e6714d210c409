"""`HybridChatStorage`: the database is the truth; Redis makes reading cheap, and never changes an answer."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from runner import Agent, load_manifest
from runner.errors import ChatStorageError, ManifestError
from runner.plugins import STORAGES
from runner.storages.base import ChatStorage, StoredLog
from runner.storages.hybrid import HybridChatStorage
from runner.storages.hybrid_url import split_url
from runner.storages.sqlite import SqliteChatStorage
from tests.servers import Fault, TcpProxy
from tests.servers.mongo import LEAVES_SOCKETS, mongo_base_url, mongo_shared_url, mongo_url  # noqa: F401 - fixtures
from tests.servers.postgres import postgres_base_url, postgres_url  # noqa: F401 - fixtures
from tests.servers.redis import redis_base_url, redis_server, redis_url  # noqa: F401 - fixtures
from tests.storages.child import opened
from tests.storages.conformance import StorageConformance
from tests.storages.conformance_processes import ProcessesConformance
from tests.storages.conformance_words import SOAK
from tests.storages.test_base import ThreeMethods
from tests.storages.turns import say, words

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.redis import RedisServer

pytestmark = LEAVES_SOCKETS

LONG = [str(n) for n in range(200)]
patient = partial(HybridChatStorage, cache_timeout=60.0)
"""A hybrid that takes no busy machine for a cache that is away."""


class TestHybridChatStorage(StorageConformance):
    @pytest.fixture
    def storage(self, redis_url: str, tmp_path: Path) -> HybridChatStorage:  # noqa: F811
        return HybridChatStorage(redis_url, SqliteChatStorage(tmp_path / "chats.db"))


class TestHybridWithoutRedis(StorageConformance):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> HybridChatStorage:
        return HybridChatStorage("redis://127.0.0.1:1/0", SqliteChatStorage(tmp_path / "chats.db"))


class TestHybridProcesses(ProcessesConformance):
    @pytest.fixture
    def where(self, redis_url: str, tmp_path: Path) -> str:  # noqa: F811
        prefix = redis_url.partition("?")[2]
        return f"hybrid+{redis_url.partition('?')[0]}?{prefix}&database={quote(str(tmp_path / 'chats.db'), safe='')}"


class Counting(ChatStorage):
    """A database that counts the entries it is asked for."""

    def __init__(self, inner: ChatStorage) -> None:
        self.inner = inner
        self.read = 0

    def __getattribute__(self, name: str) -> object:
        if name in {"inner", "read", "read_log", "taken", "__dict__", "__class__"}:
            return super().__getattribute__(name)
        return getattr(self.inner, name)

    async def read_log(self, chat_id: str, n: int) -> StoredLog:
        log = await self.inner.read_log(chat_id, n)
        self.read += len(log.entries)
        return log

    def taken(self) -> int:
        """How many entries were read since this was asked last."""
        count, self.read = self.read, 0
        return count


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:  # noqa: F811
    redis_server.empty()
    return redis_server


@pytest.fixture
def database(tmp_path: Path) -> Counting:
    return Counting(SqliteChatStorage(tmp_path / "chats.db"))


async def read(storage: ChatStorage, chat_id: str = "c") -> list[str]:
    return words(await storage.get_history(chat_id))


# what it is good for


async def test_a_long_history_is_read_from_redis_by_every_process(server: RedisServer, database: Counting) -> None:
    async with patient(server.url, database) as one, patient(server.url, database) as two:
        await one.append("c", say(*LONG), 0)
        assert await read(one) == LONG
        assert database.taken() == 200
        for storage in (one, two):
            assert await read(storage) == LONG
            assert database.taken() == 1
        await two.append("c", say("new"), 200)
        assert await read(one) == [*LONG, "new"]
        assert database.taken() == 2


async def test_a_copy_is_extended_when_much_is_new(server: RedisServer, database: Counting) -> None:
    async with patient(server.url, database) as storage:
        await storage.append("c", say(*LONG), 0)
        await read(storage)
        for number in range(200, 400):
            await storage.append("c", say(number), number)
            assert len(await read(storage)) == number + 1
        read_in_all = database.taken()
        assert await read(storage) == [str(n) for n in range(400)]
        assert database.taken() <= 34
        assert read_in_all < 200 + 200 * 34
        assert server.command("LLEN", server.command("KEYS", "*cache*")[0]) == 2 + 200 // 33


async def test_short_chats_and_single_entries_are_left_to_the_database(server: RedisServer, database: Counting) -> None:
    async with patient(server.url, database) as storage:
        await storage.append("c", say("a", "b"), 0)
        assert await read(storage) == ["a", "b"]
        assert words(await storage.read_after("c", 1)) == ["b"]
        await storage.append("big", say("x" * 70_000), 0)
        assert await read(storage, "big") == ["x" * 70_000]
    (copied,) = server.command("KEYS", "*")
    assert copied.endswith(b":big")


async def test_a_storage_that_cannot_tell_its_logs_apart_is_not_cached(server: RedisServer) -> None:
    async with patient(server.url, ThreeMethods()) as storage:
        await storage.append("c", say(*LONG), 0)
        assert await read(storage) == await read(storage) == LONG
    assert server.command("KEYS", "*") == []


async def test_copies_expire(server: RedisServer, database: Counting) -> None:
    async with patient(server.url, database) as storage:
        await storage.append("c", say(*LONG), 0)
        await read(storage)
    (copied,) = server.command("KEYS", "*")
    assert 86_000 < server.command("TTL", copied) <= 86_400


# what must not matter


async def test_a_replaced_or_deleted_chat_is_read_as_it_is_now(server: RedisServer, database: Counting) -> None:
    async with patient(server.url, database) as storage, patient(server.url, database) as other:
        await storage.append("c", say(*LONG), 0)
        await read(storage)
        changed = [*LONG]
        changed[0] = "another beginning, and the same end"
        await database.inner.update_history("c", say(*changed))  # behind our back
        assert await read(other) == changed
        assert await read(storage) == changed
        await other.update_history("c", say(*LONG))
        assert server.command("KEYS", "*") == []
        assert await read(storage) == LONG
        await other.delete("c")
        assert server.command("KEYS", "*") == []
        assert await read(storage) == []


async def test_a_restored_database_is_believed_and_not_the_copy(server: RedisServer, tmp_path: Path) -> None:
    path, backup = tmp_path / "chats.db", tmp_path / "backup.db"
    async with SqliteChatStorage(path) as database:
        await database.append("c", say(*LONG), 0)
        await patient(server.url, database).get_history("c")
    backup.write_bytes(path.read_bytes())
    async with patient(server.url, SqliteChatStorage(path)) as storage:
        await storage.append("c", say(*["lost"] * 50), 200)
        assert len(await read(storage)) == 250
    for after in ([], ["found"] * 50, ["found"] * 99):
        path.write_bytes(backup.read_bytes())
        async with patient(server.url, SqliteChatStorage(path)) as storage:
            await storage.append("c", say(*after), 200)
            assert await read(storage) == [*LONG, *after]
            assert await read(storage) == [*LONG, *after]


async def test_two_databases_may_share_one_redis(server: RedisServer, tmp_path: Path) -> None:
    async with (
        patient(server.url, SqliteChatStorage(tmp_path / "one.db")) as one,
        patient(server.url, SqliteChatStorage(tmp_path / "two.db")) as two,
    ):
        await one.append("c", say(*LONG), 0)
        await two.append("c", say(*LONG[::-1]), 0)
        for _ in range(2):
            assert await read(one) == LONG
            assert await read(two) == LONG[::-1]


@pytest.fixture(params=["sqlite", "postgresql", "mongodb"])
def each_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A path or URL."""
    fixtures = {"postgresql": "postgres_url", "mongodb": "mongo_url"}
    name = fixtures.get(request.param)
    return request.getfixturevalue(name) if name else str(tmp_path / "chats.db")


async def test_whatever_redis_holds_the_answer_is_the_databases(server: RedisServer, each_database: str) -> None:
    """Flushed, evicted, restored from any older state, spoilt: at every step the history is what the database has."""
    chance = random.Random(3)  # noqa: S311 - the same every time
    truth: list[str] = []
    dumps: list[dict[bytes, bytes]] = [{}]

    def flush() -> None:
        server.command("FLUSHALL")

    def save() -> None:
        dumps.append({key: server.command("DUMP", key) for key in server.command("KEYS", "*")})

    def restore() -> None:
        server.command("FLUSHALL")
        for key, value in chance.choice(dumps).items():
            server.command("RESTORE", key, "0", value)

    def spoil() -> None:
        for key in server.command("KEYS", "*"):
            server.command("LSET", key, str(chance.choice([0, -1])), chance.choice(["", "x", "7 x", "\0\0\0", "é"]))

    async with (
        opened(each_database) as database,
        patient(server.url, database) as one,
        patient(server.url, opened(each_database)) as two,
    ):
        for step in range(100 * SOAK):
            storage = chance.choice([one, two])
            batch = [f"{step} {n}" for n in range(chance.choice([1, 2, 40]))]
            match chance.randrange(10):
                case 0:
                    truth = batch
                    await chance.choice([storage, database]).update_history("c", say(*truth))
                case 1 | 2 | 3:
                    chance.choice([flush, save, restore, restore, spoil])()
                case _:
                    await storage.append("c", say(*batch), len(truth))
                    truth = truth + batch
            assert await read(storage) == truth


async def test_redis_killed_paused_and_started_again_changes_no_answer(
    server: RedisServer, database: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    async with HybridChatStorage(server.url, database, cache_timeout=2) as storage:
        await storage.append("c", say(*LONG), 0)
        assert await read(storage) == LONG
        for trouble, cure in ((server.kill, server.start), (server.pause, server.go_on)):
            caplog.clear()
            trouble()
            for number in range(5):
                await storage.append("d", say(number), len(await read(storage, "d")))
                assert await read(storage) == LONG
            cure()
            assert len(caplog.records) == 1
            assert "Histories come from the database alone until it is back" in caplog.text
            storage._cache._rests_until = 0
            database.taken()
            assert await read(storage) == LONG
            assert await read(storage) == LONG
            assert database.taken() in {2, 201}
            assert caplog.records[-1].getMessage() == f"cache {server.url}: is back"


async def test_a_cache_cut_off_at_any_byte_changes_no_answer(server: RedisServer, database: Counting) -> None:
    chance = random.Random(2)  # noqa: S311 - the same every time
    with TcpProxy(f"127.0.0.1:{server.port}") as proxy:
        async with HybridChatStorage(f"redis://127.0.0.1:{proxy.port}/0", database, cache_timeout=0.05) as storage:
            for number in range(50 * SOAK):
                chat_id = f"chat {number // 50}"
                proxy.drop()
                proxy.fault = Fault(cut_after=chance.randrange(20_000))
                storage._cache._rests_until = 0
                known = await read(database, chat_id)
                more = [f"{number} {n}" for n in range(number % 40)] if known else LONG
                await storage.append(chat_id, say(*more), len(known))
                assert await read(storage, chat_id) == known + more


async def test_a_database_that_is_down_is_an_error_whatever_the_cache_knows(
    server: RedisServer, tmp_path: Path
) -> None:
    path = tmp_path / "chats.db"
    async with HybridChatStorage(server.url, SqliteChatStorage(path)) as storage:
        await storage.append("c", say(*LONG), 0)
        await read(storage)
    path.write_bytes(b"no database" * 1000)
    async with HybridChatStorage(server.url, SqliteChatStorage(path)) as storage:
        with pytest.raises(ChatStorageError, match="is not a SQLite database"):
            await read(storage)


# how it is written


def test_the_url_holds_both() -> None:
    url = "hybrid+rediss://u:p%40ss@host:1/2?prefix=x&database=postgresql%3A%2F%2Fa%3Ab%2540%40h%2Fd%3Fx%3D1%262&ssl_ca_certs=%2Fa%20b"
    assert split_url(url) == (
        "rediss://u:p%40ss@host:1/2?prefix=x&ssl_ca_certs=%2Fa%20b",
        "postgresql://a:b%40@h/d?x=1&2",
    )


@pytest.mark.parametrize(
    "url",
    [
        "hybrid+redis://u:canary@host/0",
        "hybrid+redis://host?database=",
        "hybrid:",
        "hybrid+redis://h?database=a&database=b",
    ],
)
def test_a_url_without_one_database_says_what_to_write(url: str) -> None:
    with pytest.raises(ManifestError, match="is not hybrid\\+redis://host:6379/0\\?database=URL") as refused:
        split_url(url)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("form", ["url", "long"])
async def test_a_manifest_names_both(server: RedisServer, tmp_path: Path, form: str) -> None:
    """The database is made as any other storage of the manifest is: here relative to the project's root."""
    cache, database = server.url, "sqlite:///chats.db"
    written = f"hybrid+{cache}?database={quote(database, safe='')}"
    if form == "long":
        written = f"{{type: hybrid, cache: '{cache}', database: '{database}'}}"
    (tmp_path / "agent.yaml").write_text(f"model: offline\nstorage: {written}\n")
    async with Agent(load_manifest(tmp_path / "agent.yaml")) as agent:
        async for _ in agent.run("hello", chat_id="c"):
            pass
        assert repr(agent.storage) == f"HybridChatStorage('{cache}', SqliteChatStorage('{tmp_path}/chats.db'))"
        assert words(await agent.chat_manager.get_history("c"))[0] == "hello"
    assert (tmp_path / "chats.db").exists()


@pytest.mark.parametrize(
    "options", ["", ", cache: 'redis://h'", ", url: 'hybrid:', cache: 'redis://h', database: 'memory:'"]
)
def test_a_manifest_that_lacks_one_says_so(tmp_path: Path, options: str) -> None:
    (tmp_path / "agent.yaml").write_text(f"model: offline\nstorage: {{type: hybrid{options}}}\n")
    with pytest.raises(ManifestError, match="hybrid"):
        Agent(load_manifest(tmp_path / "agent.yaml"))


def test_a_database_without_its_package_is_said_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STORAGES._drivers, "postgresql", "no_such_package")
    url = "hybrid+redis://localhost?database=postgresql%3A%2F%2Flocalhost%2Fchats"
    (tmp_path / "agent.yaml").write_text(f"model: offline\nstorage: {url}\n")
    with pytest.raises(
        ManifestError, match=r"needs the package no_such_package: pip install 'agent-run\[postgresql\]'"
    ):
        Agent(load_manifest(tmp_path / "agent.yaml"))
