"""Saving a file as careful editors do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def save(path: Path, text: str) -> None:
    """Put another content in the file's place, whole: on a busy machine a reader may see what is half written."""
    other = path.with_name(f".{path.name}.saving")
    other.write_text(text)
    other.replace(path)
