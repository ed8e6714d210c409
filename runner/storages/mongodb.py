"""`MongoChatStorage`: chats in a MongoDB database, shared by processes and machines."""

from __future__ import annotations

from runner.storages.lease import LEASE_TIME
from runner.storages.mongodb_database import MongoDatabase
from runner.storages.server import ServerChatStorage
from runner.storages.urls import check_url

SCHEMES = ("mongodb", "mongodb+srv")
FORM = "mongodb://user:password@host:27017/database"


class MongoChatStorage(ServerChatStorage):
    """Keeps chats in collections `agent_run_...` of the URL's database (`agent_run` where it names none).

    `url` is any that PyMongo reads, with its options. Nothing is contacted before the first use. Transactions are not
    needed, so neither is a replica set. Every command is over within `timeout` seconds; then its connection is closed.
    What was appended is in the journals of a majority of the servers. An append whose answer was lost is looked for
    until the deadline; one that is cancelled runs to its end.
    """

    def __init__(self, url: str, *, lease_time: float = LEASE_TIME, timeout: float = 5.0) -> None:
        check_url(url, SCHEMES, FORM)
        super().__init__(MongoDatabase(url, timeout), lease_time)
