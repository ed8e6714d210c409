"""`PostgresChatStorage`: chats in a PostgreSQL database, shared by processes and machines."""

from __future__ import annotations

from runner.storages.lease import LEASE_TIME
from runner.storages.postgresql_database import PostgresDatabase
from runner.storages.server import ServerChatStorage
from runner.storages.urls import check_url

SCHEMES = ("postgresql",)
FORM = "postgresql://user:password@host:port/database"


class PostgresChatStorage(ServerChatStorage):
    """Keeps chats in tables `agent_run_...`, made at first use in the first schema of the search path.

    `url` is any that libpq reads, with its options; what it leaves out comes from the environment and the password
    file, as for psql. Nothing is contacted before the first use. Every command is over within `timeout` seconds; then
    its connection is closed. What was appended is on the server's disk. An append whose answer was lost is looked for
    until the deadline; one that is cancelled runs to its end.
    """

    def __init__(self, url: str, *, lease_time: float = LEASE_TIME, timeout: float = 5.0) -> None:
        check_url(url, SCHEMES, FORM)
        super().__init__(PostgresDatabase(url, timeout), lease_time)
