"""Functions that no declaration can be made of, told from their source."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.python_source import Definition, Function


def undeclarable(definition: Definition) -> Iterator[tuple[ast.AST, str, str]]:
    """What a function lacks to be a tool: the place in its source, a message, and what to write."""
    function = definition.function
    if function is None:
        return
    name = function.name
    arguments = function.args
    for argument, default in _with_defaults(function):
        if argument.annotation is None and not _tells_a_type(default):
            message = f"the tool {name} gives its parameter {argument.arg} no type"
            yield argument, message, f"write {argument.arg}: str, or the like"
    for rest, stars in ((arguments.vararg, "*"), (arguments.kwarg, "**")):
        if rest is not None:
            message = f"the tool {name} takes {stars}{rest.arg}, which cannot be declared"
            yield rest, message, "give each parameter a name and a type"
    if isinstance(function, ast.AsyncFunctionDef) and _yields(function):
        yield function, f"the tool {name} yields; a tool returns one value", "return it"


def _with_defaults(function: Function) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    yield from zip(positional, [*padding, *arguments.defaults], strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def _tells_a_type(default: ast.expr | None) -> bool:
    """Whether a parameter without a type hint has one by its default."""
    return default is not None and not (isinstance(default, ast.Constant) and default.value is None)


def _yields(function: Function) -> bool:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(node))
    return False
