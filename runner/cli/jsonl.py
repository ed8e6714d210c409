"""A turn as JSON Lines: every event one ASCII line on stdout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

from runner.cli.exits import exit_for_error
from runner.cli.told import Told
from runner.errors import AgentRunError
from runner.events import TurnEnded
from runner.messages import to_json

if TYPE_CHECKING:
    from runner.cli.door import Door
    from runner.events import Event
    from runner.messages import Json


class JsonView:
    """Writes events as they are told; stderr gets only what went wrong."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._told = Told(quiet=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        pass

    async def show(self, event: Event) -> None:
        """Write one event."""
        await self._door.out.write(json_line(event.to_json()))
        line = self._told.line(event)
        if line is not None and isinstance(event, TurnEnded):
            await self._door.aside(line)


def json_line(form: Json) -> str:
    """`form` as one line; what is not JSON (a tool's own progress object, NaN) is written as text."""
    try:
        return f"{to_json(form)}\n"
    except (TypeError, ValueError):
        return f"{to_json(_plain(form))}\n"


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value


def error_json(error: BaseException, message: str) -> Json:
    """The line that tells an error outside any turn: a wrong manifest, a missing key."""
    code, retryable = (error.reason, error.retryable) if isinstance(error, AgentRunError) else ("BUG", False)
    return {
        "type": "error",
        "code": code,
        "message": message,
        "retryable": retryable,
        "exit_code": int(exit_for_error(error)),
    }
