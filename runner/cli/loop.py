"""The event loop of the command."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from runner.cli.signals import leave_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from runner.cli.exits import Exit

P = ParamSpec("P")
T = TypeVar("T")


class _Workers(ThreadPoolExecutor):
    """The loop's threads, and whether one is at work: an import, a name looked up on a dead network."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix="agent-run")
        self._under_way: set[Future[object]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` in a thread."""
        future = super().submit(fn, *args, **kwargs)
        self._under_way.add(future)  # type: ignore[arg-type]  # only asked whether it is done
        future.add_done_callback(self._under_way.discard)
        return future

    @property
    def is_busy(self) -> bool:
        """Whether leaving would have to wait for a thread."""
        return any(not future.done() for future in self._under_way)


def run_to_end(work: Coroutine[object, object, Exit]) -> Exit:
    """Run `work` and leave with its code, without waiting for a thread that nobody needs any more."""
    workers = _Workers()

    async def run() -> Exit:
        asyncio.get_running_loop().set_default_executor(workers)
        code = await work
        if workers.is_busy:
            leave_at_once(code)
        return code

    return asyncio.run(run())
