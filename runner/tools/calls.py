"""What an executor gets and gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.messages import Json
    from runner.tools.base import Tool


@dataclass(frozen=True, slots=True)
class GeminiFunctionCall:
    """A call as the model made it, its arguments validated: an int declared as such is an int."""

    name: str
    args: Json = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One call to run: `await call.tool.execute(call.function_call.args)` gives its result.

    In a turn, `tool` is bound to this one call: its `execute` applies the timeout and the context, runs at most once
    and never raises; what went wrong is in the result it returns.
    """

    tool: Tool
    function_call: GeminiFunctionCall


@dataclass(frozen=True, slots=True)
class ToolsExecutionResult:
    """The results of a batch: exactly one JSON object per call, in call order.

    `should_proceed=False` ends the turn after the results are stored (reason `stopped`), without another model call.
    """

    should_proceed: bool = True
    function_call_results: list[Json] = field(default_factory=list)
