"""Digests of files: whether a content is another one."""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Digests: TypeAlias = "dict[Path, str | None]"
"""What stood at each path: a digest of the content, None where there was no regular file."""


_LARGE = 8 * 1024 * 1024  # bytes: a film that is sent, and no source


def digest(content: bytes) -> str:
    """What stands for a content."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def digest_of(path: Path) -> str | None:
    """The digest of a file's content now; None where there is no regular file, the reason where it cannot be read.

    A file too large to be read again and again is told from another by its size and time.
    """
    try:
        known = path.stat()
        if stat.S_ISREG(known.st_mode) and known.st_size > _LARGE:
            return f"{known.st_size} bytes of {known.st_mtime_ns}"
        return digest(path.read_bytes()) if stat.S_ISREG(known.st_mode) else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        return f"unreadable: {type(error).__name__}"


def digests_of(paths: Iterable[Path]) -> Digests:
    """The digests of several files now."""
    return {path: digest_of(path) for path in paths}
