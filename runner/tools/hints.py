"""Type hints of a function, also those written as text."""

from __future__ import annotations

import builtins
import inspect
import re
import sys
import typing
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from runner.errors import ManifestError
from runner.tools.context import ToolContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType


def plain_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function inside bound methods, partials and wrappers: the one that carries code and hints."""
    while True:
        if isinstance(function, partial):
            function = function.func
        elif inspect.ismethod(function):
            function = function.__func__
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            return function


def resolved_hints(function: Callable[..., Any], label: str, enclosing: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters' types by name; the return type is not looked at. Raises ManifestError for a name not found."""
    plain = plain_function(function)
    names = {"ToolContext": ToolContext, **vars(builtins), **getattr(plain, "__globals__", {}), **enclosing}
    hints: dict[str, Any] = {}
    for name, annotation in getattr(plain, "__annotations__", {}).items():
        if name == "return":
            continue
        try:
            hints.update(_evaluated(name, annotation, names))
        except NameError as error:
            raise ManifestError(
                f"{label}: the type of parameter {name!r} is not found: {error}; "
                "import or define it in the module itself, not under TYPE_CHECKING or inside a function"
            ) from None
        except (TypeError, SyntaxError, AttributeError) as error:
            raise ManifestError(f"{label}: the type of parameter {name!r} cannot be read: {error}") from None
    return hints


def _evaluated(name: str, annotation: Any, names: dict[str, Any]) -> dict[str, Any]:
    holder: Any = SimpleNamespace(__annotations__={name: annotation})
    return typing.get_type_hints(holder, globalns=names, include_extras=True)


def enclosing_names(function: Callable[..., Any]) -> dict[str, Any]:
    """Names that a nested function's textual hints use and the function around it defines, while that still runs."""
    plain = plain_function(function)
    outer, _, _ = getattr(plain, "__qualname__", "").rpartition(".<locals>.")
    text = " ".join(hint for hint in getattr(plain, "__annotations__", {}).values() if isinstance(hint, str))
    if not outer or not text:
        return {}
    words = set(re.findall(r"[^\W\d]\w*", text))
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the documented way to the callers' names
    while frame is not None:
        if frame.f_code.co_qualname == outer and frame.f_globals is getattr(plain, "__globals__", None):
            return {name: value for name, value in frame.f_locals.items() if name in words}
        frame = frame.f_back
    return {}
