"""What the PostgreSQL storage asks of the server. Every step that must be one is one statement, sent in one go."""

# ruff: noqa: S608 - all that is joined here are constants

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.storages.keys import digest

if TYPE_CHECKING:
    from runner.storages.server import Write

# A lease held here is looked at in the same statement, and locked: whoever would take it over waits for the commit.
_UNDER_LEASE = """WITH fence AS MATERIALIZED (
    SELECT FROM agent_run_lease WHERE digest = %(digest)s AND owner = %(owner)s AND epoch = %(epoch)s FOR SHARE),"""
_WITHOUT_LEASE = "WITH fence AS (SELECT),"

_FIRST = """chat AS (
    INSERT INTO agent_run_chat (digest, key, length) SELECT %(digest)s, %(key)s, %(count)s
    WHERE EXISTS (SELECT FROM fence) ON CONFLICT (digest) DO NOTHING RETURNING id, length),"""
_NEXT = """chat AS (
    UPDATE agent_run_chat SET length = length + %(count)s, updated = DEFAULT, changed = DEFAULT
    WHERE digest = %(digest)s AND length = %(expected)s AND EXISTS (SELECT FROM fence) RETURNING id, length),"""
_ANYWHERE = """chat AS (
    INSERT INTO agent_run_chat AS chat (digest, key, length) SELECT %(digest)s, %(key)s, %(count)s
    WHERE EXISTS (SELECT FROM fence)
    ON CONFLICT (digest) DO UPDATE
    SET length = chat.length + excluded.length, updated = excluded.updated, changed = excluded.changed
    RETURNING id, length),"""
_INSTEAD = """gone AS (
    DELETE FROM agent_run_chat WHERE digest = %(digest)s AND EXISTS (SELECT FROM fence) RETURNING id),
chat AS (
    INSERT INTO agent_run_chat (digest, key, length) SELECT %(digest)s, %(key)s, %(count)s
    WHERE EXISTS (SELECT FROM fence) AND (SELECT count(*) FROM gone) >= 0
    ON CONFLICT (digest) DO NOTHING RETURNING id, length),"""

_ENTRIES = """added AS (
    INSERT INTO agent_run_message (chat, seq, batch, content, meta)
    SELECT chat.id, chat.length - %(count)s + number - 1, %(batch)s, content, meta
    FROM chat, unnest(%(contents)s::text[], %(metas)s::text[]) WITH ORDINALITY AS entry (content, meta, number))"""
_FREED = """, freed AS (
    DELETE FROM agent_run_lease WHERE digest = %(digest)s AND owner = %(owner)s AND EXISTS (SELECT FROM chat))"""

# Acknowledged is what is on the server's disk, whatever its default for other programs.
_DURABLY = """ SELECT set_config('synchronous_commit',
    coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true) FROM chat"""

_NOTHING = """gone AS (
    DELETE FROM agent_run_chat WHERE digest = %(digest)s AND EXISTS (SELECT FROM fence) RETURNING id)
SELECT FROM fence"""

FOUND = """SELECT coalesce((SELECT length FROM agent_run_chat WHERE digest = %(digest)s), 0),
    EXISTS (SELECT FROM agent_run_lease WHERE digest = %(digest)s AND owner = %(owner)s AND epoch = %(epoch)s)"""

IS_STORED = """SELECT EXISTS (SELECT FROM agent_run_message WHERE batch = %(batch)s AND seq >= %(least)s
    AND chat = (SELECT id FROM agent_run_chat WHERE digest = %(digest)s))"""

READ = """SELECT chat, content, meta FROM agent_run_message WHERE seq >= %(n)s
    AND chat = (SELECT id FROM agent_run_chat WHERE digest = %(digest)s) ORDER BY seq"""

LIST = """SELECT key, length, updated, changed FROM agent_run_chat
    WHERE key >= %(start)s AND key < %(end)s AND changed < %(position)s AND updated < %(before)s
    ORDER BY changed DESC LIMIT %(limit)s"""

# The chat's row is locked so that its id is the one that stays while the lease is held: a replacement is another row.
_HOLDER = """, chat AS (
    SELECT id FROM agent_run_chat WHERE digest = %(digest)s AND EXISTS (SELECT FROM taken) FOR KEY SHARE)
SELECT taken.*, (SELECT id FROM chat) FROM taken
UNION ALL
SELECT owner, epoch, counter, since, process, NULL FROM agent_run_lease
WHERE digest = %(digest)s AND NOT EXISTS (SELECT FROM taken)"""

TAKE_FREE = (
    """WITH taken AS (
    INSERT INTO agent_run_lease (digest, owner, process, since)
    VALUES (%(digest)s, %(owner)s, %(process)s, %(since)s) ON CONFLICT (digest) DO NOTHING
    RETURNING owner, epoch, counter, since, process)"""
    + _HOLDER
)
TAKE_OVER = (
    """WITH taken AS (
    UPDATE agent_run_lease
    SET owner = %(owner)s, epoch = DEFAULT, counter = 0, process = %(process)s, since = %(since)s
    WHERE digest = %(digest)s AND owner = %(old_owner)s AND epoch = %(old_epoch)s AND counter = %(old_counter)s
    RETURNING owner, epoch, counter, since, process)"""
    + _HOLDER
)

# These two need not be on the disk at once: a lease that is lost with the server is taken anew, or lapses.
_SOON = "set_config('synchronous_commit', 'off', true) IS NOT NULL"
RENEW = f"""UPDATE agent_run_lease SET counter = counter + 1
    WHERE digest = %(digest)s AND owner = %(owner)s AND epoch = %(epoch)s AND {_SOON}"""
DROP = f"DELETE FROM agent_run_lease WHERE digest = %(digest)s AND owner = %(owner)s AND {_SOON}"

LEASES = "SELECT owner, epoch, counter, since, process FROM agent_run_lease"
DROP_UNCHANGED = "DELETE FROM agent_run_lease WHERE owner = %(owner)s AND epoch = %(epoch)s AND counter = %(counter)s"

SHARED = "SELECT text, version FROM agent_run_shared WHERE digest = %(digest)s"
SHARE_FIRST = """INSERT INTO agent_run_shared (digest, text, version) VALUES (%(digest)s, %(text)s, %(token)s)
    ON CONFLICT DO NOTHING"""
SHARE_NEXT = """UPDATE agent_run_shared SET text = %(text)s, version = %(token)s
    WHERE digest = %(digest)s AND version = %(version)s"""
UNSHARE = "DELETE FROM agent_run_shared WHERE digest = %(digest)s AND version = %(version)s"


def of_write(write: Write) -> tuple[str, dict[str, Any]]:
    """The statement that stores entries, or deletes a chat that is replaced by nothing; one row if it was done."""
    fence = _UNDER_LEASE if write.held is not None else _WITHOUT_LEASE
    end = _ENTRIES + (_FREED if write.frees else "") + _DURABLY
    if write.replaces:
        statement = fence + (_INSTEAD + end if write.texts else _NOTHING)
    else:
        statement = fence + {None: _ANYWHERE, 0: _FIRST}.get(write.expected, _NEXT) + end
    contents, metas = [content for content, _ in write.texts], [meta for _, meta in write.texts]
    texts = {"count": len(write.texts), "contents": contents, "metas": metas, "batch": write.batch}
    return statement, {**of_lease(write), **texts, "key": write.key, "expected": write.expected}


def of_lease(write: Write) -> dict[str, Any]:
    """The values of a chat and of the lease that a write depends on."""
    owner, epoch = (write.held.owner, write.held.epoch) if write.held else (None, None)
    return {**of_key(write.key), "owner": owner, "epoch": epoch}


def of_key(key: bytes) -> dict[str, Any]:
    """The values of a key: what the tables are searched by."""
    return {"digest": digest(key)}
