"""What tools print while conversations are run."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Printed(io.TextIOBase):
    """Stands in for standard output: hands on each line that is written, from whatever thread."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._begun = ""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Hand on the lines that `text` completes."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._tell(line)
        return len(text)

    def end(self) -> None:
        """Hand on what has no end."""
        if self._begun:
            self._tell(self._begun)
            self._begun = ""
