"""`FunctionTool`: any annotated function as a tool."""

from __future__ import annotations

import functools
import inspect
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, overload

from runner.errors import ManifestError
from runner.tools.base import Tool
from runner.tools.context import current_context
from runner.tools.declaration import FunctionArguments
from runner.tools.hints import enclosing_names, plain_function
from runner.tools.results import json_result
from runner.tools.threads import ToolExitError, run_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.messages import Json
    from runner.tools.base import Effects


class FunctionTool(Tool):
    """A function as a tool: its declaration comes from its signature, type hints and docstring.

    A synchronous function runs in a thread, an asynchronous one on the loop. The tool can still be called as the
    function. `name` and `description` default to the function's name and docstring.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        effects: Effects = "once",
        timeout: float | None = None,
    ) -> None:
        function = _checked_function(function)
        functools.update_wrapper(self, plain_function(function))
        self.__wrapped__ = function
        self.name = name if name is not None else getattr(plain_function(function), "__name__", "")
        self.effects, self.timeout = effects, timeout
        self._given_description = description
        self._enclosing = enclosing_names(function)
        self._is_async = _is_async(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as if it were no tool."""
        return self.__wrapped__(*args, **kwargs)

    @cached_property
    def _arguments(self) -> FunctionArguments:
        return FunctionArguments(self.__wrapped__, enclosing=self._enclosing)

    @cached_property
    def function_definition(self) -> Json:
        """What the signature and docstring declare, under the tool's name."""
        description = self._given_description
        return {
            "name": self.name,
            "description": self._arguments.description if description is None else description,
            "parametersJsonSchema": self._arguments.schema,
        }

    @property
    def _check(self) -> FunctionArguments:  # type: ignore[override]  # pydantic's check in the place of the schema's
        return self._arguments

    async def execute(self, tool_args: Json) -> Json:
        """Validate `tool_args`, call the function and wrap its result; raises whatever it raises."""
        positional, named = self._arguments.bound(tool_args)
        try:
            if self._is_async:
                return _as_json(await self.__wrapped__(*positional, **named))
            made = await run_in_thread(self._called, positional, named)
            return _as_json(await made) if inspect.isawaitable(made) else made
        except SystemExit as error:  # it would end the event loop, and every other turn with it
            raise ToolExitError(f"the tool tried to end the process: {error!r}") from error

    def _called(self, positional: list[Any], named: dict[str, Any]) -> Any:
        """The function's result as JSON, made in the function's thread; an awaitable is left to the loop."""
        result = self.__wrapped__(*positional, **named)
        return result if inspect.isawaitable(result) else _as_json(result)


def returns_json(tool: Tool) -> bool:
    """Whether what a tool returns was already made JSON, within the limit of its call, by `FunctionTool.execute`."""
    return type(tool).execute is FunctionTool.execute


def _is_async(function: Any) -> bool:
    while isinstance(function, partial):
        function = function.func
    return inspect.iscoroutinefunction(function)


def _as_json(result: Any) -> Json:
    context = current_context()
    return json_result(result) if context is None else json_result(result, context.max_result_chars)


def _checked_function(function: Any) -> Callable[..., Any]:
    if isinstance(function, (staticmethod, classmethod)):
        function = function.__func__
    plain = plain_function(function) if callable(function) else None
    if not inspect.isfunction(plain):
        raise ManifestError(f"{function!r} is not a tool: a Tool, or a function with type hints, is needed")
    if inspect.isasyncgenfunction(plain):
        raise ManifestError(f"{plain.__qualname__} yields: a tool returns one value (see ToolContext.progress)")
    return function  # type: ignore[no-any-return]  # it is callable, as was just seen


@overload
def tool(function: Callable[..., Any], /) -> FunctionTool: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, effects: Effects = "once", timeout: float | None = None
) -> Callable[[Callable[..., Any]], FunctionTool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    effects: Effects = "once",
    timeout: float | None = None,
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Make a function a tool: `@tool`, `@tool(effects="none", timeout=20)` or `tool(function)`."""
    make = partial(FunctionTool, name=name, description=description, effects=effects, timeout=timeout)
    return make if function is None else make(function)


def as_tool(value: Any) -> Tool:
    """`value` as a tool: a Tool, a Tool class that can be made without arguments, or an annotated function.

    Its declaration is made here, so that what is wrong with it is told now, as ManifestError.
    """
    made = _made(value)
    made.declaration()
    return made


def _made(value: Any) -> Tool:
    if isinstance(value, Tool):
        return value
    if inspect.isfunction(value):
        return _tool_of(value)
    if not isinstance(value, type):
        return FunctionTool(value)
    if not issubclass(value, Tool):
        raise ManifestError(f"{value.__module__}.{value.__qualname__} is a class but no Tool: subclass runner.Tool")
    try:
        return value()
    except TypeError as error:
        name = f"{value.__module__}.{value.__qualname__}"
        raise ManifestError(f"{name} cannot be made without arguments: {error}") from None


def _tool_of(function: Callable[..., Any]) -> FunctionTool:
    """The function's tool, kept on the function, so that a turn does not read its signature again."""
    known = vars(function).get("__agent_run_tool__")
    if isinstance(known, FunctionTool) and known.__wrapped__ is function:
        return known
    made = FunctionTool(function)
    function.__agent_run_tool__ = made  # type: ignore[attr-defined]  # a function takes attributes
    return made
