"""What processes share beside chats, on a database server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runner.storages.keys import shared_key
from runner.storages.lease import wait_for_lease
from runner.storages.server_leases import ServerLeases
from runner.storages.shared_state import NOUN, SharedValue, new_version, shared_text

if TYPE_CHECKING:
    from runner.storages.lease import Lease
    from runner.storages.server_leases import LeaseRows


class SharedRows(Protocol):
    """The shared values of a server by key."""

    async def get(self, key: bytes) -> SharedValue | None:
        """The value now."""

    async def put(self, key: bytes, value: SharedValue | None, version: str | None) -> tuple[bool, bool]:
        """Replace the value if its version is `version`, in one atomic step.

        Whether it was done now, and whether it may have been done before, by a try whose answer was lost.
        """


class ServerSharedState:
    """A `SharedState` of those who use the server."""

    def __init__(self, values: SharedRows, leases: LeaseRows, lease_time: float) -> None:
        self._values = values
        self.leases = ServerLeases(leases, lease_time, key_of=shared_key)

    async def get(self, key: str) -> SharedValue | None:
        """The value now."""
        return await self._values.get(shared_key(key))

    async def put_if(self, key: str, text: str | None, version: str | None) -> str | None:
        """Replace the value if its version is `version`."""
        token = new_version()
        value = None if text is None else SharedValue(shared_text(text), token)
        is_done, in_doubt = await self._values.put(shared_key(key), value, version)
        if is_done:
            return token
        found = await self.get(key)
        if found is None:
            return token if text is None and (in_doubt or version is None) else None
        return token if found.version == token else None

    async def acquire(self, key: str, *, timeout: float = 30.0) -> Lease:  # noqa: ASYNC109 - the error names it
        """A lease on the key, against all processes that use the server."""
        return await wait_for_lease(self.leases, key, timeout, NOUN)
