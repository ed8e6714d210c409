"""What Redis and redis-py say, in plain words."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    InvalidResponse,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from runner.storages.deadlines import storage_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import ChatStorageError
    from runner.storages.redis_place import RedisPlace

SILENT = "the server did not answer in time; see whether it runs and can be reached"
_KINDS = (  # of errors, what they mean, whether the same may succeed later
    (BusyLoadingError, "the server has just started and is still reading its data; try again soon", True),
    (TimeoutError, SILENT, True),
    (InvalidResponse, "what answers there is no Redis server; correct the address", False),
)
_SAID = (  # a word of the server's message, what it means, whether the same may succeed later
    ("WRONGPASS", "refused the user or the password; correct them in the URL", False),
    ("NOAUTH", "asks for a password; write it in the URL: redis://user:password@host", False),
    ("AUTH", "refused the user or the password; correct them in the URL", False),
    ("invalid password", "refused the user or the password; correct them in the URL", False),
    ("invalid username-password", "refused the user or the password; correct them in the URL", False),
    ("DB index is out of range", "has no database of this number; choose another one, such as /0", False),
    ("READONLY", "is a read-only replica; write the URL of the primary", False),
    ("MISCONF", "cannot save to its disk and takes no writes; look at the server's log", True),
    ("NOREPLICAS", "has too few replicas to take writes", True),
    ("OOM", "has used the memory it may use (maxmemory); give it more, or delete old chats", True),
    ("WRONGTYPE", "keeps other things under these names; choose another ?prefix= in the URL", False),
    ("MOVED", "is part of a Redis Cluster, which this storage cannot use; choose a single server", False),
    ("CROSSSLOT", "is part of a Redis Cluster, which this storage cannot use; choose a single server", False),
    ("CLUSTERDOWN", "is part of a Redis Cluster, which this storage cannot use; choose a single server", False),
    ("MASTERDOWN", "is a replica that has lost its primary; write the URL of the primary", True),
    ("max number of clients", "has as many connections as it takes (maxclients)", True),
    ("BUSY", "is busy with another program's script", True),
    ("unknown command", "lacks a command this storage needs; use Redis 6 or newer", False),
)


def is_passing(error: Exception) -> bool:
    """Whether the connection, not the request, is the trouble, and may be better in a moment."""
    if isinstance(error, AuthenticationError | AuthorizationError | InvalidResponse):
        return False
    return not any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def is_loading(error: Exception) -> bool:
    """Whether the server has just started and reads its data."""
    return isinstance(error, BusyLoadingError)


def told(error: Exception, place: RedisPlace) -> ChatStorageError:
    """The error for the user, one line."""
    text, is_retryable = meaning(error, place)
    return storage_error(place.shown, text, retryable=is_retryable)


def meaning(error: Exception, place: RedisPlace) -> tuple[str, bool]:
    """What is wrong and what to do, and whether the same may succeed later."""
    said = f"{getattr(error, 'status_code', None) or ''} {error}"
    for kind, meaning, is_retryable in _KINDS:
        if isinstance(error, kind):
            return meaning, is_retryable
    if isinstance(error, RedisConnectionError) and is_passing(error):
        found = next((cause for cause in _causes(error) if isinstance(cause, OSError)), None)
        if "max number of clients" not in said:
            return _network(found, place), True
    if (tls := next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)), None)) is not None:
        return f"TLS failed ({tls.reason or tls}); is it a TLS port, and is its certificate one to trust?", False
    for word, meaning, is_retryable in _SAID:
        if word in said:
            return f"the server {meaning}", is_retryable
    if "NOPERM" in said or "permissions" in said:
        return f"the user may not do what this storage needs: {_one_line(error)}", False
    if isinstance(error, RedisError | OSError):
        return f"the server said: {_one_line(error)}", False
    return f"{type(error).__name__}: {_one_line(error)}", False


def _network(error: OSError | None, place: RedisPlace) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nothing answers there; start the server, or correct the address"
    if isinstance(error, socket.gaierror):
        return f'the host "{place.connecting["host"]}" is not known; correct the address'
    if error is not None and not isinstance(error, ConnectionError):
        return f"cannot be reached ({(error.strerror or str(error)).lower()}); see whether the server runs"
    return "the connection broke off; see whether the server runs"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
