"""Copies of logs on a Redis server. What is here may be old, gone or unreachable at any time: nothing depends on it.

A copy is a list: first a header (the log's incarnation, and a random word for this copy), then pieces, each the content
and meta texts of some entries with NULs between. It begins with the chat's first entry and grows at its end, so that
any older state of it is the beginning of the same log.
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import ChatStorageError
from runner.messages import ChatMessage
from runner.storages.redis_place import place_of
from runner.storages.redis_scripts import Script
from runner.storages.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.storages.redis_scripts import Command

KEPT = 86_400
"""Seconds that a copy is kept after its last use."""
LARGEST = 32_000_000
"""Characters of a log above which it is not copied."""
LONGEST_REST = 30.0
"""Seconds between two tries to reach a server that failed."""

_PUT = Script(
    """
-- KEYS: copy; ARGV: format, seconds, header, piece
redis.call('DEL', KEYS[1])
redis.call('RPUSH', KEYS[1], ARGV[3], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return {'ok'}
"""
)
_EXTEND = Script(
    """
-- KEYS: copy; ARGV: format, seconds, header, piece, how long the list is
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[3] then return {'no'} end
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[5]) then return {'no'} end
redis.call('RPUSH', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return {'ok'}
"""
)

_log = logging.getLogger("agent_run")


@dataclass(frozen=True, slots=True)
class Copy:
    """A log as it was once, with at least one entry."""

    incarnation: int
    entries: list[ChatMessage]
    header: bytes
    pieces: int


class HybridCache:
    """The copies under names that begin with the URL's prefix. Its methods never raise because of the server.

    A server that fails is left alone for a while, so that it costs no one a deadline again and again; the log says once
    that it failed, and once that it is back.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        self.place = place_of(url)
        self._server = RedisServer(self.place, timeout, is_cache=True)
        self._rest = 0.0
        self._rests_until = 0.0

    async def get(self, name: bytes) -> Copy | None:
        """The copy of a log, if there is one and the server is there."""
        key = self.place.key("cache", name)
        replies = await self._asked((b"LRANGE", key, b"0", b"-1"), (b"EXPIRE", key, b"%d" % KEPT))
        try:
            return _read(replies[0]) if replies else None
        except ValueError:
            _log.debug("cache %s: what is under %r is no copy of ours", self.place.shown, key[:80])
            return None

    async def put(self, name: bytes, incarnation: int, entries: Sequence[ChatMessage]) -> None:
        """Copy a log from its beginning, in the place of any older copy."""
        piece = _piece(entries)
        if len(piece) <= LARGEST:
            header = b"%d %s" % (incarnation, secrets.token_hex(8).encode())
            await self._asked(_PUT.call([self.place.key("cache", name)], b"%d" % KEPT, header, piece))

    async def extend(self, name: bytes, copy: Copy, entries: Sequence[ChatMessage]) -> None:
        """Add the entries behind those of the copy, unless someone else was first."""
        words = (copy.header, _piece(entries), b"%d" % (copy.pieces + 1))
        await self._asked(_EXTEND.call([self.place.key("cache", name)], b"%d" % KEPT, *words))

    async def forget(self, name: bytes) -> None:
        """Delete the copy."""
        await self._asked((b"DEL", self.place.key("cache", name)))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._server.aclose()

    async def _asked(self, *commands: Command) -> list[Any] | None:
        if time.monotonic() < self._rests_until:
            return None
        try:
            replies = (await self._server.run(*commands)).replies
        except ChatStorageError as error:
            self._failed(error)
            return None
        if self._rest:
            self._rest = 0.0
            _log.warning("cache %s: is back", self.place.shown)
        return replies

    def _failed(self, error: ChatStorageError) -> None:
        if not self._rest:
            said = str(error).removeprefix("storage ")
            _log.warning("cache %s. Histories come from the database alone until it is back", said)
        self._rest = min(max(1.0, self._rest * 2), LONGEST_REST)
        self._rests_until = time.monotonic() + self._rest


def _piece(entries: Sequence[ChatMessage]) -> bytes:
    return "\0".join([text for entry in entries for text in (entry.content_json, entry.meta_json)]).encode("ascii")


def _read(stored: list[bytes]) -> Copy | None:
    """The copy that a list holds; ValueError for what is none of ours."""
    if not stored:
        return None
    header, *pieces = stored
    texts = [text for piece in pieces for text in piece.decode("ascii").split("\0")]
    entries = [ChatMessage.from_stored(*pair) for pair in zip(texts[::2], texts[1::2], strict=True)]
    if not entries:
        raise ValueError("no entries")
    return Copy(int(header.split(b" ")[0]), entries, header, len(pieces))
