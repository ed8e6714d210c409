"""Exit codes: the one place where they are chosen."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from runner.errors import (
    AgentRunError,
    ChatBusyError,
    ChatStorageError,
    GeminiClientError,
    GeminiToolExecutionError,
    ManifestError,
    MissingKeyError,
    ModelChoiceError,
)

if TYPE_CHECKING:
    from runner.events import TurnEnded


class Exit(IntEnum):
    """What the command's exit code says; documented in docs/cli.md."""

    DONE = 0
    CHECK_FAILED = 1
    USAGE = 2
    MODEL = 3
    STORAGE = 4
    LIMIT = 5
    BUSY = 6
    BUG = 70
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


_BY_ERROR: dict[type[BaseException], Exit] = {
    ManifestError: Exit.USAGE,
    MissingKeyError: Exit.USAGE,
    ModelChoiceError: Exit.USAGE,
    GeminiToolExecutionError: Exit.BUG,
    GeminiClientError: Exit.MODEL,
    ChatBusyError: Exit.BUSY,
    ChatStorageError: Exit.STORAGE,
    AgentRunError: Exit.USAGE,
    KeyboardInterrupt: Exit.INTERRUPTED,
}
_BY_REASON: dict[str, Exit] = {
    "answered": Exit.DONE,
    "stopped": Exit.DONE,
    "limit": Exit.LIMIT,
    "failed": Exit.MODEL,
    "interrupted": Exit.INTERRUPTED,
}


def exit_for_error(error: BaseException) -> Exit:
    """The code for an error: that of the nearest class in its ancestry; anything unforeseen is a bug."""
    return next((_BY_ERROR[kind] for kind in type(error).__mro__ if kind in _BY_ERROR), Exit.BUG)


def exit_for_turn(ended: TurnEnded) -> Exit:
    """The code for the way a turn ended."""
    if ended.error is not None:
        return exit_for_error(ended.error)
    return _BY_REASON[ended.reason]
