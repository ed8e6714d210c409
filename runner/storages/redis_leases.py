"""Leases and shared values on a Redis server."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from runner.storages.lease import Holder, utc_now
from runner.storages.processes import own_mark
from runner.storages.redis_scripts import DROP, DROP_UNCHANGED, PUT_IF, RENEW, TAKE
from runner.storages.shared_state import SharedValue

if TYPE_CHECKING:
    from runner.storages.redis_server import RedisServer


class RedisLeases:
    """A lease is a field of a hash."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._keys = [server.place.key(kind) for kind in ("store", "leases")]
        self._writes = server.place.key("writes")

    async def take(self, key: bytes, owner: str, replaced: Holder | None) -> tuple[Holder, str]:
        """Give the lease to `owner` if it is free or still as `replaced` says; the holder now, its process's mark."""
        still = b"" if replaced is None else _now(replaced)
        since = f"{utc_now()}\n{own_mark()}".encode()
        keys = [*self._keys, self._writes]
        reply = await self._server.script(TAKE, keys, key, owner.encode(), still, since)
        return _read(reply[1], reply[2] if len(reply) > 2 else None)

    async def renew(self, key: bytes, owner: str, epoch: int) -> bool:
        """Move the counter; False when another has the lease."""
        reply = await self._server.script(RENEW, self._keys, key, held_text(Holder(owner, epoch)))
        return bool(reply[0] == b"ok")

    async def drop(self, key: bytes, owner: str) -> None:
        """Free the lease if `owner` has it."""
        await self._server.script(DROP, self._keys, key, owner.encode())

    async def all(self) -> list[tuple[Holder, str]]:
        """Every holder, and the mark of its process."""
        (leases,) = await self._server.checked((b"HVALS", self._keys[1]))
        return [_read(lease) for lease in leases]

    async def drop_unchanged(self, holder: Holder) -> None:
        """Free the lease that is still as `holder` says."""
        await self._server.script(DROP_UNCHANGED, self._keys, _now(holder))


class RedisValues:
    """A shared value is a field of a hash: its version, a blank, its text."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._keys = [server.place.key(kind) for kind in ("store", "shared")]

    async def get(self, key: bytes) -> SharedValue | None:
        """The value now."""
        (value,) = await self._server.checked((b"HGET", self._keys[1], key))
        if value is None:
            return None
        version, _, text = value.decode("ascii").partition(" ")
        return SharedValue(text, version)

    async def put(self, key: bytes, value: SharedValue | None, version: str | None) -> tuple[bool, bool]:
        """Replace the value if its version is `version`; whether it was, and whether an earlier try may have."""
        text = "" if value is None else f"{value.version} {value.text}"
        expected = (version or "").encode("ascii", "replace")
        answer = await self._server.run(PUT_IF.call(self._keys, key, expected, text.encode("ascii")))
        return self._server.understood(answer.replies[0])[0] == b"ok", answer.resent


def held_text(holder: Holder | None) -> bytes:
    """How a lease begins on the server: what does not change while it is held. Empty for none."""
    return b"" if holder is None else f"{holder.epoch}\n{holder.owner}\n".encode()


def _now(holder: Holder) -> bytes:
    return b"%s%d\n" % (held_text(holder), holder.counter)


def _read(lease: bytes, incarnation: bytes | None = None) -> tuple[Holder, str]:
    epoch, owner, counter, since, process = lease.decode().split("\n")
    number = None if incarnation is None else int.from_bytes(hashlib.sha256(incarnation).digest()[:7], "big")
    return Holder(owner, int(epoch), int(counter), since, number), process
