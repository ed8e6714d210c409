"""Chats on a Redis server: what is kept and how, `redis_scripts` says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from runner.storages.base import ChatInfo, changed, position_of
from runner.storages.keys import chat_of_key
from runner.storages.lease import lease_lost
from runner.storages.redis_leases import RedisLeases, RedisValues, held_text
from runner.storages.redis_scripts import WRITE
from runner.storages.redis_server import RedisServer
from runner.storages.server import Texts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.storages.redis_place import RedisPlace
    from runner.storages.server import Page, Write

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 500


class RedisDatabase:
    """A `ServerDatabase`."""

    def __init__(self, place: RedisPlace, timeout: float) -> None:
        self.shown = place.shown
        self._place = place
        self._server = RedisServer(place, timeout)
        self.leases = RedisLeases(self._server)
        self.values = RedisValues(self._server)

    async def read(self, key: bytes, n: int) -> Texts:
        """The texts of a chat's entries from index `n` on; this does not tell of which log, which nobody asks here."""
        (entries,) = await self._server.checked((b"LRANGE", self._log(key), b"%d" % n, b"-1"))
        return Texts(None, [_texts(entry) for entry in entries])

    async def store(self, write: Write) -> None:
        """Do it wholly and once, or raise ChatChangedError when the length or the lease is another by now."""
        tables = map(self._place.key, ("store", "chats", "writes", "leases"))
        reply = await self._server.script(
            WRITE,
            [*tables, self._log(write.key)],
            *(write.key, held_text(write.held), b"" if write.expected is None else b"%d" % write.expected),
            *(b"replace" if write.replaces else b"free" if write.frees else b"", b"%016x" % write.batch),
            *(f"{content}\0{meta}".encode("ascii") for content, meta in write.texts),  # JSON holds no NUL
            writes=True,
        )
        if reply[0] == b"lease":
            raise lease_lost(write.chat_id)
        if reply[0] == b"length":
            raise changed(write.chat_id, reply[1], write.expected or 0)

    async def listed(self, page: Page) -> list[ChatInfo]:
        """The chats, the one written to last first."""
        found: list[ChatInfo] = []
        async for times in self._times(page):
            lengths = await self._server.checked(*((b"LLEN", self._log(key)) for key, _ in times))
            for (key, time), length in zip(times, lengths, strict=True):
                if length and len(found) < page.limit:  # one without entries was deleted this moment
                    updated = _EPOCH + timedelta(microseconds=time)
                    found.append(ChatInfo(chat_of_key(key), length, updated, str(time)))
            if len(found) == page.limit:
                break
        return found

    async def tidy(self) -> None:
        """Nothing: the server gives memory back by itself."""

    async def aclose(self) -> None:
        """Close all connections."""
        await self._server.aclose()

    def _log(self, key: bytes) -> bytes:
        return self._place.key("log", key)

    async def _times(self, page: Page) -> AsyncIterator[list[tuple[bytes, int]]]:
        """The keys that are asked for with the times of their last writes, the newest first, some at once."""
        below = position_of(page.after)
        if page.before is not None:
            below = min(below, (page.before - _EPOCH) // timedelta(microseconds=1))
        count = min(page.limit, _AT_ONCE)
        while True:
            scores = (b"(%d" % below, b"-inf", b"WITHSCORES", b"LIMIT", b"0", b"%d" % count)
            (flat,) = await self._server.checked((b"ZREVRANGEBYSCORE", self._place.key("chats"), *scores))
            if not flat:
                return
            listed = [(key, int(float(time))) for key, time in zip(flat[::2], flat[1::2], strict=True)]
            if wanted := [(key, time) for key, time in listed if page.start <= key < page.end]:
                yield wanted
            below, count = listed[-1][1], _AT_ONCE


def _texts(entry: bytes) -> tuple[str, str]:
    content, _, meta = entry.decode("ascii").partition("\0")
    return content, meta
