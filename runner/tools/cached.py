"""`CachedTool`: a tool whose good results are used again for a time, where the arguments are the same."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from runner.errors import ManifestError
from runner.media import parts_of
from runner.messages import to_json
from runner.tools.base import Tool
from runner.tools.context import current_context
from runner.tools.results import MAX_RESULT, json_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.messages import Json

MAX_RESULTS, MAX_CHARS = 256, 10_000_000
"""How many results of a tool are kept, and how long they may be together; the oldest give way."""


class CachedResult(dict):  # type: ignore[type-arg]  # a JSON object
    """A result that was not made now."""


class CachedTool(Tool):
    """Answers as `tool` did at most `seconds` ago, to any chat of this process; keyed by the arguments alone.

    Only what was returned is kept, never an error, and no media. The tool's effects must be `none` or `idempotent`.
    """

    def __init__(self, tool: Tool, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        if tool.effects == "once":
            raise ManifestError(
                f'the results of "{tool.name}" cannot be cached: its effects are `once`; '
                'where running it changes nothing, declare it with @tool(effects="none")',
                key="tools",
            )
        self.name, self.function_definition = tool.name, tool.function_definition
        self.effects, self.timeout = tool.effects, tool.timeout
        self.tool, self.seconds, self._clock = tool, seconds, clock
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()  # until when, and the result as JSON
        self._chars = 0

    def declaration(self) -> Json:
        """The tool's own."""
        return self.tool.declaration()

    def checked(self, args: Json) -> Json:
        """As the tool checks them."""
        return self.tool.checked(args)

    async def execute(self, tool_args: Json) -> Json:
        """The result that is kept, or that of the tool now."""
        key = json.dumps(tool_args, sort_keys=True)
        self._forget()
        if (kept := self._kept.get(key)) is not None:
            return CachedResult(json.loads(kept[1]))
        context = current_context()
        result = await self.tool.execute(tool_args)
        made = json_result(result, MAX_RESULT if context is None else context.max_result_chars)
        if not parts_of(made):
            self._keep(key, to_json(made))
        return made

    def _keep(self, key: str, text: str) -> None:
        self._drop(key)
        self._kept[key] = (self._clock() + self.seconds, text)
        self._chars += len(key) + len(text)
        while len(self._kept) > MAX_RESULTS or self._chars > MAX_CHARS:
            self._drop(next(iter(self._kept)))

    def _forget(self) -> None:
        """Drop what is too old: all live equally long, so the oldest stand first."""
        now = self._clock()
        while self._kept and next(iter(self._kept.values()))[0] <= now:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        if (kept := self._kept.pop(key, None)) is not None:
            self._chars -= len(key) + len(kept[1])
