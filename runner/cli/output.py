"""Standard output and standard error, as an event loop needs them."""

from __future__ import annotations

import errno
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 1000  # characters: never more bytes than a pipe that says it is writable takes without blocking
_PAUSE = 0.01
_READER_LEFT = {errno.EPIPE, errno.EIO, errno.ECONNRESET}  # a closed pipe, a terminal that hung up, a closed socket


class Output:
    """A standard stream that never blocks the event loop and goes quiet when nobody reads it any more.

    A reader that left (`agent-run ... | head -1`) is no failure: what comes later is dropped. Another failure, such as
    a full disk, is kept in `problem`; the turn still runs to its end. While `is_hurried`, a reader that does not read
    is not waited for.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._fd = _descriptor(stream)
        self.is_terminal = stream is not None and not stream.closed and stream.isatty()
        self.problem: OSError | None = None
        self.is_silent = stream is None
        self.is_hurried = False

    @property
    def can_draw(self) -> bool:
        """Whether the cursor can be moved: lines that change, spinners."""
        return self.is_terminal and os.environ.get("TERM", "") not in {"dumb", "unknown"}

    @property
    def has_style(self) -> bool:
        """Whether text may be dimmed or coloured."""
        return self.can_draw and not os.environ.get("NO_COLOR")

    @property
    def columns(self) -> int:
        """How wide the terminal is now; 80 where there is none."""
        return self._size().columns

    @property
    def rows(self) -> int:
        """How high the terminal is now; 24 where there is none."""
        return self._size().lines

    def _size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._fd if self._fd is not None else -1)
        except OSError:
            size = os.terminal_size((0, 0))
        return os.terminal_size((size.columns or 80, size.lines or 24))

    def glyph(self, preferred: str, plain: str) -> str:
        """`preferred`, or `plain` where the stream's encoding does not have it."""
        try:
            preferred.encode(self._stream.encoding if self._stream is not None else "utf-8")
        except (UnicodeEncodeError, LookupError, AttributeError, TypeError):
            return plain
        return preferred

    async def write(self, text: str) -> None:
        """Write `text`, waiting without blocking the loop while the reader is slow."""
        for piece in _pieces(text):
            if await self._ready():
                self.write_now(piece)

    def write_now(self, text: str) -> None:
        """Write `text` and flush."""
        if self.is_silent or self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError) as error:
            self.is_silent = True
            if isinstance(error, OSError) and error.errno not in _READER_LEFT:
                self.problem = error
            self.discard()

    async def _ready(self) -> bool:
        if self._is_ready():
            return True
        from asyncio import sleep

        while not self._is_ready():  # no event tells it for files and terminals alike
            if self.is_hurried:
                return False
            await sleep(_PAUSE)
        return True

    def _is_ready(self) -> bool:
        if self._fd is None or self.is_silent or os.name == "nt":
            return True
        try:
            return bool(select.select([], [self._fd], [], 0)[1])
        except (OSError, ValueError):
            return True

    def discard(self) -> None:
        """Let nothing be written later: the interpreter flushes the stream once more when it ends."""
        if self._fd is not None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._fd)
            os.close(nowhere)


def _descriptor(stream: TextIO | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE]


def prepare_streams() -> None:
    """Make the standard streams take any text: what an encoding lacks is escaped; a pipe gets UTF-8.

    A descriptor that was closed (`>&-`) is opened on nothing: else the next file opened would take its number.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if os.name != "nt":
            os.set_blocking(descriptor, True)  # another program may have left it otherwise
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        if stream.isatty() or "PYTHONIOENCODING" in os.environ:
            reconfigure(errors="backslashreplace")
        else:
            reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
