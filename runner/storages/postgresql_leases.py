"""Leases and shared values, kept in the tables of a PostgreSQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.storages import postgresql_statements as sql
from runner.storages.lease import Holder, utc_now
from runner.storages.processes import own_mark
from runner.storages.shared_state import SharedValue

if TYPE_CHECKING:
    from runner.storages.postgresql_database import PostgresDatabase


class PostgresLeases:
    """`LeaseRows`: a lease is a row."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def take(self, key: bytes, owner: str, replaced: Holder | None) -> tuple[Holder, str]:
        """Give the lease to `owner` if it is free or still as `replaced` says; the holder now, its process's mark."""
        values = {**sql.of_key(key), "owner": owner, "process": own_mark(), "since": utc_now()}
        statement = sql.TAKE_FREE
        if replaced is not None:
            old = {"old_owner": replaced.owner, "old_epoch": replaced.epoch, "old_counter": replaced.counter}
            values, statement = values | old, sql.TAKE_OVER
        while not (rows := await self._database.rows(statement, values)):
            statement = sql.TAKE_FREE  # whoever had it has just freed it
        owner, epoch, counter, since, process, incarnation = rows[0]
        return Holder(owner, epoch, counter, since, incarnation), process

    async def renew(self, key: bytes, owner: str, epoch: int) -> bool:
        """Move the counter; False when another has the lease."""
        return await self._database.count(sql.RENEW, {**sql.of_key(key), "owner": owner, "epoch": epoch}) == 1

    async def drop(self, key: bytes, owner: str) -> None:
        """Free the lease if `owner` has it."""
        await self._database.count(sql.DROP, {**sql.of_key(key), "owner": owner})

    async def all(self) -> list[tuple[Holder, str]]:
        """Every holder, and the mark of its process."""
        return [(Holder(*columns), process) for *columns, process in await self._database.rows(sql.LEASES, {})]

    async def drop_unchanged(self, holder: Holder) -> None:
        """Free the lease that is still as `holder` says."""
        values = {"owner": holder.owner, "epoch": holder.epoch, "counter": holder.counter}
        await self._database.count(sql.DROP_UNCHANGED, values)


class PostgresValues:
    """`SharedRows`: a value is a row."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def get(self, key: bytes) -> SharedValue | None:
        """The value now."""
        rows = await self._database.rows(sql.SHARED, sql.of_key(key))
        return SharedValue(*rows[0]) if rows else None

    async def put(self, key: bytes, value: SharedValue | None, version: str | None) -> tuple[bool, bool]:
        """Replace the value if its version is `version`; whether it was done now, or may have been before."""
        values = {**sql.of_key(key), "version": version}
        if value is None:
            statement = sql.UNSHARE
        else:
            values |= {"text": value.text, "token": value.version}
            statement = sql.SHARE_FIRST if version is None else sql.SHARE_NEXT
        count, in_doubt = await self._database.changed(statement, values)
        return count == 1, in_doubt
