"""What goes wrong while an agent is built, told at the key of the manifest it is about."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ManifestError
from runner.loading.diagnostics import Diagnostic, InvalidManifestError, Span
from runner.loading.locations import locate
from runner.loading.source import SourceError, read_source, shown_path

if TYPE_CHECKING:
    from runner.loading.manifests import LoadedManifest


def placed(error: ManifestError, loaded: LoadedManifest, key: str | None = None) -> ManifestError:
    """The same error with the place of its key, or of `key`, where that is written; one that has a place as it is."""
    if error.path is not None:
        return error
    key = key or error.key
    path = tuple(int(part) if part.isdigit() else part for part in re.findall(r"\w+", key or ""))
    place = locate(loaded.tree, path) if loaded.tree is not None else None
    if place is None or not place.path or place.path != path:
        return ManifestError(error.message, path=shown_path(loaded.path), key=key, where=error.where)
    source, message = place.span.source, error.message
    span = _line(error.where)
    if span is not None:
        named = f"named by {source.shown}:{source.place(place.span.start)[0]}"
        return _invalid(Diagnostic(code="E190", message=message, path=span.source.shown, span=span, notes=(named,)))
    message = f"{error.where}: {message}" if error.where else message
    found = Diagnostic(code="E190", message=message, path=source.shown, span=place.span, context=place.context, key=key)
    return _invalid(found)


def _invalid(found: Diagnostic) -> InvalidManifestError:
    """The error with one diagnostic, of whose message only the first line is told."""
    first, newline, _ = found.message.partition("\n")
    return InvalidManifestError([replace(found, message=f"{first}…" if newline else first)])


def _line(where: str | None) -> Span | None:
    """What stands on the line `file:line`; None where that cannot be read."""
    file, _, number = (where or "").rpartition(":")
    try:
        source = read_source(Path(file))
        text = source.line(int(number))
    except (SourceError, ValueError, IndexError):
        return None
    start = source.offset(int(number)) + len(text) - len(text.lstrip())
    return Span(source, start, start + max(1, len(text.strip())))
