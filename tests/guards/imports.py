"""The imports of the package, read off its source with `ast`; nothing is imported."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "runner"


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a module imports. `is_late`: inside a function; `is_typing`: under `if TYPE_CHECKING`."""

    importer: str
    target: str
    path: Path
    line: int
    is_late: bool
    is_typing: bool

    @property
    def where(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def module_name(path: Path) -> str:
    """`runner.tools.base` for runner/tools/base.py, `runner.tools` for runner/tools/__init__.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> dict[str, Path]:
    """The file of every module of the package, by module name."""
    return {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def all_imports() -> list[Import]:
    """Every import of every module, those inside functions and for type checkers included."""
    modules = sources()
    return [found for name, path in modules.items() for found in _imports_of(name, path, modules)]


def _imports_of(name: str, path: Path, modules: dict[str, Path]) -> Iterator[Import]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node, is_late, is_typing in _import_nodes(ast.parse(path.read_text("utf-8")), late=False, typing=False):
        for target in _targets(node, package, modules):
            yield Import(name, target, path, node.lineno, is_late, is_typing)


def _import_nodes(
    node: ast.AST, *, late: bool, typing: bool
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, late, typing
        return
    late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for inner in node.body:
            yield from _import_nodes(inner, late=late, typing=True)
        for inner in node.orelse:
            yield from _import_nodes(inner, late=late, typing=typing)
        return
    for inner in ast.iter_child_nodes(node):
        yield from _import_nodes(inner, late=late, typing=typing)


def _targets(node: ast.Import | ast.ImportFrom, package: str, modules: dict[str, Path]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*above, *([node.module] if node.module else [])])
    # `from runner import durations` names the module runner.durations, `from runner import tool` the package itself
    return [f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base for alias in node.names]
