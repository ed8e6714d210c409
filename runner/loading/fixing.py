"""Applies the fixes of diagnostics to the files: only what is replaced changes, and nothing else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.loading.diagnostics import Diagnostic, Fix
    from runner.loading.source import Source


def apply_fixes(diagnostics: Iterable[Diagnostic]) -> list[Fix]:
    """Write the fixes into their files, and return them. Overlapping ones are left for another time.

    Raises OSError when a file cannot be written; those before it are.
    """
    by_source: dict[Path, tuple[Source, list[Fix]]] = {}
    for each in diagnostics:
        if each.fix is not None:
            source = each.fix.span.source
            by_source.setdefault(source.path.resolve(), (source, []))[1].append(each.fix)
    return [fix for path, (source, fixes) in by_source.items() for fix in apply_to(path, source, fixes)]


def apply_to(path: Path, source: Source, fixes: Iterable[Fix]) -> list[Fix]:
    """Write fixes of one source into its file, and return them; overlapping ones are left out. Raises OSError."""
    text, applied = fixed(source, fixes)
    _write(path, (b"\xef\xbb\xbf" if source.has_bom else b"") + text.encode())
    return applied


def fixed(source: Source, fixes: Iterable[Fix]) -> tuple[str, list[Fix]]:
    """The text of a source with fixes applied, and which were."""
    text, end = source.text, len(source.text) + 1
    applied: list[Fix] = []
    for fix in sorted(set(fixes), key=lambda fix: fix.span.start, reverse=True):
        if fix.span.end <= end:
            text = text[: fix.span.start] + fix.text + text[fix.span.end :]
            end = fix.span.start
            applied.insert(0, fix)
    return text, applied


def _write(path: Path, content: bytes) -> None:
    """Replace a file at once, so that no reader ever sees a part of it; its permissions stay."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(path.stat().st_mode & 0o7777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
