"""The files that a manifest names by a path or a pattern: none of them hidden, none outside of the project."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from runner.errors import ManifestError
from runner.files import is_remote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE_LIMIT = 1000
_PATTERN = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Files:
    """The files a path or a pattern names, relative to `folder`; none is outside of `root`.

    `key` is the manifest's key that names them, for errors.
    """

    named: str
    folder: Path
    root: Path
    key: str = "cache.content"

    def paths(self) -> list[Path]:
        """The files there are now, in order. Raises ManifestError where there is none, or one that may not be read."""
        if _is_hidden(PurePath(self.named)):
            raise self._wrong("is hidden: it may hold secrets")
        if _PATTERN.isdisjoint(self.named):
            found = [self.folder / self.named]
            if found[0].is_dir():
                raise self._wrong(f"is a folder: name its files, as {self.named.rstrip('/')}/*")
            if not found[0].is_file():
                raise self._wrong("no such file")
        else:
            found = self._matching()
        for path in found:
            if not path.resolve().is_relative_to(self.root.resolve()):
                raise self._wrong(f"leads out of the project {self.root}")
        return found

    def _matching(self) -> list[Path]:
        """The files of a pattern but for hidden ones."""
        try:
            paths = self.folder.glob(self.named)
            found = sorted(path for path in paths if path.is_file() and not self._hides(path))
        except (ValueError, NotImplementedError, OSError) as error:
            raise self._wrong(f"is not a pattern of files: {error}") from error
        if not found:
            raise self._wrong("matches no file")
        if len(found) > FILE_LIMIT:
            raise self._wrong(f"matches more than {FILE_LIMIT:,} files")
        return found

    def _hides(self, path: Path) -> bool:
        """Whether what the pattern stands for is hidden; the folder itself may be."""
        return _is_hidden(PurePath(os.path.relpath(path, self.folder)))

    def _wrong(self, why: str) -> ManifestError:
        return ManifestError(f'"{self.named}": {why}', key=self.key)


def files_named(items: Iterable[str], folder: Path, root: Path, key: str = "files") -> list[str | Path]:
    """The files that paths and patterns name, each once, and addresses as they are. Raises ManifestError."""
    found: dict[str | Path, None] = {}
    for item in items:
        found |= dict.fromkeys([item] if is_remote(item) else Files(item, folder, root, key).paths())
    return list(found)


def _is_hidden(path: PurePath) -> bool:
    return any(part.startswith(".") and part != ".." for part in path.parts)
