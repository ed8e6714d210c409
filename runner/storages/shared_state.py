"""What processes share beside chats: small texts that are replaced only by who has seen the last one, and leases."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.errors import ChatStorageError
from runner.storages.claims import Claims
from runner.storages.lease import LocalLeases, wait_for_lease

if TYPE_CHECKING:
    from runner.storages.lease import Lease

NOUN = "shared key"
"""What the messages of `wait_for_lease` call what is leased here."""

_LEASES = Claims()


@dataclass(frozen=True, slots=True)
class SharedValue:
    """A text and the token of the write that stored it; no two writes have the same token."""

    text: str
    version: str


class SharedState(Protocol):
    """Shared by all who use one storage. Keys are any text and never meet those of chats."""

    async def get(self, key: str) -> SharedValue | None:
        """The value now; None where there is none."""

    async def put_if(self, key: str, text: str | None, version: str | None) -> str | None:
        """Replace the value if its version is `version` (None: there is none), in one atomic step.

        Returns the token of this write, or None when someone else was first. A `text` of None deletes the value; the
        token of a deletion is no one's version.
        """

    async def acquire(self, key: str, *, timeout: float = 30.0) -> Lease:  # noqa: ASYNC109 - the error names it
        """A lease on the key, as `ChatStorage.acquire` gives on a chat."""


class LocalSharedState:
    """Shared by the tasks, threads and event loops of this process that use one storage object."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, SharedValue] = {}

    async def get(self, key: str) -> SharedValue | None:
        """The value now."""
        return self._values.get(key)

    async def put_if(self, key: str, text: str | None, version: str | None) -> str | None:
        """Replace the value if its version is `version`."""
        token = new_version()
        value = None if text is None else SharedValue(shared_text(text), token)
        with self._lock:
            found = self._values.get(key)
            if (found.version if found else None) != version:
                return None
            if value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = value
        return token

    async def acquire(self, key: str, *, timeout: float = 30.0) -> Lease:  # noqa: ASYNC109 - the error names it
        """A lease on the key, inside this process."""
        return await wait_for_lease(LocalLeases(_LEASES, self), key, timeout, NOUN)


def new_version() -> str:
    """A token that no other write has."""
    return secrets.token_hex(12)


def shared_text(text: str) -> str:
    """`text`, which every storage can keep as it is; else ChatStorageError."""
    if not (text.isascii() and text.isprintable()):
        raise ChatStorageError("a shared value is one line of printable ASCII, such as JSON")
    return text
