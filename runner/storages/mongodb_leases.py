"""Leases, which are fields of the chats' documents, and shared values, in a MongoDB database."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from runner.storages.keys import digest
from runner.storages.lease import Holder, utc_now
from runner.storages.mongodb_chats import FREED
from runner.storages.processes import own_mark
from runner.storages.shared_state import SharedValue

if TYPE_CHECKING:
    from runner.storages.mongodb_client import Collections, Document
    from runner.storages.mongodb_database import MongoDatabase

_LEASE = dict.fromkeys(("log", "owner", "base", "turn", "counter", "process", "since"), 1)


class MongoLeases:
    """`LeaseRows`. What has no chat, or not yet, has a document with a lease alone.

    An epoch is the time at which the document was made, in nanoseconds, and how often its lease was taken since.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def take(self, key: bytes, owner: str, replaced: Holder | None) -> tuple[Holder, str]:
        """Give the lease to `owner` if it is free or still as `replaced` says; the holder now, its process's mark."""
        work = partial(_take, name=digest(key), owner=owner, replaced=replaced)
        while (found := await self._database.run(work)) is None:
            pass  # others were quicker; who has it now?
        return _holder(found)

    async def renew(self, key: bytes, owner: str, epoch: int) -> bool:
        """Move the counter; False when another has the lease."""

        async def renew(collections: Collections) -> bool:
            query = {"_id": digest(key), "owner": owner}
            return (await collections.chats.update_one(query, {"$inc": {"counter": 1}})).matched_count == 1

        return await self._database.run(renew)

    async def drop(self, key: bytes, owner: str) -> None:
        """Free the lease if `owner` has it."""

        async def drop(collections: Collections) -> None:
            await collections.chats.update_one({"_id": digest(key), "owner": owner}, FREED)

        await self._database.run(drop)

    async def all(self) -> list[tuple[Holder, str]]:
        """Every holder, and the mark of its process."""

        async def find(collections: Collections) -> list[Document]:
            return await collections.chats.find({"owner": {"$ne": None}}, _LEASE).to_list()

        return [_holder(found) for found in await self._database.run(find)]

    async def drop_unchanged(self, holder: Holder) -> None:
        """Free the lease that is still as `holder` says."""

        async def drop(collections: Collections) -> None:
            await collections.chats.update_one({"owner": holder.owner, "counter": holder.counter}, FREED)

        await self._database.run(drop)


class MongoValues:
    """`SharedRows`: a value is a document."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def get(self, key: bytes) -> SharedValue | None:
        """The value now."""

        async def get(collections: Collections) -> SharedValue | None:
            found = await collections.shared.find_one({"_id": digest(key)})
            return SharedValue(found["text"], found["version"]) if found else None

        return await self._database.run(get)

    async def put(self, key: bytes, value: SharedValue | None, version: str | None) -> tuple[bool, bool]:
        """Replace the value if its version is `version`; whether it was done now, or may have been before."""

        async def put(collections: Collections) -> bool:
            from runner.storages.mongodb_client import added

            query = {"_id": digest(key), "version": version}
            if value is None:
                return (await collections.shared.delete_one(query)).deleted_count == 1
            fields = {"text": value.text, "version": value.version}
            if version is None:
                return await added(collections.shared, [{"_id": digest(key), **fields}])
            return (await collections.shared.update_one(query, {"$set": fields})).matched_count == 1

        return await self._database.tried(put)


async def _take(collections: Collections, *, name: bytes, owner: str, replaced: Holder | None) -> Document | None:
    """The document of whoever has the lease now; None when that changed at the same moment."""
    from runner.storages.mongodb_client import unless_there

    found = await collections.chats.find_one({"_id": name, "owner": {"$ne": None}}, _LEASE)  # a look locks nobody out
    if found is not None and (replaced is None or _holder(found)[0] != replaced):
        return found
    query: Document = {"_id": name, "owner": None}
    if found is not None:
        query |= {"owner": found["owner"], "counter": found["counter"]}
    update = {
        "$set": {"owner": owner, "counter": 0, "process": own_mark(), "since": utc_now()},
        "$inc": {"turn": 1},
        "$setOnInsert": {"base": time.time_ns()},
    }
    take = collections.chats.find_one_and_update
    return await unless_there(take(query, update, _LEASE, upsert=found is None, return_document=True))


def _holder(found: Document) -> tuple[Holder, str]:
    log = found.get("log")
    incarnation = int.from_bytes(log) if log else None
    return Holder(found["owner"], found["base"] + found["turn"], found["counter"], found["since"], incarnation), found[
        "process"
    ]
