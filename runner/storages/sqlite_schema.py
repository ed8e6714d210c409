"""The tables of a chat database, version by version."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID = int.from_bytes(b"aRun", "big")

_FIRST = (
    # id: another one when the log is replaced; key: the chat id in UTF-8, surrogates passed through, so that any two
    # ids differ; changed: order of last writes
    """CREATE TABLE chat (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, length INTEGER NOT NULL,
        updated INTEGER NOT NULL, changed INTEGER NOT NULL UNIQUE)""",
    # content, meta: ASCII JSON text
    """CREATE TABLE message (
        chat INTEGER NOT NULL, seq INTEGER NOT NULL, content TEXT NOT NULL, meta TEXT NOT NULL,
        PRIMARY KEY (chat, seq)) WITHOUT ROWID""",
    # AUTOINCREMENT: an epoch never comes again; chat: the key of what is leased, a chat or something shared
    """CREATE TABLE lease (
        epoch INTEGER PRIMARY KEY AUTOINCREMENT, chat BLOB NOT NULL UNIQUE, owner TEXT NOT NULL,
        counter INTEGER NOT NULL, process TEXT NOT NULL, since TEXT NOT NULL)""",
    f"PRAGMA application_id = {APPLICATION_ID}",
)
_SHARED_VALUES = (
    "CREATE TABLE shared (key BLOB PRIMARY KEY, text TEXT NOT NULL, version TEXT NOT NULL) WITHOUT ROWID",
)

_STEPS = (_FIRST, _SHARED_VALUES)
"""What leads from each version to the next. An older agent-run that has the file open works on meanwhile."""

SCHEMA_VERSION = len(_STEPS)


def bring_up_to_date(connection: sqlite3.Connection, version: int) -> None:
    """Make the tables of this version out of those of `version` (0: none); inside a transaction."""
    for step in _STEPS[version:]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
