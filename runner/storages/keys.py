"""The keys under which storages keep what they keep: bytes, so that no two ids share one."""

from __future__ import annotations

import hashlib


def chat_key(chat_id: str) -> bytes:
    """The key of a chat: its id in UTF-8, lone surrogates passed through. No two ids have the same."""
    return chat_id.encode("utf-8", "surrogatepass")


def chat_of_key(key: bytes) -> str:
    """The inverse of `chat_key`."""
    return key.decode("utf-8", "surrogatepass")


def shared_key(name: str) -> bytes:
    """The key of a value, or of a lease, that belongs to no chat: UTF-8 never holds the byte FF it begins with."""
    return b"\xff" + chat_key(name)


def digest(key: bytes) -> bytes:
    """A short name for a key that may be too long for a server's index."""
    return hashlib.sha256(key).digest()
