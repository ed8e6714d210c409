"""A MongoDB server that is away, silent, forbidding or newer; what is said then, and what is stored."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from runner.errors import ChatStorageError, ManifestError
from runner.storages.mongodb import MongoChatStorage
from tests.servers import TcpProxy
from tests.servers.mongo import LEAVES_SOCKETS, MongoServer, mongo_server  # noqa: F401 - a fixture
from tests.servers.wall_clock import wall_clock
from tests.storages.children import Child
from tests.storages.conformance_faults import CANARY, FaultsConformance, refusal
from tests.storages.turns import add_under_lease, assert_in_order, say, words

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = LEAVES_SOCKETS


@pytest.fixture
def server(mongo_server: MongoServer) -> MongoServer:  # noqa: F811
    return mongo_server


@pytest.fixture
def url(server: MongoServer) -> Iterator[str]:
    """A database of its own; what the replica set says of itself is not followed, but the way by the proxy."""
    database = f"test_{os.urandom(6).hex()}"
    yield f"mongodb://127.0.0.1:{server.port}/{database}?directConnection=true"
    with server.client() as client:
        client.drop_database(database)


class TestMongoFaults(FaultsConformance):
    patience_when_down = 2.0
    cut_turns = 12
    quick = 3.0


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://host/db", "is not mongodb://user:password@host:27017/database"),
        ("mongodb:host", "is not mongodb://user"),
        (f"mongodb://u:{CANARY}/x@host/db", "in the user, the password and the options write"),
        (f"mongodb+srv://u:{CANARY}#x@host/db", "in the user, the password and the options write"),
    ],
)
def test_a_wrong_url_says_what_to_write(url: str, why: str) -> None:
    with pytest.raises(ManifestError, match=why) as refused:
        MongoChatStorage(url)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (f"?retyWrites=true&tlsCertificateKeyFilePassword={CANARY}", 'PyMongo knows no option "retywrites"'),
        ("?tls=true&tlsCAFile=/nothing", "a file that the URL names cannot be read (No such file"),
        (f"?replicaSet={CANARY}&loadBalanced=true", "PyMongo cannot read the URL"),
    ],
)
async def test_a_url_that_pymongo_cannot_read_is_said(end: str, why: str) -> None:
    assert why in str(await refusal(MongoChatStorage(f"mongodb://u:{CANARY}@127.0.0.1:1/db{end}")))


async def test_an_unknown_host_is_said() -> None:
    error = await refusal(MongoChatStorage(f"mongodb://u:{CANARY}@no-such-host.invalid/db", timeout=2))
    assert "the host's name is not known" in str(error)


async def test_a_wrong_password_is_said() -> None:
    with MongoServer() as guarded:
        guarded.guard("tester", "right")
        at = f"127.0.0.1:{guarded.port}/chats"
        for user, what in ((f"tester:{CANARY}@", "refused the user or the password"), ("", "the user may not do this")):
            error = await refusal(MongoChatStorage(f"mongodb://{user}{at}"))
            assert what in str(error)
            assert str(error).startswith(f"storage mongodb://{at}: ")
            assert not error.retryable
        async with MongoChatStorage(f"mongodb://tester:right@{at}") as storage:
            await storage.append("c", say("a"), 0)


async def test_data_of_a_newer_version_is_neither_read_nor_changed(server: MongoServer, url: str) -> None:
    with server.client() as client:
        database = client[url.rpartition("/")[2].partition("?")[0]]
        database.agent_run_schema.insert_one({"_id": "schema", "version": 2})
        async with MongoChatStorage(url) as storage:
            for use in (storage.append("c", say("a"), 0), storage.read_after("c", 0), storage.acquire("c")):
                with pytest.raises(ChatStorageError, match="was written by a newer agent-run"):
                    await use
        assert database.list_collection_names() == ["agent_run_schema"]


async def test_no_replica_set_is_needed() -> None:
    with MongoServer("--standalone") as alone:
        async with MongoChatStorage(alone.url) as storage:
            for number in range(3):
                await add_under_lease(storage, "c", f"turn {number}")
            await storage.update_history("c", say("x", "y"))
            assert words(await storage.get_history("c")) == ["x", "y"]


async def test_an_append_that_was_cut_after_its_commit_is_whole(server: MongoServer, url: str) -> None:
    """Its entries have no documents of their own yet: they are read all the same, and the next append makes them."""
    async with MongoChatStorage(url) as storage, MongoChatStorage(url) as other:
        await storage.append("c", say("a"), 0)
        with failing(server, "insert"):
            await storage.append("c", say("b", "c"), 1)
            with pytest.raises(ChatStorageError):
                await storage.append("c", say("never"), 3)
        assert entries_of(server, url) == 1
        assert words(await other.get_history("c")) == ["a", "b", "c"]
        assert words(await other.read_after("c", 2)) == ["c"]
        await other.append("c", say("d"), 3)
        assert entries_of(server, url) == 4
        assert words(await storage.get_history("c")) == ["a", "b", "c", "d"]
        await storage.append("c", say("e"), 4)
        assert words(await other.get_history("c")) == ["a", "b", "c", "d", "e"]


async def test_a_replacement_that_was_cut_before_its_commit_changed_nothing_and_is_tidied(
    server: MongoServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with MongoChatStorage(url) as storage:
        await storage.append("c", say("a"), 0)
        with failing(server, "findAndModify"), pytest.raises(ChatStorageError):
            await storage.update_history("c", say("x", "y"))
        assert words(await storage.get_history("c")) == ["a"]
        assert entries_of(server, url) == 3
        await storage.vacuum()
        assert entries_of(server, url) == 3  # somebody may still be at work
        monkeypatch.setattr("runner.storages.mongodb_database._ABANDONED", -60)
        await storage.vacuum()
        assert entries_of(server, url) == 1
        await storage.update_history("c", say("x", "y"))
        assert entries_of(server, url) == 2
        await storage.delete("c")
        assert entries_of(server, url) == 0
        assert await storage.get_history("c") == []


async def test_a_process_whose_clock_is_wrong_takes_nobodys_work_for_abandoned(server: MongoServer, url: str) -> None:
    async with MongoChatStorage(url, timeout=60) as storage:
        with failing(server, "findAndModify"), pytest.raises(ChatStorageError):
            await storage.update_history("c", say("x", "y"))
        with wall_clock() as clock:
            clock.days = 30
            with Child("vacuum", url, env=clock.env) as child:
                assert child.go_on() == ["done"]
    assert entries_of(server, url) == 2


async def test_a_chat_may_be_larger_than_a_document_and_an_entry_may_not(url: str) -> None:
    async with MongoChatStorage(url, timeout=60) as storage:
        for number in range(3):
            await storage.append("c", say("x" * 8_000_000), number)
        assert [len(word) for word in words(await storage.get_history("c"))] == [8_000_000] * 3
        with pytest.raises(ChatStorageError, match="larger than a document may be"):
            await storage.append("c", say("x" * 17_000_000), 3)
        assert len(await storage.get_history("c")) == 3
        await storage.update_history("d", say(*("x" * 8_000_000 for _ in range(3))))
        assert len(await storage.get_history("d")) == 3


async def test_long_ids_are_kept(url: str) -> None:
    chance = os.urandom(6000).hex()
    async with MongoChatStorage(url) as storage:
        async with await storage.acquire(chance):
            await storage.append(chance, say("a"), 0)
        assert [info.chat_id for info in await storage.list_chats(chance[:9000])] == [chance]


async def test_vacuum_drops_the_leases_that_stand_still_and_what_has_no_entries(server: MongoServer, url: str) -> None:
    async with MongoChatStorage(url, lease_time=1) as storage:
        await storage.append("c", say("a"), 0)
        await (await storage.acquire("nothing said")).release()
        with server.client() as client:
            chats = client[url.rpartition("/")[2].partition("?")[0]].agent_run_chats
            lease = {"owner": "pid 1", "counter": 0, "process": "", "since": "", "base": 1, "turn": 1}
            chats.insert_one({"_id": b"k", **lease})
            async with await storage.acquire("held"):
                await storage.vacuum()
                found = [chat.get("owner", "")[:3] for chat in chats.find().sort("base", 1)]
                assert found == ["", "pid"]


async def test_two_storages_exclude_each_other(url: str) -> None:
    async with MongoChatStorage(url, timeout=60) as one, MongoChatStorage(url, timeout=60) as two:
        await asyncio.gather(*(add_under_lease((one, two)[n % 2], "c", f"task {n}") for n in range(6)))
        assert_in_order(await one.get_history("c"), 6)
        await asyncio.gather(*((one, two)[n % 2].append_history("d", say(n)) for n in range(8)))
        assert sorted(words(await one.get_history("d"))) == [str(n) for n in range(8)]


async def test_an_append_whose_lost_try_is_done_after_it_was_looked_for_is_stored_once(
    server: MongoServer, url: str
) -> None:
    with TcpProxy(f"127.0.0.1:{server.port}") as proxy, slow_updates(server, times=2):
        through = url.replace(str(server.port), str(proxy.port))
        async with MongoChatStorage(through) as storage, MongoChatStorage(url) as direct:
            appending = asyncio.create_task(storage.append("c", say("a"), 0))
            await asyncio.sleep(0.3)
            proxy.drop()
            await appending
            assert words(await direct.get_history("c")) == ["a"]


@contextmanager
def slow_updates(server: MongoServer, times: int) -> Iterator[None]:
    """The next updates are done 0.7 seconds after they arrived, even if nobody waits for them any more."""
    with server.client() as client:
        data = {"failCommands": ["update"], "blockConnection": True, "blockTimeMS": 700}
        client.admin.command("configureFailPoint", "failCommand", mode={"times": times}, data=data)
        yield
        client.admin.command("configureFailPoint", "failCommand", mode="off")


@contextmanager
def failing(server: MongoServer, command: str) -> Iterator[None]:
    """Every such command is refused by the server, and not done."""
    with server.client() as client:
        data = {"failCommands": [command], "errorCode": 2}
        client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=data)
        yield
        client.admin.command("configureFailPoint", "failCommand", mode="off")


def entries_of(server: MongoServer, url: str) -> int:
    """How many entries have documents."""
    with server.client() as client:
        return client[url.rpartition("/")[2].partition("?")[0]].agent_run_messages.count_documents({})
