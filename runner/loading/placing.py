"""What goes wrong while an agent is built, told at the key of the manifest it is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.errors import ManifestError
from runner.loading.diagnostics import Diagnostic, InvalidManifestError
from runner.loading.locations import locate
from runner.loading.source import shown_path

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
        return ManifestError(error.message, path=shown_path(loaded.path), key=key)
    diagnostic = Diagnostic(
        code="E190",
        message=error.message,
        path=place.span.source.shown,
        span=place.span,
        context=place.context,
        key=key,
    )
    return InvalidManifestError([diagnostic])
