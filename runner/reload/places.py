"""Where a path can change: the folders to watch, and the entries in them that matter."""

# Texts instead of Path objects: this runs at every change, over every part of many paths.
# ruff: noqa: PTH114, PTH115, PTH116, PTH118, PTH120

from __future__ import annotations

import os
import stat
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LINKS = 40  # followed at most, as Linux does


@dataclass(frozen=True, slots=True)
class Places:
    """The folders to watch, each with its device and inode, and the entries whose change may matter."""

    folders: dict[str, tuple[int, int]]
    entries: frozenset[str]


def places_of(paths: Iterable[Path], top: Path) -> Places:
    """Where these paths can change: in their own folders, in those of links that lead there, in those up to `top`."""
    root = os.path.realpath(top)
    entries = {entry for path in paths for entry in _entries(str(path.absolute()), root)}
    found = ((folder, _identity(folder)) for folder in {os.path.dirname(entry) for entry in entries})
    folders = {folder: identity for folder, identity in found if identity is not None}
    return Places(folders, frozenset(entries | folders.keys()))


def _entries(path: str, root: str) -> Iterator[str]:
    """The entries that decide what stands at a path, each in its real folder; the last one may be missing."""
    folder, left = _split(path)
    links = 0
    while left:
        part = left.popleft()
        entry = os.path.join(folder, part)
        if part == os.pardir:
            folder = os.path.dirname(folder)
        elif os.path.islink(entry) and links < _LINKS:
            yield entry
            links += 1
            start, parts = _split(os.readlink(entry))
            folder = start or folder
            left.extendleft(reversed(parts))
        elif left and os.path.lexists(entry):
            if f"{folder}{os.sep}".startswith(f"{root}{os.sep}"):
                yield entry
            folder = entry
        else:
            yield entry
            return


def _split(path: str) -> tuple[str, deque[str]]:
    """Where a path starts (nowhere if it is relative), and its parts."""
    parts = Path(path).parts
    start = Path(path).anchor
    return start, deque(parts[1:] if start else parts)


def _identity(folder: str) -> tuple[int, int] | None:
    """What tells a folder from another of the same name; None where there is none that may be watched."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    readable = stat.S_ISDIR(status.st_mode) and os.access(folder, os.R_OK)
    return (status.st_dev, status.st_ino) if readable else None
