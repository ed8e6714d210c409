"""`ToolExecutor`: the noun that decides how the calls of one step are run."""

from __future__ import annotations

import asyncio
import functools
import inspect
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic

from runner.executors.stream import E, EventBroadcast, ResultStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator

    from runner.tools.calls import FunctionCall, ToolsExecutionResult


_MARK = "_tells_its_end"


class _Done:
    """Awaitable and done, so that a call may be awaited or not."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


class ToolExecutor(Generic[E]):
    """Runs the calls of one step. Subclass it, naming your events' type, and write `execute_tools`.

    An executor may serve several turns at once. Its events (`_emit_event`, `get_result_stream`) are its own, beside the
    events of the turn. `starts_together` says that every call of a batch is started at once, whatever happens to the
    others; where it is false, calls are recorded as started one by one. The base's `__init__` need not be called.
    """

    starts_together: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        method = inspect.getattr_static(cls, "execute_tools")
        if getattr(method, _MARK, False):
            return
        if "starts_together" not in cls.__dict__:
            cls.starts_together = False  # what a base class promised of its own way says nothing of this one
        cls.execute_tools = _telling_its_end(method)  # type: ignore[method-assign, assignment]  # the same, with begin and end told

    async def execute_tools(self, function_calls: list[FunctionCall]) -> ToolsExecutionResult:
        """Run the calls and return exactly one result per call, in call order."""
        raise NotImplementedError(f"{type(self).__name__}.execute_tools is not implemented")

    async def _emit_event(self, event: E) -> None:
        """Tell the readers of `get_result_stream`; never waits for one of them."""
        if self.__events.emit(event):
            await asyncio.sleep(0)  # a reader that is alive gets the chance to catch up

    def get_result_stream(self) -> ResultStream[E]:
        """The executor's events from now on, and those nobody has read yet.

        Ends with the turn that uses the executor or, used directly, when the executions that began are done and all was
        read; before anything began it waits. A reader that lags by more than 1,024 events loses the oldest, counted in
        the stream's `dropped`.
        """
        return self.__events.subscribe()

    def shutdown(self) -> Awaitable[None]:
        """End the streams of all readers, at once; may be awaited. The executor can be used again."""
        self.__events.shutdown()
        return _Done()

    def begin_turn(self) -> None:
        """A turn uses this executor from now on: its readers' streams stay open between batches."""
        self.__events.begin_turn()

    def end_turn(self) -> None:
        """The turn has ended, and with the last of those that run at once the readers' streams."""
        self.__events.end_turn()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """`begin_turn` and `end_turn` around a block."""
        self.begin_turn()
        try:
            yield
        finally:
            self.end_turn()

    def _begin_execution(self) -> None:
        self.__events.begin_execution()

    def _end_execution(self) -> None:
        self.__events.end_execution()

    @cached_property
    def __events(self) -> EventBroadcast[E]:  # made at first use: a subclass may not call our __init__
        return EventBroadcast()


def _telling_its_end(method: Any) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def execute_tools(self: ToolExecutor[Any], *args: Any, **kwargs: Any) -> Any:
        self._begin_execution()
        try:
            result = method.__get__(self, type(self))(*args, **kwargs)
            return await result if inspect.isawaitable(result) else result
        finally:
            self._end_execution()

    setattr(execute_tools, _MARK, True)  # so that it is wrapped once
    return execute_tools


setattr(ToolExecutor.execute_tools, _MARK, True)  # it only raises
