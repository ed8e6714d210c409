"""Where in a project the code of an object stands: file and line, read off the source."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.graph.parts import Place
from runner.tools.function import FunctionTool
from runner.tools.hints import plain_function

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = __name__.partition(".")[0]


class Code:
    """Finds the code of objects; every file is read once."""

    def __init__(self) -> None:
        self._known: dict[Path, dict[str, int]] = {}

    def of(self, item: object) -> Place | None:
        """The line where a tool's function, or an object's class, is defined; None for what this package brings."""
        owner = plain_function(item.__wrapped__) if isinstance(item, FunctionTool) else type(item)
        module = getattr(owner, "__module__", None) or ""
        if module.partition(".")[0] == _OURS:
            return None
        file = _file_of(owner, module)
        if file is None:
            return None
        line = self._lines(file).get(getattr(owner, "__qualname__", ""))
        if line is None and inspect.isfunction(owner):
            line = owner.__code__.co_firstlineno
        return Place(file, line)

    def _lines(self, file: Path) -> dict[str, int]:
        """The line of every function and class of a file, by qualified name; empty when it cannot be read."""
        if file not in self._known:
            try:
                self._known[file] = dict(_definitions(ast.parse(file.read_bytes()), ""))
            except (OSError, SyntaxError, ValueError):
                self._known[file] = {}
        return self._known[file]


def _file_of(owner: object, module: str) -> Path | None:
    if inspect.isfunction(owner):
        return Path(owner.__code__.co_filename)
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file) if file else None


def _definitions(node: ast.AST, inside: str) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield f"{inside}{child.name}", child.lineno
            yield from _definitions(child, f"{inside}{child.name}.")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{inside}{child.name}", child.lineno
            yield from _definitions(child, f"{inside}{child.name}.<locals>.")
        else:
            yield from _definitions(child, inside)
