"""Single keys from a terminal, without Enter."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from runner.cli import stdin

if TYPE_CHECKING:
    from collections.abc import Callable


class Keys:
    """Used as `with`: while it is open, keys are read as they are pressed; `on_interrupt` is called for Ctrl+C.

    Where standard input is no terminal, none ever comes.
    """

    def __init__(self, on_interrupt: Callable[[], object]) -> None:
        self._on_interrupt = on_interrupt
        self._pressed: asyncio.Queue[str] = asyncio.Queue()
        self._stack = ExitStack()
        self.are_read = stdin.is_terminal()

    def __enter__(self) -> Self:
        if self.are_read:
            from prompt_toolkit.input import create_input

            self._input = create_input(sys.stdin)
            self._stack.enter_context(self._input.raw_mode())
            self._stack.enter_context(self._input.attach(self._read))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the terminal back as it was."""
        self._stack.close()

    async def pressed(self) -> str:
        """The next key: a character, or a name such as `c-m`."""
        return await self._pressed.get()

    def _read(self) -> None:
        for press in self._input.read_keys():
            if press.key == "c-c":
                self._on_interrupt()
            else:
                self._pressed.put_nowait(str(getattr(press.key, "value", press.key)))
