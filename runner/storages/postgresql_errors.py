"""What PostgreSQL and libpq say, in plain words that say what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.storages.deadlines import storage_error

if TYPE_CHECKING:
    import psycopg

    from runner.errors import ChatStorageError

_SETTLED = False
_PASSING = True

_NOBODY = "nothing answers there; start the server, or correct the host and the port in the URL"
_CONNECTING = (  # what libpq or the server says in English, what it means, whether the same may succeed later
    (
        "password authentication failed|no password supplied|role .* does not exist|Peer authentication failed",
        "the server refused the user or the password; correct them in the URL",
        _SETTLED,
    ),
    (
        "no pg_hba.conf entry|no encryption",
        "the server lets nobody in from here this way; see its pg_hba.conf, or add ?sslmode=require to the URL",
        _SETTLED,
    ),
    (
        "database .* does not exist",
        "the server has no such database; make it: createdb NAME, or correct the URL",
        _SETTLED,
    ),
    ("permission denied for database", "the user may not use this database; GRANT CONNECT ON DATABASE", _SETTLED),
    (
        "too many clients|connection slots|too many connections",
        "the server has no connection left; close some, or raise its max_connections",
        _PASSING,
    ),
    ("starting up|shutting down|recovery mode|not yet accepting", "the server is starting or stopping", _PASSING),
    (
        "Connection refused|No such file or directory|is the server running",
        _NOBODY,
        _SETTLED,
    ),
    (
        "resolve host|translate host|Name or service not known|nodename nor servname",
        "the host's name is not known; correct it in the URL",
        _SETTLED,
    ),
    (
        "timeout expired|timed out",
        "the server did not answer in time; see whether it runs and can be reached",
        _PASSING,
    ),
    (
        "server closed the connection|Connection reset|Broken pipe|connection is lost|Network is|No route",
        "the way to the server is broken; see whether it runs and can be reached",
        _PASSING,
    ),
)

_STATES = {  # SQLSTATE, or its first two letters
    "42501": ("the user may not do this ({said}); grant it the rights, or use a schema of its own", _SETTLED),
    "25006": ("it is read-only, a standby perhaps; write the URL of the primary", _SETTLED),
    "3F000": ("its search_path names no schema to make tables in; add ?options=-csearch_path%3DNAME", _SETTLED),
    "42P01": ("its tables were dropped while in use; start again", _SETTLED),
    "42703": ("its tables agent_run_... were made by another program; use a schema of its own", _SETTLED),
    "54": ("an entry is too large for PostgreSQL; keep large content in a file and store its name", _SETTLED),
    "53100": ("the server's disk is full; free some space and try again", _SETTLED),
    "53": ("the server is short of resources ({said})", _PASSING),
    "57014": ("the server's statement_timeout ended a command; raise it, or try again", _PASSING),
    "57": ("the server is stopping or was restarted; try again", _PASSING),
    "55": ("the server keeps something locked ({said}); try again", _PASSING),
    "58": ("the server has trouble with its disk ({said}); see its log", _SETTLED),
    "XX": ("the server found its data damaged ({said}); see its log", _SETTLED),
}


def from_connecting(error: psycopg.Error, url: str) -> ChatStorageError:
    """Why no connection was made."""
    meaning, is_passing = _connecting(error)
    return storage_error(url, meaning, retryable=is_passing)


def nobody_answers(error: psycopg.Error) -> bool:
    """Whether no connection was made because no server runs there."""
    return _connecting(error)[0] == _NOBODY


def from_reading(error: psycopg.Error, url: str) -> ChatStorageError:
    """Why the URL cannot be used. What libpq says may hold pieces of a password; only an option's name is told."""
    option = re.search(r'(?:invalid URI query parameter|invalid connection option):? "(\w+)"', str(error))
    if option:
        return storage_error(url, f'libpq knows no option "{option[1]}"; correct the URL')
    return storage_error(url, "libpq cannot read the URL; write % as %25 and other special characters percent-encoded")


def from_server(error: psycopg.Error, url: str) -> ChatStorageError:
    """Why the server refused a command."""
    state = error.sqlstate or ""
    meaning, is_passing = _STATES.get(state) or _STATES.get(state[:2]) or ("{said}", _SETTLED)
    said = error.diag.message_primary or last_line(error)
    return storage_error(url, meaning.format(said=said), retryable=is_passing)


def came_between(error: psycopg.Error) -> bool:
    """Whether the server undid a command because of others that ran at the same time."""
    return (error.sqlstate or "").startswith("40")


def _connecting(error: psycopg.Error) -> tuple[str, bool]:
    said = str(error)
    for pattern, meaning, is_passing in _CONNECTING:
        if re.search(pattern, said):
            return meaning, is_passing
    return f"no connection: {last_line(error)}", _SETTLED


def last_line(error: psycopg.Error) -> str:
    """The end of what was said, which is its point."""
    return " ".join(str(error).strip().rpartition("\n")[2].split())[-300:] or "no reason was given"
