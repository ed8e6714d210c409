"""Which modules a manifest will load, found by reading them: nothing is run."""

from __future__ import annotations

import ast
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.manifest import AgentManifest
    from runner.modules import ModuleTable


def foresee(modules: ModuleTable, manifest: AgentManifest, folder: Path) -> None:
    """Let the table read all sources that the manifest's modules lead to, those imported late by a function too.

    After that the table sees no change of any of them, and its `seen` says what to watch.
    """
    waiting = [*modules.names, *(name for _, name in classes_of(manifest))]
    waiting += [name for name in _named(manifest) if not name.endswith(".py")]
    for path in named_files(manifest, folder):
        name = modules.name_of(path)
        waiting += _imports_of(modules, path.resolve(), "") if name is None else [name]
    known: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in known:
            known.add(name)
            waiting += _led_to(modules, name)


def named_files(manifest: AgentManifest, folder: Path) -> list[Path]:
    """The files that the manifest's `tools:` name by their paths, relative to its folder."""
    return [folder / name for name in _named(manifest) if name.endswith(".py")]


def classes_of(manifest: AgentManifest) -> Iterator[tuple[str, str]]:
    """The keys that name a `module:Class` of the project's, and the module."""
    for key in ("model", "executor", "storage"):
        module, colon, _ = getattr(manifest, key).type.partition(":")
        if colon:
            yield key, module
    form = None if manifest.output is None else manifest.output.form
    if isinstance(form, str) and not form.endswith(".json"):
        yield "output", form.partition(":")[0]


def _named(manifest: AgentManifest) -> list[str]:
    return [line.name.partition(":")[0] for line in manifest.tools if not line.is_built_in]


def _led_to(modules: ModuleTable, name: str) -> Iterator[str]:
    """The names that importing a name leads to, if it is the project's."""
    if not all(part.isidentifier() for part in name.split(".")) or not modules.owns(name):
        return
    parent = name.rpartition(".")[0]
    above = modules.find(parent) if parent else None
    if above is not None and above.is_file() and above.name != "__init__.py":
        return  # a name in a module, not a module in a package
    yield from accumulate(parent.split("."), "{}.{}".format)
    path = modules.find(name)
    if path is not None:
        yield from _imports_of(modules, path, name if path.name == "__init__.py" else parent)


def _imports_of(modules: ModuleTable, path: Path, package: str) -> Iterator[str]:
    """The names that a file's import statements name, wherever they stand."""
    try:
        tree = ast.parse(modules.source(path))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return  # what is wrong with it is told when it is loaded
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
