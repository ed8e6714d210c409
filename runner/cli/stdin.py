"""Standard input as messages."""

from __future__ import annotations

import os
import select
import sys
import threading
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_CHUNK = 65536
_PATIENCE = 3.0  # seconds of silence before saying that standard input is being read


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


async def read_lines() -> AsyncIterator[str]:
    """The lines of standard input as they come, without their ends; blank ones are left out.

    Read by a daemon thread from the descriptor itself: a thread in `sys.stdin` could not be left behind at the exit.
    """
    import asyncio

    descriptor = _descriptor()
    if descriptor is None:
        return
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = os.read(descriptor, _CHUNK)
            except OSError:
                chunk = b""
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, chunk)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    rest = b""
    while chunk := await arrived.get():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if text := _decoded(line).strip():
                yield text
    if text := _decoded(rest).strip():
        yield text


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
