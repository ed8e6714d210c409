"""Chats in the collections of a MongoDB database: no transactions, and nothing that is seen by halves.

A chat is a document: its `log`, a random name for this incarnation of it, its `length`, its lease, and in `tail` the
entries of the last append. To append is one update of that document, which depends on the length and the lease: all of
it happens, or nothing. Each entry then also becomes a document of its own, named by its log and its index; before the
tail is replaced, that has surely happened, and whoever does it writes the same. So a reader finds everything in the
tail and in the documents before it. A log that replaces another is written first, and named by the chat then.
"""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from runner.storages.base import ChatInfo, changed
from runner.storages.deadlines import Again
from runner.storages.keys import chat_of_key, digest
from runner.storages.lease import lease_lost
from runner.storages.server import Texts

if TYPE_CHECKING:
    from runner.storages.mongodb_client import Collections, Document
    from runner.storages.server import Page, Write

_CONTENT = {"log": 1, "length": 1, "tail": 1, "owner": 1}
FREED = {"$unset": dict.fromkeys(("owner", "counter", "process", "since"), "")}
"""The update that frees a lease."""
_ALL_OF_A_LOG = ("log", "length", "tail", "key", "updated", "tick")
_END = 2**32 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSITION = re.compile(r"([0-9]{1,15})-([0-9]{1,19})")


def new_log(seconds: int) -> bytes:
    """A name that no other log has: a time, and eight random bytes. It tells how old what belongs to no chat is."""
    return seconds.to_bytes(4) + os.urandom(8)


async def server_time(collections: Collections) -> int:
    """The time on the server's clock, in seconds: no process's own clock is to decide what is deleted."""
    told = await collections.chats.database.command("hello")
    return int(told["localTime"].timestamp())


def tail_of(write: Write, seq: int) -> Document:
    """What is stored of an append at once: its entries, from which index on, and the number it is found by."""
    return {"seq": seq, "batch": write.batch, "texts": [list(texts) for texts in write.texts]}


async def read(collections: Collections, *, key: bytes, n: int) -> Texts:
    """The texts of a chat's entries from index `n` on."""
    chat = await collections.chats.find_one({"_id": key, "length": {"$gt": n}}, _CONTENT)
    if chat is None:
        return Texts(None, [])
    tail, incarnation = chat["tail"], int.from_bytes(chat["log"], "big")
    last = [(content, meta) for content, meta in tail["texts"][max(0, n - tail["seq"]) :]]
    if n >= tail["seq"]:
        return Texts(incarnation, last)
    found = await collections.messages.find(_ids(chat["log"], n, tail["seq"])).sort("_id", 1).to_list()
    if len(found) != tail["seq"] - n:
        raise Again  # the log was replaced meanwhile
    return Texts(incarnation, [(each["content"], each["meta"]) for each in found] + last)


async def listed(collections: Collections, *, page: Page) -> list[ChatInfo]:
    """The chats, the one written to last first."""
    query: Document = {"length": {"$gt": 0}, "key": {"$gte": _text(page.start), "$lt": _text(page.end)}}
    if page.before is not None:
        query["updated"] = {"$lt": page.before}
    if page.after is not None:
        query["$or"] = _behind(page.after)
    newest_first = [("updated", -1), ("tick", -1)]
    found = collections.chats.find(query, {"tail": 0}).sort(newest_first).limit(page.limit)
    return [_info(chat) async for chat in found]


async def made_whole(collections: Collections, *, write: Write) -> tuple[bytes, int]:
    """The chat's log and length, when surely each entry has a document; a new log where there is none."""
    chat = await collections.chats.find_one({"_id": digest(write.key), "length": {"$gt": 0}}, _CONTENT)
    if chat is None:
        return new_log(0), 0
    await add_entries(collections, log=chat["log"], tail=chat["tail"])
    return chat["log"], chat["length"]


async def add_entries(collections: Collections, *, log: bytes, tail: Document) -> None:
    """Make a document of each entry that has none yet."""
    from runner.storages.mongodb_client import added

    entries = [
        {"_id": _id(log, seq), "batch": tail["batch"], "content": content, "meta": meta}
        for seq, (content, meta) in enumerate(tail["texts"], tail["seq"])
    ]
    if entries:
        await added(collections.messages, entries)


async def empty_tail(collections: Collections, *, key: bytes, log: bytes, length: int) -> None:
    """Take the entries out of the tail, each of which has a document, so that taking a lease does not rewrite them."""
    query = {"_id": key, "log": log, "length": length}
    await collections.chats.update_one(query, {"$set": {"tail.seq": length, "tail.texts": []}})


async def append(collections: Collections, *, write: Write, log: bytes, length: int) -> None:
    """Add the entries if the log has this length, and the lease on which that depends is held."""
    from runner.storages.mongodb_client import unless_there

    now_there = {"length": length + len(write.texts), "tail": tail_of(write, length)}
    if length:
        query = {**_held(write), "log": log, "length": length}
        update = _written(now_there)
    else:
        query = {**_held(write), "length": None}
        update = _written({**now_there, "key": _text(write.key), "log": log})
    if write.frees:
        update |= FREED
    upsert = not length and write.held is None
    done = await unless_there(collections.chats.update_one(query, update, upsert=upsert))
    if done is None or not (done.matched_count or done.upserted_id):
        await explain(collections, write=write)


async def replace_log(collections: Collections, *, write: Write, log: bytes) -> bytes | None:
    """Give the chat a log that is written already, or none where there are no entries; the log it had."""
    if write.texts:
        end = {"seq": len(write.texts), "batch": write.batch, "texts": []}
        update = _written({"key": _text(write.key), "log": log, "length": len(write.texts), "tail": end})
    else:
        update = {"$unset": dict.fromkeys(_ALL_OF_A_LOG, "")}
    upsert = write.held is None and bool(write.texts)
    before = await collections.chats.find_one_and_update(_held(write), update, {"log": 1}, upsert=upsert)
    if before is None and write.held is not None:
        raise lease_lost(write.chat_id)
    old = before.get("log") if before else None
    return None if old == log else old


async def is_stored(collections: Collections, *, write: Write) -> bool:
    """Whether the chat has entries that this write stored."""
    chat = await collections.chats.find_one({"_id": digest(write.key), "length": {"$gt": 0}}, _CONTENT)
    if chat is None or chat["tail"]["batch"] == write.batch:
        return chat is not None
    query = {**_ids(chat["log"], write.expected or 0, chat["length"]), "batch": write.batch}
    return await collections.messages.find_one(query, {"_id": 1}) is not None


async def explain(collections: Collections, *, write: Write) -> None:
    """Raise ChatChangedError if the lease or the length is not as the write needs it."""
    chat = await collections.chats.find_one({"_id": digest(write.key)}, _CONTENT) or {}
    length = chat.get("length") or 0
    if write.held is not None and chat.get("owner") != write.held.owner:
        raise lease_lost(write.chat_id)
    if write.expected is not None and write.expected != length:
        raise changed(write.chat_id, length, write.expected)
    if write.texts:
        raise Again


async def delete_log(collections: Collections, *, log: bytes) -> None:
    """Delete the documents of a log."""
    await collections.messages.delete_many(_ids(log, 0, _END))


async def delete_abandoned(collections: Collections, *, log: bytes) -> None:
    """The same, of a log that no chat has now."""
    if await collections.chats.find_one({"log": log}, {"_id": 1}) is None:
        await delete_log(collections, log=log)


async def next_log(collections: Collections, *, after: bytes) -> bytes | None:
    """The log whose name comes next."""
    query: Document = {"_id": {"$gt": _id(after, _END)}} if after else {}
    found = await collections.messages.find(query, {"_id": 1}).sort("_id", 1).limit(1).to_list()
    return bytes(found[0]["_id"][:12]) if found else None


def _held(write: Write) -> Document:
    """The chat, if the lease on which the write depends is held; no two holdings have the same owner."""
    chat = {"_id": digest(write.key)}
    return {**chat, "owner": write.held.owner} if write.held else chat


def _written(fields: Document) -> Document:
    """The update of a write: by the server's clock; `tick` orders the writes of one millisecond."""
    return {
        "$set": {**fields, "tick": time.time_ns()},
        "$currentDate": {"updated": True},
        "$setOnInsert": {"base": time.time_ns(), "turn": 0},
    }


def _id(log: bytes, seq: int) -> bytes:
    return log + seq.to_bytes(4)


def _ids(log: bytes, start: int, end: int) -> Document:
    return {"_id": {"$gte": _id(log, start), "$lt": _id(log, end)}}


def _text(key: bytes) -> str:
    """A key as text in the same order; MongoDB orders bytes by their length first."""
    return key.decode("latin-1")


def _info(chat: Document) -> ChatInfo:
    milliseconds = (chat["updated"] - _EPOCH) // timedelta(milliseconds=1)
    chat_id = chat_of_key(chat["key"].encode("latin-1"))
    return ChatInfo(chat_id, chat["length"], chat["updated"], f"{milliseconds}-{chat['tick']}")


def _behind(info: ChatInfo) -> list[Document]:
    """What comes after a place in the list."""
    place = _POSITION.fullmatch(info.position)
    if place is None:
        raise ValueError(f"{info.position[:40]!r} is no place in this storage's list of chats")
    updated = _EPOCH + timedelta(milliseconds=int(place[1]))
    return [{"updated": {"$lt": updated}}, {"updated": updated, "tick": {"$lt": int(place[2])}}]
