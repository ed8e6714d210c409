"""The project root: what modules and relative databases are relative to, and what no path leaves."""

from __future__ import annotations

import os
from pathlib import Path

MARKERS = ("pyproject.toml", ".git")


def project_root(path: Path) -> Path:
    """The nearest folder above `path` that holds pyproject.toml or .git; else the folder of `path`."""
    folder = Path(os.path.realpath(path)).parent  # other than resolve(), it does not mind links in a circle
    for candidate in (folder, *folder.parents):
        if any((candidate / marker).exists() for marker in MARKERS):
            return candidate
    return folder
