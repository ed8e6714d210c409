"""What MongoDB and PyMongo say, in plain words that say what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.storages.deadlines import storage_error

if TYPE_CHECKING:
    from runner.errors import ChatStorageError

_SETTLED = False
_PASSING = True

_REACHING = (  # what PyMongo says, what it means, whether the same may succeed later
    (
        "SSL|TLS|certificate",
        "TLS failed; is it a TLS port (?tls=true), and is its certificate one to trust (&tlsCAFile=...)?",
        _SETTLED,
    ),
    (
        "Name or service not known|nodename nor servname|getaddrinfo|DNS|NXDOMAIN",
        "the host's name is not known; correct it in the URL",
        _SETTLED,
    ),
    (
        "Connection refused|Errno 111|Errno 61|No such file or directory",
        "nothing answers there; start the server, or correct the host and the port in the URL",
        _SETTLED,
    ),
    ("No primary|No replica set members|not primary|not master", "the servers have no primary now", _PASSING),
    (
        "timed out|TimeoutError|No servers found yet",
        "the server did not answer in time; see whether it runs and can be reached",
        _PASSING,
    ),
)

_CODES = {  # the server's error code
    13: ("the user may not do this ({said}); grant it the role readWrite on the database", _SETTLED),
    18: ("the server refused the user or the password; correct them in the URL (and its authSource)", _SETTLED),
    8000: ("the server refused the user or the password; correct them in the URL", _SETTLED),
    50: ("the server took too long; try again", _PASSING),
    79: ("the server cannot wait for a majority of its members ({said})", _SETTLED),
    100: ("the server cannot wait for a majority of its members ({said})", _SETTLED),
    10334: (
        "what is stored in one step is larger than a document may be (16 MB); keep it in a file",
        _SETTLED,
    ),
    14031: ("the server's disk is full; free some space and try again", _SETTLED),
}


def from_reaching(error: Exception, url: str) -> ChatStorageError:
    """Why no server could be used."""
    return storage_error(url, reaching(error), retryable=_found(str(error))[1])


def reaching(error: Exception) -> str:
    """What is wrong with the way to the server."""
    return _found(str(error))[0]


def from_server(error: Exception, url: str) -> ChatStorageError:
    """Why the server refused a command."""
    meaning, is_passing = _CODES.get(getattr(error, "code", None) or 0, ("{said}", _SETTLED))
    return storage_error(url, meaning.format(said=_one_line(error)), retryable=is_passing)


def too_large(url: str) -> ChatStorageError:
    """A document that the driver did not even send."""
    return storage_error(url, _CODES[10334][0])


def from_reading(error: Exception, url: str) -> ChatStorageError:
    """Why the URL cannot be used. Its options may hold passwords; only an option's name is told."""
    option = re.search(r"Unknown option: '?(\w+)", str(error))
    if option:
        return storage_error(url, f'PyMongo knows no option "{option[1]}"; correct the URL')
    return storage_error(url, "PyMongo cannot read the URL; write special characters percent-encoded, % as %25")


def _found(said: str) -> tuple[str, bool]:
    for pattern, meaning, is_passing in _REACHING:
        if re.search(pattern, said):
            return meaning, is_passing
    return f"the connection broke: {' '.join(said.split())[:200]}", _PASSING


def _one_line(error: Exception) -> str:
    details = getattr(error, "details", None) or {}
    return " ".join(str(details.get("errmsg") or error).split())[:300]
