"""What a tool may know about the call it serves."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _unheard(_value: object) -> None:
    """Where no turn listens, progress is told to nobody."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The call a tool serves: a parameter annotated `ToolContext` receives it and is hidden from the model.

    `turn` and `step` count from 1, `index` (the call's place in its step) from 0. `idempotency_key` is the same
    whenever the same recorded call is run again. `deps` is the `context` object given to `GeminiClient.chat`,
    `max_result_chars` how long a result may be as JSON. Outside a turn each call gets a new key.
    """

    chat_id: str = ""
    turn: int = 1
    step: int = 1
    index: int = 0
    idempotency_key: str = field(default_factory=lambda: uuid.uuid4().hex)
    deps: Any = None
    max_result_chars: int = 1_000_000
    on_progress: Callable[[Any], None] = field(default=_unheard, repr=False, compare=False)

    def progress(self, value: Any) -> None:
        """Tell the readers of the turn how far the tool is; callable from the tool's thread, and never blocks."""
        self.on_progress(value)


_current: ContextVar[ToolContext | None] = ContextVar("agent_run_tool_context", default=None)


def current_context() -> ToolContext | None:
    """The context of the call being served here (also in a tool's thread), or None outside of one."""
    return _current.get()


def enter_context(context: ToolContext) -> None:
    """Make `context` the current one for the rest of this task."""
    _current.set(context)


@contextmanager
def use_context(context: ToolContext | None) -> Iterator[None]:
    """Make `context` the current one within the block, and for the tasks and threads started there."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
