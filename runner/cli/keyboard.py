"""The keyboard while an answer is drawn: what is typed is kept for the next prompt, not echoed into the answer."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL_FLAGS = 3  # where termios keeps them in its list


class Keyboard:
    """The terminal behind standard input. Where there is no termios, nothing is changed."""

    def __init__(self) -> None:
        self._saved: list[Any] | None = None

    @contextmanager
    def hushed(self) -> Iterator[None]:
        """Within the block typed text is not echoed; Ctrl+C still works."""
        try:
            import termios
        except ImportError:
            yield
            return
        try:
            self._saved = termios.tcgetattr(sys.stdin)
            silent = list(self._saved)
            silent[_LOCAL_FLAGS] &= ~(termios.ECHO | termios.ECHONL)
            termios.tcsetattr(sys.stdin, termios.TCSANOW, silent)
        except (OSError, ValueError, termios.error):
            self._saved = None
        try:
            yield
        finally:
            self.restore()

    def restore(self) -> None:
        """Undo what `hushed` changed."""
        if self._saved is None:
            return
        import termios

        with suppress(OSError, ValueError, termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSANOW, self._saved)
        self._saved = None
