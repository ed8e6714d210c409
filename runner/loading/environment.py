"""The environment that `${VAR}` reads: the process's, and below it the `.env` of the project root."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LARGEST = 1_000_000


def dotenv_of(root: Path) -> Path | None:
    """The project's `.env`, if it has one."""
    path = root / ".env"
    try:
        return path if path.is_file() and path.stat().st_size <= _LARGEST else None
    except OSError:
        return None


def environment_of(root: Path) -> Mapping[str, str]:
    """The variables of the process, and those of the project's `.env` that it does not set."""
    path = dotenv_of(root)
    if path is None:
        return os.environ
    from dotenv import dotenv_values

    try:
        written = {
            name: value for name, value in dotenv_values(path, encoding="utf-8-sig").items() if value is not None
        }
    except (OSError, UnicodeDecodeError):
        written = {}
    return {**written, **os.environ}
