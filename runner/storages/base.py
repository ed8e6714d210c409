"""`ChatStorage`: the noun that keeps chats."""

from __future__ import annotations

import copy
import inspect
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from runner.errors import ChatBusyError, ChatChangedError, ChatStorageError
from runner.storages.claims import Claims
from runner.storages.lease import LocalLeases, shown, wait_for_lease
from runner.storages.shared_state import LocalSharedState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Sequence
    from datetime import datetime

    from runner.messages import ChatMessage
    from runner.storages.lease import Lease
    from runner.storages.shared_state import SharedState

PAGE = 500
"""Chats listed at once where all of them are wanted."""

_LEASES = Claims()
_APPENDS = Claims()


@dataclass(frozen=True, slots=True)
class ChatInfo:
    """One line of a list of chats. `updated` is in UTC.

    `position` is the storage's own word for the chat's place in the list, printable ASCII without blanks: enough to
    list the page behind it, also when the chat was written to or deleted meanwhile.
    """

    chat_id: str
    length: int
    updated: datetime
    position: str = ""


@dataclass(frozen=True, slots=True)
class StoredLog:
    """Entries of a chat, and its log's `incarnation` as a lease has it: None without entries, or if it is not known."""

    incarnation: int | None
    entries: list[ChatMessage]


class ChatStorage:
    """Keeps chats. Subclass it and write `get_history`, `append_history` and `update_history`.

    Those three are enough: `append`, `read_after` and `acquire`, which a turn uses, are built on them under a lock of
    this process. A storage that several processes share overrides those as well. The keyword `__init__` fills the
    attributes that the class annotates; a subclass may set more afterwards, or never call it.
    """

    never_waits: ClassVar[bool] = False
    """Whether no method ever waits, so that each is over before anything else runs; to be said by every class anew."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.never_waits = cls.__dict__.get("never_waits", False)

    def __init__(self, **attributes: Any) -> None:
        known = _annotated(type(self))
        for name in attributes:
            if name not in known:
                names = ", ".join(known) or "none"
                raise TypeError(f"{type(self).__name__} has no attribute {name!r}; it has: {names}")
        for name, default in known.items():
            if name in attributes:
                setattr(self, name, attributes[name])
            elif isinstance(default, (list, dict, set)):
                setattr(self, name, copy.copy(default))  # each storage its own, never one shared by the class

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        """All entries of a chat, oldest first; an empty list for a chat that is not known."""
        self._not_written("get_history")

    async def update_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        """Replace all entries of a chat. Used by imports and repairs, never by a turn."""
        self._not_written("update_history")

    async def append_history(self, chat_id: str, messages: list[ChatMessage]) -> None:
        """Add entries at the end of a chat, all or none; they are durable when this returns."""
        self._not_written("append_history")

    async def append(self, chat_id: str, entries: Sequence[ChatMessage], expected: int) -> None:
        """Add entries if the chat has exactly `expected` of them, else raise ChatChangedError and change nothing."""
        stored_texts(entries)
        async with _alone(self, chat_id):
            length = len(await self.get_history(chat_id) or ())
            if length != expected:
                raise changed(chat_id, length, expected)
            if entries:
                await self.append_history(chat_id, list(entries))

    async def read_after(self, chat_id: str, n: int) -> list[ChatMessage]:
        """The entries from index `n` on."""
        return list((await self.get_history(chat_id) or [])[n:])

    async def read_log(self, chat_id: str, n: int) -> StoredLog:
        """What `read_after` returns, and of which log, in one step. What is cached is compared with it.

        This one cannot tell which log it is.
        """
        return StoredLog(None, await self.read_after(chat_id, n))

    async def acquire(self, chat_id: str, *, timeout: float = 30.0) -> Lease:  # noqa: ASYNC109 - the error names it
        """The right to write to a chat: `async with await storage.acquire(chat_id) as lease: ...`.

        Waits at most `timeout` seconds, then raises ChatBusyError, which says who holds the chat. This one excludes the
        tasks, threads and event loops of this process that use this storage object, not other processes.
        """
        return await wait_for_lease(LocalLeases(_LEASES, self), chat_id, timeout)

    async def open_log(self, chat_id: str, n: int, *, timeout: float = 30.0) -> tuple[Lease, StoredLog]:  # noqa: ASYNC109 - as `acquire`
        """What a turn begins with: `acquire`, then `read_log`. A storage may do both in one step."""
        lease = await self.acquire(chat_id, timeout=timeout)
        try:
            return lease, await self.read_log(chat_id, n)
        except BaseException:
            await lease.release()
            raise

    async def append_last(self, chat_id: str, entries: Sequence[ChatMessage], expected: int, lease: Lease) -> None:
        """What a turn ends with: `append`, then the lease's `release`. A storage may do both in one step."""
        await self.append(chat_id, entries, expected)
        await lease.release()

    async def delete(self, chat_id: str) -> None:
        """Forget a chat and its entries; one that is not known is no error. Hold its lease meanwhile."""
        await self.update_history(chat_id, [])

    async def list_chats(self, prefix: str = "", *, limit: int = 100, after: ChatInfo | None = None) -> list[ChatInfo]:
        """The chats whose id starts with `prefix`, the one written to last first; behind `after`, if that is given.

        Only `after.position` is looked at; one that this storage never gave raises ValueError.
        """
        self._not_written("list_chats")

    async def delete_older(self, prefix: str, before: datetime, *, keep: Collection[str] = ()) -> int:
        """Delete the chats whose id starts with `prefix`, that are not in `keep` and were last written to before then.

        A chat whose lease is held stays. Returns how many were deleted.
        """
        listed = [info async for info in every_chat(self, prefix)]
        old = [info for info in listed if info.updated < before and info.chat_id not in keep]
        return sum([await deleted_unused(self, info) for info in old])

    async def vacuum(self) -> None:
        """Give back room that is no longer used, and drop leases that have lapsed."""

    @property
    def shared(self) -> SharedState:
        """What processes share beside chats. This one is shared inside this process, by who uses this object."""
        state: SharedState = self.__dict__.setdefault("_shared", LocalSharedState())
        return state

    async def aclose(self) -> None:
        """Close what this storage opened; may be called more than once."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def _not_written(self, method: str) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__}.{method} is not implemented")


@asynccontextmanager
async def _alone(storage: ChatStorage, chat_id: str) -> AsyncIterator[None]:
    async with await wait_for_lease(LocalLeases(_APPENDS, storage), chat_id, 30.0):
        yield


async def every_chat(storage: ChatStorage, prefix: str = "") -> AsyncIterator[ChatInfo]:
    """Every chat whose id starts with `prefix`, page by page, once each.

    A chat written to meanwhile moves to the top, maybe past the page that is next: so the top is looked at again until
    it holds nothing new.
    """
    seen: dict[str, ChatInfo] = {}
    count = -1
    while len(seen) > count:
        count = len(seen)
        async for info in _down_to_seen(storage, prefix, seen):
            known = info.chat_id in seen
            seen[info.chat_id] = info
            if not known:
                yield info


async def _down_to_seen(storage: ChatStorage, prefix: str, seen: dict[str, ChatInfo]) -> AsyncIterator[ChatInfo]:
    """The chats from the top down to one that has not been written to since it was seen: below it nothing moved."""
    after = None
    while page := await storage.list_chats(prefix, limit=PAGE, after=after):
        for info in page:
            if seen.get(info.chat_id) == info:
                return
            yield info
        after = page[-1]


async def deleted_unused(storage: ChatStorage, info: ChatInfo) -> bool:
    """Whether the chat was deleted: not one in use, nor one written to since it was listed."""
    try:
        lease = await storage.acquire(info.chat_id, timeout=0)
    except ChatBusyError:
        return False
    async with lease:
        unchanged = not await storage.read_after(info.chat_id, info.length)
        if unchanged:
            await storage.delete(info.chat_id)
        return unchanged


def _annotated(cls: type) -> dict[str, object]:
    """The attributes a class and its bases annotate, with their defaults (None where there is none)."""
    names: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        for name, hint in _annotations(base).items():
            if "ClassVar" not in str(hint):
                names[name] = getattr(cls, name, None)
    return names


def _annotations(cls: type) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return inspect.get_annotations(cls)


def stored_texts(entries: Iterable[ChatMessage]) -> list[tuple[str, str]]:
    """Each entry's two ASCII JSON texts; what is not JSON (NaN, bytes, a cycle, ...) raises ChatStorageError."""
    try:
        texts = [(entry.content_json, entry.meta_json) for entry in entries]
    except (ValueError, TypeError, RecursionError) as error:
        raise ChatStorageError(f"an entry cannot be stored, it is not JSON: {error}") from error
    if not all(content.isascii() and meta.isascii() for content, meta in texts):
        raise ChatStorageError("an entry cannot be stored, its JSON text is not ASCII")
    return texts


def position_of(after: ChatInfo | None) -> int:
    """The number that `after.position` is in storages that count their writes; above all where no chat is given."""
    if after is None:
        return 2**63 - 1
    if not (after.position.isascii() and after.position.isdecimal() and len(after.position) <= 18):
        raise ValueError(f"{after.position[:40]!r} is no place in this storage's list of chats")
    return int(after.position)


def is_leased(storage: ChatStorage, chat_id: str) -> bool:
    """Whether a lease of this process, given by the base class, is held on the chat."""
    return _LEASES.is_held(storage, chat_id)


def changed(chat_id: str, length: int, expected: int) -> ChatChangedError:
    """The error of an append that expected another length."""
    return ChatChangedError(
        f"chat {shown(chat_id)} has {length} entries, not {expected}: someone else wrote to it; nothing was stored"
    )
