"""Which file a dotted module name means in a project: found as it is when an agent runs, and not imported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runner.loading.words import certain, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from runner.loading.checks.python_source import PythonFile
    from runner.loading.checks.subject import Subject

_MOST_MODULES, _DEEPEST = 2_000, 3
_PASSED_OVER = {"node_modules", "venv", "env", "build", "dist", "site_packages", "tests"}
_FOREIGN = sys.stdlib_module_names | {__name__.partition(".")[0]}


def roots_of(subject: Subject) -> list[Path]:
    """The folders whose modules may be named: the project root and the manifest's folder."""
    return list(dict.fromkeys([subject.root, subject.folder.resolve()]))


def is_foreign(name: str) -> bool:
    """Whether a dotted name is of the standard library or ours: never a project module."""
    return name.partition(".")[0] in _FOREIGN


def find(name: str, roots: list[Path]) -> Path | None:
    """The file, or the package's folder, of a dotted name, if a root holds it."""
    try:
        return _found(name, roots)
    except OSError:  # a name too long for a file
        return None


def _found(name: str, roots: list[Path]) -> Path | None:
    for root in roots:
        base = root.joinpath(*name.split("."))
        for candidate in (base / "__init__.py", base.with_name(f"{base.name}.py")):
            if candidate.is_file() and candidate.resolve().is_relative_to(root):
                return candidate.resolve()
        if base.is_dir() and base.resolve().is_relative_to(root):
            return base.resolve()
    return None


def modules(roots: list[Path]) -> list[str]:
    """The dotted names of the project's modules, as far as they are looked through, for the nearest name."""
    found: dict[str, None] = {}
    waiting = [(root, "") for root in roots]
    while waiting and len(found) < _MOST_MODULES:
        folder, prefix = waiting.pop(0)
        for entry in _entries(folder):
            stem = entry.name.removesuffix(".py")
            if (
                not stem.isidentifier()
                or stem.startswith("_")
                or stem in _PASSED_OVER
                or (not prefix and is_foreign(stem))
            ):
                continue
            name = f"{prefix}.{stem}" if prefix else stem
            if entry.is_dir() and name.count(".") < _DEEPEST:
                waiting.append((entry, name))
            if entry.suffix == ".py":
                found[name] = None
    return list(found)


def meant(name: str, roots: list[Path]) -> tuple[str | None, bool]:
    """The module that a wrong name was most likely meant to be, and whether it can only have been that."""
    known = modules(roots)
    if sure := certain(name, known):
        return sure, True
    inside = [each for each in known if each.endswith(f".{name}")]
    return (inside[0], False) if len(inside) == 1 else (nearest(name, known), False)


def top_names(roots: list[Path]) -> set[str]:
    """The top-level names of the project's own modules and packages."""
    entries = (entry for root in roots for entry in _entries(root))
    return {
        stem for entry in entries if (stem := entry.name.removesuffix(".py")).isidentifier() and not is_foreign(stem)
    }


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(
            entry for entry in folder.iterdir() if entry.suffix == ".py" or ("." not in entry.name and entry.is_dir())
        )
    except OSError:
        return []


def read(path: Path, subject: Subject) -> PythonFile:
    """What a module defines; each file is read once."""
    from runner.loading.checks.python_source import PythonFile, python_file

    known = subject.sources
    if path not in known:
        file = path / "__init__.py" if path.is_dir() else path
        known[path] = python_file(file, top_names(roots_of(subject))) if file.is_file() else PythonFile(path, None)
    found: PythonFile = known[path]
    return found
