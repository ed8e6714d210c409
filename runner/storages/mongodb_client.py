"""PyMongo's client of a MongoDB database, one for each event loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    InvalidOperation,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.uri_parser import split_options, validate_options

from runner.storages.deadlines import Again, Away, Lost, storage_error
from runner.storages.mongodb_errors import from_reaching, from_reading, from_server, reaching, too_large
from runner.storages.urls import without_password

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from pymongo.asynchronous.collection import AsyncCollection

T = TypeVar("T")
Document: TypeAlias = dict[str, Any]
Collection: TypeAlias = "AsyncCollection[Document]"

SCHEMA_VERSION = 1
DATABASE = "agent_run"
"""The database of a URL that names none."""
_CONFLICT, _DUPLICATE = 112, 11000


@dataclass(frozen=True, slots=True)
class Collections:
    """The collections of a database. What is written to them is on the disks of a majority when it is acknowledged."""

    chats: Collection
    messages: Collection
    shared: Collection
    schema: Collection


class MongoHome:
    """The connections of one event loop.

    Each command is a task of its own. At its deadline it is cancelled, and PyMongo closes its connection. Until then it
    goes on when nobody waits for it any more: PyMongo loses a socket that is cancelled while it connects.
    """

    def __init__(self, url: str, patience: float) -> None:
        self._shown = without_password(url)
        self._patience = patience
        milliseconds = int(patience * 1000)
        try:
            validate_options(split_options(url.partition("?")[2]) if "?" in url else {}, warn=False)
            self._client: AsyncMongoClient[Document] = AsyncMongoClient(
                url,
                connect=False,
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
                serverMonitoringMode="poll",  # else a second connection, which PyMongo may lose when it closes soon
                retryWrites=False,  # the storage tries again by itself, and looks first what became of a write
                tz_aware=True,
            )
        except OSError as error:
            text = f"a file that the URL names cannot be read ({error.strerror}); correct the URL"
            raise storage_error(self._shown, text) from None
        except (ConfigurationError, InvalidURI, ValueError, TypeError) as error:
            raise from_reading(error, self._shown) from None
        self._is_prepared = False
        self._under_way: set[asyncio.Task[Any]] = set()

    async def run(self, work: Callable[[Collections], Awaitable[T]], deadline: float) -> T:
        """What `work` returns; it is cut off at the deadline, by the loop's clock, not before.

        Raises Lost when it may have been done all the same, Again when the server undid it because of others, Away when
        it cannot be reached, and ChatStorageError when it refused.
        """
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._done(work))
        cutting = loop.call_at(deadline, task.cancel)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        task.add_done_callback(lambda _: cutting.cancel())
        task.add_done_callback(_looked_at)
        await asyncio.wait({task})
        if task.cancelled():
            raise Lost(self._silence())
        try:
            return task.result()
        except DocumentTooLarge as error:
            raise too_large(self._shown) from error
        except PyMongoError as error:
            raise self._told(error) from error

    async def _done(self, work: Callable[[Collections], Awaitable[T]]) -> T:
        database = self._client.get_default_database(
            DATABASE, CodecOptions(tz_aware=True), write_concern=WriteConcern("majority", j=True)
        )
        names = ("chats", "messages", "shared", "schema")
        collections = Collections(*(database[f"agent_run_{name}"] for name in names))
        if not self._is_prepared:
            await self._prepare(collections)
            self._is_prepared = True
        return await work(collections)

    async def _prepare(self, collections: Collections) -> None:
        """Look at the version of what is stored; of a new database, write it down."""
        found = await collections.schema.find_one({"_id": "schema"})
        if found is None:
            await collections.chats.create_index([("updated", -1), ("tick", -1)])
            await added(collections.schema, [{"_id": "schema", "version": SCHEMA_VERSION}])
        elif found["version"] > SCHEMA_VERSION:
            raise storage_error(
                self._shown,
                f"was written by a newer agent-run (its format is {found['version']}, this one knows {SCHEMA_VERSION});"
                " it was left as it is. Upgrade agent-run, or use another database",
            )

    def _told(self, error: PyMongoError) -> Exception:
        if isinstance(error, ServerSelectionTimeoutError):
            return Away(from_reaching(error, self._shown))
        if isinstance(error, AutoReconnect | ConnectionFailure | InvalidOperation):
            return Lost(reaching(error))
        if isinstance(error, WTimeoutError | WriteConcernError):
            return Lost("the write did not reach a majority of the servers in time")
        if isinstance(error, ConfigurationError | InvalidURI):
            return from_reading(error, self._shown)
        if isinstance(error, OperationFailure) and error.code == _CONFLICT:
            return Again()
        return from_server(error, self._shown)

    def _silence(self) -> str:
        """What is known of a server that did not answer in time."""
        servers = self._client.topology_description.server_descriptions().values()
        error = next((server.error for server in servers if server.error), None)
        return reaching(error or TimeoutError("timed out"))

    async def held(self) -> AsyncGenerator[None, None]:
        """Suspended as long as the client is used; whoever finishes it closes all connections."""
        try:
            yield
        finally:
            for task in self._under_way:
                task.cancel()
            if self._under_way:
                await asyncio.wait(self._under_way)
            await self._client.close()


def _looked_at(task: asyncio.Task[Any]) -> None:
    """Whoever waited may have been cancelled; then nobody asks what became of it."""
    if not task.cancelled():
        task.exception()


async def added(collection: Collection, documents: Sequence[Document]) -> bool:
    """Insert documents, but those whose `_id` is there already; whether there were none of these."""
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        failures = (error.details or {}).get("writeErrors", [])
        if (error.details or {}).get("writeConcernErrors") or any(each["code"] != _DUPLICATE for each in failures):
            raise
        return False
    return True


async def unless_there(writing: Awaitable[T]) -> T | None:
    """What an upsert returns; None when the document is there and is not as its filter says."""
    try:
        return await writing
    except DuplicateKeyError:
        return None
