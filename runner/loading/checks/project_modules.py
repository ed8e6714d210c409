"""Which file a dotted module name means in a project: found as it is when an agent runs, and not imported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runner.loading.checks.python_source import PythonFile, python_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.loading.checks.subject import Subject

_FOREIGN = sys.stdlib_module_names | {__name__.partition(".")[0]}


def roots_of(subject: Subject) -> list[Path]:
    """The folders whose modules may be named: the project root and the manifest's folder."""
    return list(dict.fromkeys([subject.root, subject.folder.resolve()]))


def is_foreign(name: str) -> bool:
    """Whether a dotted name is of the standard library or ours: never a project module."""
    return name.partition(".")[0] in _FOREIGN


def find(name: str, roots: list[Path]) -> Path | None:
    """The file, or the package's folder, of a dotted name, if a root holds it."""
    for root in roots:
        base = root.joinpath(*name.split("."))
        for candidate in (base / "__init__.py", base.with_name(f"{base.name}.py")):
            if candidate.is_file() and candidate.resolve().is_relative_to(root):
                return candidate.resolve()
        if base.is_dir() and base.resolve().is_relative_to(root):
            return base.resolve()
    return None


def siblings(name: str, roots: list[Path]) -> Iterator[str]:
    """The dotted names of the modules that stand where `name` was looked for, and of those at the top."""
    above = name.rpartition(".")[0]
    for prefix in dict.fromkeys([above, ""]):
        for root in roots:
            folder = root.joinpath(*prefix.split(".")) if prefix else root
            for entry in _entries(folder):
                stem = entry.stem if entry.suffix == ".py" else entry.name
                if stem.isidentifier() and not stem.startswith("_") and not is_foreign(stem):
                    yield f"{prefix}.{stem}" if prefix else stem


def _entries(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if entry.suffix == ".py" or _is_package(entry)]
    except OSError:
        return []


def _is_package(entry: Path) -> bool:
    return "." not in entry.name and entry.is_dir() and any(entry.glob("*.py"))


def read(path: Path, subject: Subject) -> PythonFile:
    """What a module defines; each file is read once."""
    known = subject.sources
    if path not in known:
        file = path / "__init__.py" if path.is_dir() else path
        known[path] = python_file(file, _owned(subject)) if file.is_file() else PythonFile(path, None)
    found: PythonFile = known[path]
    return found


def _owned(subject: Subject) -> set[str]:
    return {name for name in siblings("", roots_of(subject)) if "." not in name}
