"""A turn on a terminal: Markdown that grows, a line for each tool call, a sign of life while waiting."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from runner.cli.footnotes import code_block, footnotes
from runner.cli.held import Held
from runner.cli.live import Live
from runner.cli.markdown import MarkdownStream, terminal_console
from runner.cli.screen import VisibleStream
from runner.cli.told import Told
from runner.events import (
    BuiltInCalled,
    CodeRan,
    CodeWritten,
    MediaReturned,
    TextDelta,
    ThoughtDelta,
    ToolCalled,
    ToolReturned,
    TurnEnded,
    UsageReported,
)

if TYPE_CHECKING:
    from runner.cli.door import Door
    from runner.cli.live import Line
    from runner.events import Event

_Kind: TypeAlias = Literal["text", "thought", "code"]
_TICK = 0.08  # seconds between two drawings, at least
_PATIENCE = 3.0  # seconds of waiting before they are counted out


class DrawnView:
    """Draws one turn. Finished blocks are printed once and never again; only the last block is redrawn.

    Where answers may have sources (`cites`), an answer that fits the screen is redrawn as a whole until it is complete,
    because what it is drawn from is told at its end.
    """

    def __init__(self, door: Door, *, cites: bool = False) -> None:
        self._door, self._cites = door, cites
        self._told = Told(quiet=door.loudness.quiet, verbose=door.loudness.verbose)
        self._console = terminal_console(door.out)
        self._live = Live()
        self._stream: MarkdownStream | None = None
        self._held: Held | None = None
        self._late: list[str] = []  # lines to be told when the text that streams is complete
        self._kind: _Kind | None = None
        self._visible = VisibleStream()
        self._pieces = 0
        self._growing: tuple[object, list[Line]] = (None, [])
        self._drawing = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._frame = 0
        self._ticking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking
        await self._close()

    async def show(self, event: Event) -> None:
        """Show one event."""
        self._since = self._loop.time()
        line = self._told.line(event)
        match event:
            case TextDelta(text=text):
                await self._feed("text", text)
            case ThoughtDelta(text=text):
                await self._feed("thought", text)
            case CodeWritten() | CodeRan():
                await self._feed("code", code_block(event))
            case ToolCalled() | BuiltInCalled() | MediaReturned():
                await self._close()
            case TurnEnded():
                await self._end(event)
            case UsageReported() if line is not None and self._stream is not None:
                self._late.append(line)
                return
        if line is not None:
            is_call = isinstance(event, ToolReturned | BuiltInCalled)
            await self._aside(self._cropped(self._door.mark + line) if is_call else line)

    async def _end(self, ended: TurnEnded) -> None:
        """The answer, its sources, and what its last step used."""
        await self._print(self._cited(ended) or self._closed())
        for note in footnotes(ended.sources) if not self._door.loudness.quiet else ():
            await self._aside(note)
        await self._close()

    async def _feed(self, kind: _Kind, text: str) -> None:
        if kind != "text" and self._door.loudness.quiet:
            return
        if kind != self._kind:
            await self._close()
            self._kind = kind
            self._stream = MarkdownStream(self._console, style="dim" if kind == "thought" else "none")
            self._held = Held() if self._cites and kind == "text" else None
        if self._stream is not None:
            self._stream.feed(self._visible.feed(text))
            self._pieces += 1
        if self._held is not None:
            self._held.feed(text)

    def _closed(self) -> str:
        """The end of the text that was streaming, to be printed."""
        stream, self._stream, self._kind = self._stream, None, None
        if stream is None:
            return ""
        stream.feed(self._visible.end())
        held, self._held = self._held, None
        return ("" if held is None else held.released()) + stream.close()

    def _cited(self, ended: TurnEnded) -> str:
        """The answer with the numbers of its sources, where nothing of it was printed yet; else nothing."""
        text = "" if self._held is None else self._held.cited(ended)
        if not text:
            return ""
        self._stream = self._held = self._kind = None
        self._visible.end()
        stream = MarkdownStream(self._console)
        stream.feed(text)
        return stream.close()

    def _cropped(self, line: str) -> str:
        """A tool's line is one row of the terminal."""
        from rich.cells import cell_len, set_cell_size

        width = self._console.width - 1
        return line if cell_len(line) <= width else f"{set_cell_size(line, width - 1)}…"

    # drawing

    async def _close(self) -> None:
        """Print the end of the text that was streaming, and the lines that have waited for it."""
        await self._print(self._closed())
        late, self._late = self._late, []
        for line in late:
            await self._aside(line)

    async def _aside(self, line: str) -> None:
        """Print a line beside the answer, in the place of the live lines."""
        await self._print("")
        await self._door.aside(line)

    async def _print(self, text: str) -> None:
        """Print `text`, complete lines, and take the live lines away."""
        async with self._drawing:
            await self._write(text, [])

    async def _tick(self) -> None:
        while True:
            before = self._loop.time()
            async with self._drawing:
                finished = self._stream.finished() if self._stream is not None else ""
                growing = self._growing_lines()
                if self._held is not None:
                    finished = self._held.kept(finished, self._console.height - len(growing) - 3)
                await self._write(finished, self._live_lines(growing))
            self._frame += 1
            await asyncio.sleep(max(_TICK, 4 * (self._loop.time() - before)))

    async def _write(self, printed: str, lines: list[Line]) -> None:
        await self._door.out.write(self._live.redrawn(printed, lines, self._console.width))

    def _live_lines(self, growing: list[Line]) -> list[Line]:
        seconds = self._loop.time() - self._since
        shown = growing if self._held is None else [*self._held.lines, *growing]
        return shown if growing and seconds < _PATIENCE else [*shown, self._waiting(seconds)]

    def _growing_lines(self) -> list[Line]:
        """The text that may still change; rendered again only when it or the terminal has changed."""
        if self._stream is None:
            return []
        state = (self._pieces, self._console.size)
        if self._growing[0] != state:
            self._growing = state, self._stream.unfinished(max(self._console.height - 3, 1))
        return self._growing[1]

    def _waiting(self, seconds: float) -> Line:
        """Dots that move, the tools that run, and after a while the seconds."""
        parts = [self._door.out.glyph("·", ".") * (self._frame // 4 % 3 + 1), ", ".join(self._told.running.values())]
        if seconds > _PATIENCE:
            parts.append(f"{seconds:.0f} s")
        text = " ".join(part for part in parts if part)[: self._console.width - 1]
        return (f"\x1b[2m{text}\x1b[0m" if self._door.out.has_style else text), len(text)
