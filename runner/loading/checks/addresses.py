"""What is wrong with the address of a storage, before it is opened."""

from __future__ import annotations

import os.path
from importlib import import_module
from typing import TYPE_CHECKING

from runner.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator

READERS = {
    **dict.fromkeys(("redis", "rediss"), "runner.storages.redis_place:place_of"),
    "hybrid": "runner.storages.hybrid_url:split_url",
}
"""What reads the address of a server, and raises ManifestError when it cannot; no driver is imported for it."""


def address_problems(name: str, url: str) -> Iterator[tuple[str, str | None]]:
    """What is wrong with the `url` of the storage `name`, each with how to write it."""
    if name == "memory" and url.rstrip("/") != "memory:":
        yield "chats in memory have no address", 'write it as "memory:"'
    if name == "sqlite" and (problem := _sqlite_problem(url)):
        yield problem
    if name in READERS and (reason := _unreadable(name, url)):
        yield reason, None


def _sqlite_problem(url: str) -> tuple[str, str] | None:
    """What is wrong with the address of a SQLite file, and how to write it."""
    if "://" in url and not url.startswith("sqlite:///"):
        name = url.partition("://")[2]
        return (
            "two slashes begin a host, and SQLite has none",
            f"write sqlite:///{name.rpartition('@')[2] or 'chats.db'}",
        )
    name = url.removeprefix("sqlite:///")
    if not url.startswith("sqlite:///") or not name.strip("/"):
        return "the address of the SQLite file is missing", 'write "sqlite:///chats.db"'
    if name == ":memory:":
        return "chats in memory are another storage", 'write "memory:"'
    if "?" in name:
        return "the address of a SQLite file takes no options", "remove ? and what follows"
    if not name.startswith("/") and _leads_out(name):
        return "the file lies outside of the project", "write an absolute path: sqlite:////home/..."
    return None


def _unreadable(name: str, url: str) -> str | None:
    """What is wrong with the address of a server."""
    module, _, attribute = READERS[name].partition(":")
    try:
        getattr(import_module(module), attribute)(url)
    except ManifestError as error:
        return error.message
    return None


def _leads_out(name: str) -> bool:
    return os.path.normpath(name).startswith("..")
