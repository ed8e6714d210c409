"""One thing for each event loop, so that a model or a storage may be used from several."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Makes a thing when a loop first asks for it. `make` also gives the generator that closes it when it is finished.

    That happens by `aclose`; failing that, when this object is garbage or the loop ends, for a loop finishes an
    asynchronous generator in both cases. So `make` must not hold whoever holds this object. `error` is raised
    for whoever asks after `aclose`.
    """

    def __init__(self, make: Callable[[], tuple[T, AsyncGenerator[None, None]]], error: type[Exception]) -> None:
        self._make, self._error = make, error
        self._lock = threading.Lock()
        self._things: dict[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[None, None]]] = {}
        self._is_closed = False

    def known(self) -> T | None:
        """The running loop's thing, if it has been made."""
        found = self._things.get(asyncio.get_running_loop())
        return None if found is None else found[0]

    async def made(self) -> T:
        """The running loop's thing, made now; raises after `aclose`."""
        with self._lock:
            if self._is_closed:
                raise self._error("the connections were closed")
            for dead in [loop for loop in self._things if loop.is_closed()]:
                del self._things[dead]
            thing, holder = self._things[asyncio.get_running_loop()] = self._make()
        await anext(holder)
        return thing

    async def aclose(self) -> None:
        """Close the things of every loop that still runs; those of closed loops are gone."""
        with self._lock:
            self._is_closed = True
            closing, self._things = self._things, {}
        here = asyncio.get_running_loop()
        for loop, (_, holder) in closing.items():
            if loop is here:
                await holder.aclose()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(holder.aclose(), loop)
