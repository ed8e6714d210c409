"""A turn as plain text: the answer as it came for a pipe, made visible for a simple terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from runner.cli.footnotes import code_block, footnotes
from runner.cli.screen import VisibleStream
from runner.cli.told import Told
from runner.events import (
    BuiltInCalled,
    CodeRan,
    CodeWritten,
    MediaReturned,
    TextDelta,
    ToolCalled,
    ToolReturned,
    TurnEnded,
)

if TYPE_CHECKING:
    from runner.cli.door import Door
    from runner.events import Event


class PlainView:
    """Writes the answer to stdout as it arrives, all else to stderr.

    The last newline of the answer is written when the turn has ended and is stored: it is the acknowledgement. So
    newlines are held back until more text follows. Texts with tool calls between them are set apart by a blank line.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._told = Told(quiet=door.loudness.quiet, verbose=door.loudness.verbose)
        self._visible = VisibleStream() if door.out.is_terminal else None
        self._newlines = ""
        self._has_text = False
        self._is_mid_line = False
        self._is_apart = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._end_line()

    async def show(self, event: Event) -> None:
        """Show one event."""
        line = self._told.line(event)
        match event:
            case TextDelta(text=text):
                await self._text(self._visible.feed(text) if self._visible is not None else text)
            case CodeWritten() | CodeRan():
                self._is_apart = self._has_text
                if not self._door.loudness.quiet:
                    await self._door.tell(code_block(event).rstrip())
            case ToolCalled() | MediaReturned():
                self._is_apart = self._has_text
            case TurnEnded():
                await self._end(event)
        if line is not None:
            if self._door.out.is_terminal and self._door.err.is_terminal:
                await self._end_line()
            is_call = isinstance(event, ToolReturned | BuiltInCalled)
            await self._door.aside(self._door.mark + line if is_call else line)
        if isinstance(event, TurnEnded) and not self._door.loudness.quiet:
            for note in footnotes(event.sources):
                await self._door.aside(note)

    async def _text(self, text: str) -> None:
        bare = text.rstrip("\n")
        if not bare:
            self._newlines += text
            return
        if self._is_apart:
            self._newlines = "\n\n" if self._is_mid_line else "\n"
        await self._door.out.write(self._newlines + bare)
        self._newlines = text[len(bare) :]
        self._has_text = self._is_mid_line = True
        self._is_apart = False

    async def _end(self, ended: TurnEnded) -> None:
        if self._visible is not None:
            await self._text(self._visible.end())
        if self._has_text or ended.reason in {"answered", "stopped"}:
            await self._door.out.write(self._newlines or "\n")
        self._newlines, self._is_mid_line = "", False

    async def _end_line(self) -> None:
        if self._is_mid_line:
            await self._door.out.write("\n")
            self._newlines, self._is_mid_line = "", False
