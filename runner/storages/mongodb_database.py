"""A MongoDB database as the storage uses it: each command has a deadline, and no write is done twice."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from runner.errors import ChatChangedError, ChatStorageError
from runner.loops import PerLoop
from runner.storages.deadlines import Again, Away, Lost, Patience
from runner.storages.keys import digest
from runner.storages.mongodb_chats import (
    add_entries,
    append,
    delete_abandoned,
    delete_log,
    empty_tail,
    explain,
    is_stored,
    listed,
    made_whole,
    new_log,
    next_log,
    read,
    replace_log,
    server_time,
    tail_of,
)
from runner.storages.mongodb_leases import MongoLeases, MongoValues
from runner.storages.urls import without_password

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from runner.storages.base import ChatInfo
    from runner.storages.mongodb_client import Collections, MongoHome
    from runner.storages.server import Page, Texts, Write

T = TypeVar("T")

_KNOWN = 1000
"""Chats of which is remembered that each entry has its document."""
_ABANDONED = 24 * 3600.0
"""Seconds after which a log that belongs to no chat is surely nobody's work in progress."""
_AT_ONCE, _MUCH = 500, 8_000_000
"""Entries that are sent at once, and the characters after which no more are."""
_LARGE = 20_000
"""Characters above which entries do not stay in the chat's own document."""


class MongoDatabase:
    """A `ServerDatabase`, opened at first use, with a client for each event loop; `aclose` is not its end."""

    def __init__(self, url: str, timeout: float) -> None:
        self.shown = without_password(url)
        self.leases = MongoLeases(self)
        self.values = MongoValues(self)
        self._patience = Patience(self.shown, timeout)
        self._make = partial(_opened, url, timeout * 0.5)  # so that the reason is told well before the deadline
        self._loops: PerLoop[MongoHome] = PerLoop(self._make, ChatStorageError)
        self._whole: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()

    async def run(self, work: Callable[[Collections], Awaitable[T]], *, size: int = 0) -> T:
        """What `work` returns, which may be done twice."""
        return (await self.tried(work, size=size))[0]

    async def tried(self, work: Callable[[Collections], Awaitable[T]], *, size: int = 0) -> tuple[T, bool]:
        """What `work` returns, and whether it may have been done before, by a try that was lost."""

        async def step(deadline: float, in_doubt: bool) -> tuple[T, bool]:
            return await self._run(work, deadline), in_doubt

        return await self._patience.until_known(step, size=size)

    async def read(self, key: bytes, n: int) -> Texts:
        """The texts of a chat's entries from index `n` on."""

        return await self.run(partial(read, key=digest(key), n=n))

    async def listed(self, page: Page) -> list[ChatInfo]:
        """The chats, the one written to last first."""
        return await self.run(partial(listed, page=page))

    async def store(self, write: Write) -> None:
        """Do it wholly and once, or raise ChatChangedError when the length or the lease is another by now.

        When the connection ends meanwhile, the server is asked until the deadline what became of it. A try that arrives
        late finds another length, or its own work done, and does nothing.
        """
        staged = await self._staged(write)

        async def step(deadline: float, in_doubt: bool) -> None:
            run = partial(self._run, deadline=deadline)
            if in_doubt and await run(partial(is_stored, write=write)):
                return
            try:
                await (self._replace(write, staged, deadline) if write.replaces else self._append(write, deadline))
            except ChatChangedError:  # maybe by the try that was lost, which was done only after it was looked for
                if not (in_doubt and await run(partial(is_stored, write=write))):
                    raise

        await self._patience.until_known(step, writes=True, size=write.size)

    async def _staged(self, write: Write) -> bytes:
        """A new log; one that is to replace another has all its entries, which nobody sees yet, and the time."""
        log = new_log(await self.run(server_time) if write.replaces else 0)
        for start, texts in _parts(write.texts) if write.replaces else ():
            part = {"seq": start, "batch": write.batch, "texts": texts}
            await self.run(partial(add_entries, log=log, tail=part), size=2 * _MUCH)
        return log

    async def _replace(self, write: Write, log: bytes, deadline: float) -> None:
        self._whole.pop(digest(write.key), None)
        old = await self._run(partial(replace_log, write=write, log=log), deadline)
        if old is not None:
            with suppress(Lost, Again, Away, ChatStorageError):  # nobody sees it; `tidy` deletes it if need be
                await self._run(partial(delete_log, log=old), deadline)

    async def _append(self, write: Write, deadline: float) -> None:
        key = digest(write.key)
        known = self._whole.pop(key, None)
        if known is None:
            known = await self._run(partial(made_whole, write=write), deadline)
        log, length = known
        if not write.texts or write.expected not in {None, length}:
            await self._run(partial(explain, write=write), deadline)
            return
        await self._run(partial(append, write=write, log=log, length=length), deadline)
        with suppress(Lost, Again, Away, ChatStorageError):  # it is stored; the next append does the rest if need be
            await self._run(partial(add_entries, log=log, tail=tail_of(write, length)), deadline)
            length += len(write.texts)
            if sum(len(content) for content, _ in write.texts) > _LARGE:
                await self._run(partial(empty_tail, key=key, log=log, length=length), deadline)
            self._whole[key] = log, length
            if len(self._whole) > _KNOWN:
                self._whole.popitem(last=False)

    async def tidy(self) -> None:
        """Delete what is left of chats without entries, and logs that belong to no chat."""

        async def stubs(collections: Collections) -> set[bytes]:
            await collections.chats.delete_many({"length": None, "owner": None})
            return {chat["log"] async for chat in collections.chats.find({"length": {"$gt": 0}}, {"log": 1})}

        known, now = await self.run(stubs), await self.run(server_time)
        last = b""
        while (log := await self.run(partial(next_log, after=last))) is not None:
            last = log
            if log not in known and int.from_bytes(log[:4]) < now - _ABANDONED:
                await self.run(partial(delete_abandoned, log=log))

    async def aclose(self) -> None:
        """Close all connections."""
        closing, self._loops = self._loops, PerLoop(self._make, ChatStorageError)
        await closing.aclose()

    async def _run(self, work: Callable[[Collections], Awaitable[T]], deadline: float) -> T:
        home = self._loops.known() or await self._loops.made()
        return await home.run(work, deadline)


def _parts(texts: list[tuple[str, str]]) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """The entries in pieces of a size that can be sent in time, each with the index of its first."""
    start, size = 0, 0
    for index, (content, meta) in enumerate(texts):
        if index - start == _AT_ONCE or size > _MUCH:
            yield start, texts[start:index]
            start, size = index, 0
        size += len(content) + len(meta)
    if texts:
        yield start, texts[start:]


def _opened(url: str, patience: float) -> tuple[MongoHome, AsyncGenerator[None, None]]:
    from runner.storages.mongodb_client import MongoHome

    home = MongoHome(url, patience)
    return home, home.held()
