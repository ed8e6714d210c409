"""Commands to a server: each is over at its deadline, and tried again until then where that can do no harm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from runner.errors import ChatBusyError, ChatStorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

CONNECTING = 0.7
"""The part of a command's time in which a connection must be made, so that the reason is told before the deadline."""
_CHARACTERS_PER_SECOND = 1_000_000
_PAUSE = 0.05  # seconds between two tries


class Lost(Exception):  # noqa: N818 - an event on the way, told to users as a ChatStorageError
    """A connection ended after something was sent on it, which may have been done."""


class Again(Exception):  # noqa: N818 - an event on the way
    """Others came in between, and nothing was done; another try may do it."""


class Away(Exception):  # noqa: N818 - an event on the way, told to users as the error it holds
    """The server cannot be reached, and nothing was sent to it."""

    def __init__(self, error: ChatStorageError) -> None:
        super().__init__(str(error))
        self.error = error


class Patience:
    """For how many seconds a server is asked; its `url` is shown in errors.

    One that cannot be reached is given up at once, but waited for if it was there at the last command: it may be
    starting again, and any command may be the one that finds it away.
    """

    def __init__(self, url: str, seconds: float) -> None:
        self.seconds = seconds
        self._url = url
        self._was_there = False

    async def until_known(
        self, step: Callable[[float, bool], Awaitable[T]], *, writes: bool = False, size: int = 0
    ) -> T:
        """What `step` returns; it is tried again until the deadline when it raises Lost or Again, or Away as above.

        It is told the deadline, by the loop's clock, and whether an earlier try may have been done. Once one may have
        been, the server is asked again whatever it refused. `writes` adds to an error what is then unknown. `size` is
        how many characters are sent: a large entry is given the time it needs.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.seconds + size / _CHARACTERS_PER_SECOND
        in_doubt = False
        while True:
            try:
                known = await step(deadline, in_doubt)
            except ChatBusyError:
                raise
            except (Lost, Again, Away, ChatStorageError) as event:
                in_doubt = in_doubt or isinstance(event, Lost)
                failure = self._failure(event)
                waits = in_doubt or isinstance(event, Again) or (isinstance(event, Away) and self._was_there)
                if not waits or clock() + _PAUSE > deadline:
                    self._was_there = self._was_there and not isinstance(event, Lost | Away)
                    if writes and in_doubt:
                        failure = self._undecided(failure)
                    if failure is event:
                        raise
                    raise failure from event
            else:
                self._was_there = True
                return known
            await asyncio.sleep(_PAUSE)

    def _failure(self, event: Exception) -> ChatStorageError:
        if isinstance(event, Away):
            return event.error
        if isinstance(event, ChatStorageError):
            return event
        text = str(event) if isinstance(event, Lost) else "too many others write at the same time; try again"
        return storage_error(self._url, text, retryable=True)

    def _undecided(self, failure: ChatStorageError) -> ChatStorageError:
        said = str(failure).removeprefix(f"storage {self._url}: ")
        text = f"{said}. Whether the last entries were stored shows when the chat is opened again"
        return storage_error(self._url, text, retryable=True)


def storage_error(url: str, text: str, *, retryable: bool = False) -> ChatStorageError:
    """The error in one line; `url` is shown as it is."""
    failure = ChatStorageError(f"storage {url}: {text}")
    failure.retryable = retryable
    return failure
