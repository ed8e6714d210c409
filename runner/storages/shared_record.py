"""A record that processes share: read and changed in one step, whoever else writes meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from runner.errors import ChatStorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.storages.shared_state import SharedState

R = TypeVar("R")
T = TypeVar("T")

_ATTEMPTS = 100


class SharedRecord(Generic[R]):
    """One record, read and changed by all who share the state. `noun` says what it is about, in errors.

    `read` makes the record of its text, or of None where there is none yet; `write` makes the text, one line of JSON.
    """

    def __init__(
        self, shared: SharedState, key: str, read: Callable[[str | None], R], write: Callable[[R], str], noun: str
    ) -> None:
        self._shared, self._key, self._read, self._write, self._noun = shared, key, read, write, noun

    async def read(self) -> R:
        """The record now."""
        found = await self._shared.get(self._key)
        return self._read(None if found is None else found.text)

    async def change(self, how: Callable[[R], tuple[R, T]]) -> T:
        """From the record as it is to the record as it shall be, and what came of it.

        `how` is asked again when someone else was first; nothing new is not written. Raises ChatStorageError.
        """
        for _ in range(_ATTEMPTS):
            found = await self._shared.get(self._key)
            before = self._read(None if found is None else found.text)
            after, outcome = how(before)
            version = None if found is None else found.version
            if after == before or await self._shared.put_if(self._key, self._write(after), version) is not None:
                return outcome
        raise ChatStorageError(f"what is known about {self._noun} changes too fast to be written")

    async def update(self, how: Callable[[R], R]) -> None:
        """Change the record in one step, where nothing but the record comes of it."""
        await self.change(lambda record: (how(record), None))
