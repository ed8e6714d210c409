"""A small file system for tests, where the user may mount one."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_MOUNT = "no file system may be mounted here"


class SmallDisk:
    """A file system of two megabytes at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, left: int = 0) -> None:
        """Fill it with another file, but for so many bytes."""
        status = os.statvfs(self.folder)
        free = status.f_bavail * status.f_frsize
        (self.folder / "other").write_bytes(b"x" * max(0, free - left))

    def empty(self) -> None:
        """Delete that file."""
        (self.folder / "other").unlink()

    def forbid_writing(self) -> None:
        """Nothing can be written to it any more, not even by root."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.folder)], check=True)


@contextmanager
def small_disk() -> Iterator[SmallDisk | None]:
    """A new one, or None where none may be made."""
    with tempfile.TemporaryDirectory() as folder:
        made = False
        with suppress(OSError):
            options = ["mount", "-t", "tmpfs", "-o", "size=2m", "agent-run-tests", folder]
            made = subprocess.run(options, check=False, capture_output=True).returncode == 0
        try:
            yield SmallDisk(Path(folder)) if made else None
        finally:
            if made:
                subprocess.run(["umount", folder], check=True)
