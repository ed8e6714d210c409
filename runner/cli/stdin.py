"""Standard input as messages."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_CHUNK = 65536
_PATIENCE = 2.0  # seconds of silence before saying that standard input is being read


def is_terminal() -> bool:
    """Whether someone may type."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def read_all(on_silence: Callable[[], None] = lambda: None) -> str:
    """Everything piped in, without the final newlines; `on_silence` is called when nothing has come for a while."""
    descriptor = _descriptor()
    if descriptor is None:
        return ""
    if not _has_something(descriptor):
        on_silence()
    chunks = []
    while chunk := os.read(descriptor, _CHUNK):
        chunks.append(chunk)
    return _decoded(b"".join(chunks)).rstrip("\r\n")


class Lines:
    """The lines of standard input as they come.

    Read by a daemon thread from the descriptor itself: a thread in `sys.stdin` could not be left behind at the exit.
    """

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[bytes] | None = None
        self._ready: deque[bytes] = deque()
        self._rest = b""
        self._is_over = False

    async def next(self) -> str | None:
        """The next line without its end, or None; blank ones are left out. It may be cancelled and called again."""
        while not self._is_over or self._ready:
            while self._ready:
                if line := _decoded(self._ready.popleft()).strip():
                    return line
            if not self._is_over:
                await self._take()
        return None

    async def _take(self) -> None:
        if self._arrived is None:
            self._arrived = self._started()
        chunk = await self._arrived.get()
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._is_over = not chunk
        self._ready += [*lines, self._rest] if self._is_over else lines

    def _started(self) -> asyncio.Queue[bytes]:
        import asyncio

        loop, descriptor = asyncio.get_running_loop(), _descriptor()
        arrived: asyncio.Queue[bytes] = asyncio.Queue()

        def read() -> None:
            chunk = b"-"
            while chunk:
                try:
                    chunk = b"" if descriptor is None else os.read(descriptor, _CHUNK)
                except OSError:
                    chunk = b""
                try:
                    loop.call_soon_threadsafe(arrived.put_nowait, chunk)
                except RuntimeError:  # the loop is closed: nobody waits any more
                    return

        threading.Thread(target=read, name="stdin", daemon=True).start()
        return arrived


def _descriptor() -> int | None:
    if sys.stdin is None or sys.stdin.closed:
        return None
    try:
        return sys.stdin.fileno()
    except (OSError, ValueError):
        return None


def _has_something(descriptor: int) -> bool:
    """Whether there is data or an end within a while."""
    if os.name == "nt":
        return True
    return bool(select.select([descriptor], [], [], _PATIENCE)[0])


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"standard input is not UTF-8 text (byte {error.start})") from error
