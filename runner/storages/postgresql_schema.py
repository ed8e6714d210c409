"""The tables in a PostgreSQL database, in the first schema of the search path. Made at first use.

A change of them is a new version: its statements are added, and SCHEMA_VERSION is raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.storages.deadlines import storage_error

if TYPE_CHECKING:
    import psycopg

SCHEMA_VERSION = 1

_LOCK = int.from_bytes(b"agentrun", "big")

_MAKE = f"""
SELECT pg_advisory_xact_lock({_LOCK});

CREATE TABLE IF NOT EXISTS agent_run_schema (version integer NOT NULL);

-- id: another one when the log is replaced. digest: SHA-256 of the key, for keys too long for an index. key: the chat
-- id in UTF-8, lone surrogates passed through. changed: order of last writes
CREATE TABLE IF NOT EXISTS agent_run_chat (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, digest bytea NOT NULL UNIQUE, key bytea NOT NULL,
    length integer NOT NULL, updated timestamptz NOT NULL DEFAULT clock_timestamp(), changed bigserial NOT NULL);
CREATE INDEX IF NOT EXISTS agent_run_chat_changed ON agent_run_chat (changed);

-- batch: a random number for each append, by which it is found again. content, meta: ASCII JSON, byte for byte
CREATE TABLE IF NOT EXISTS agent_run_message (
    chat bigint NOT NULL REFERENCES agent_run_chat ON DELETE CASCADE, seq integer NOT NULL, batch bigint NOT NULL,
    content text NOT NULL, meta text NOT NULL, PRIMARY KEY (chat, seq));

-- epoch: from a sequence, so that none comes again
CREATE TABLE IF NOT EXISTS agent_run_lease (
    digest bytea PRIMARY KEY, owner text NOT NULL, epoch bigserial NOT NULL, counter bigint NOT NULL DEFAULT 0,
    process text NOT NULL, since text NOT NULL);

CREATE TABLE IF NOT EXISTS agent_run_shared (digest bytea PRIMARY KEY, text text NOT NULL, version text NOT NULL);

INSERT INTO agent_run_schema (version) SELECT {SCHEMA_VERSION} WHERE NOT EXISTS (SELECT FROM agent_run_schema);
"""  # noqa: S608 - constants


async def prepare(connection: psycopg.AsyncConnection[Any], url: str) -> None:
    """Make the tables if there are none; all in one transaction, which one client at a time can be in."""
    if await _number(connection, "SELECT to_regclass('agent_run_schema') IS NOT NULL"):
        version = await _number(connection, "SELECT max(version) FROM agent_run_schema")
        if version > SCHEMA_VERSION:
            raise storage_error(
                url,
                f"was written by a newer agent-run (its format is {version}, this one knows {SCHEMA_VERSION}); "
                "it was left as it is. Upgrade agent-run, or use another schema or database",
            )
    else:
        await connection.execute(_MAKE)


async def _number(connection: psycopg.AsyncConnection[Any], query: str) -> int:
    found = await (await connection.execute(query)).fetchone()
    return int(found[0] or 0) if found else 0
