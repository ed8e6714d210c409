"""`RedisChatStorage`: chats on a Redis server, shared by all who reach it."""

from __future__ import annotations

from runner.storages.lease import LEASE_TIME
from runner.storages.redis_database import RedisDatabase
from runner.storages.redis_place import place_of
from runner.storages.server import ServerChatStorage


class RedisChatStorage(ServerChatStorage):
    """Keeps chats on a Redis server (6 or newer, no cluster), as durably as the server keeps what it acknowledges.

    That is its append-only file's setting; where it has none, or may evict keys, the log says so once. The server is
    contacted at first use. Every command is over within `timeout` seconds; a lost connection is tried again in that
    time, and a write whose reply was lost is not made twice. One that was cancelled runs to its end.
    """

    def __init__(self, url: str, *, lease_time: float = LEASE_TIME, timeout: float = 5.0) -> None:
        super().__init__(RedisDatabase(place_of(url), timeout), lease_time)
