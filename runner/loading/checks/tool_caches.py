"""`cache:` beside a tool: only results that nothing hangs on are used again."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from runner.loading.checks.built_in import is_built_in
from runner.loading.nodes import Sequence
from runner.loading.words import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.loading.checks.python_source import Definition
    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic

_HINT = 'where running it changes nothing, declare it with @tool(effects="none")'


def check_cached_tools(subject: Subject, index: int, tools: Iterable[Definition]) -> Iterator[Diagnostic]:
    """Whether the tools of an item may be cached, if it says so; what the source does not tell is not judged."""
    place = subject.at("tools", index, "cache")
    if place is None:
        return
    for definition in tools:
        if _effects(definition.node) == "once":
            message = f"results of {quoted(definition.tool or definition.name)} cannot be cached: its effects are once"
            yield subject.say("E175", message, place, span=place.key_span, hint=_HINT)


def check_cached_built_in(subject: Subject) -> Iterator[Diagnostic]:
    """What the service runs has no results of ours."""
    node = subject.tree.get("tools")
    for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
        place = subject.at("tools", index, "cache")
        if place is not None and is_built_in(item):
            message = "a built-in tool is run by the service, so its results cannot be cached here"
            yield subject.say("E175", message, place, span=place.key_span, hint="remove cache")


def _effects(node: ast.AST) -> str | None:
    """What a tool's source says of its effects; None where it does not tell."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        if not node.decorator_list:
            return "once"
        calls = [each for each in node.decorator_list if isinstance(each, ast.Call)]
        given = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "effects"]
        is_tool = len(node.decorator_list) == 1
        return _text(given[0]) if given else "once" if is_tool else None
    if isinstance(node, ast.ClassDef):
        return next((_text(value) for name, value in _assigned(node) if name == "effects"), None)
    return None


def _assigned(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            yield from ((each.id, statement.value) for each in statement.targets if isinstance(each, ast.Name))
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            yield statement.target.id, statement.value


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
