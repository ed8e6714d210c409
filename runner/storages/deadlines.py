"""Commands to a server: each is over at its deadline, and tried again until then where that can do no harm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from runner.errors import ChatBusyError, ChatStorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

_PAUSE = 0.05  # seconds between two tries


class Lost(Exception):  # noqa: N818 - an event on the way, told to users as a ChatStorageError
    """A connection ended after something was sent on it, which may have been done."""


class Again(Exception):  # noqa: N818 - an event on the way
    """Others came in between, and nothing was done; another try may do it."""


async def until_known(
    step: Callable[[float, bool], Awaitable[T]], url: str, patience: float, *, writes: bool = False
) -> T:
    """What `step` returns; it is tried again until the deadline when it raises Lost or Again.

    It is told the deadline, by the loop's clock, and whether an earlier try may have been done. Once one may have been,
    a server that cannot be reached is asked again too. `url` is shown in errors; `writes` adds what is then unknown.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience
    in_doubt = False
    while True:
        try:
            return await step(deadline, in_doubt)
        except Lost as lost:
            in_doubt = True
            failure = storage_error(url, str(lost), retryable=True)
        except Again:
            failure = storage_error(url, "too many others write at the same time; try again", retryable=True)
        except ChatBusyError:
            raise
        except ChatStorageError as error:
            if not in_doubt:
                raise
            failure = error
        if clock() + _PAUSE > deadline:
            raise _undecided(failure, url) if writes and in_doubt else failure
        await asyncio.sleep(_PAUSE)


def storage_error(url: str, text: str, *, retryable: bool = False) -> ChatStorageError:
    """The error in one line; `url` is shown as it is."""
    failure = ChatStorageError(f"storage {url}: {text}")
    failure.retryable = retryable
    return failure


def _undecided(failure: ChatStorageError, url: str) -> ChatStorageError:
    said = str(failure).removeprefix(f"storage {url}: ")
    text = f"{said}. Whether the last entries were stored shows when the chat is opened again"
    return storage_error(url, text, retryable=True)
