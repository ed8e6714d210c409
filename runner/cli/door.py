"""What every way of talking to an agent shares: the streams, the signals, and how much is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from runner.cli.exits import Exit
from runner.cli.screen import visible

if TYPE_CHECKING:
    from runner.cli.output import Output
    from runner.cli.signals import Signals
    from runner.events import Event

_DIM, _RED, _PLAIN = "\x1b[2m", "\x1b[31m", "\x1b[0m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """How much is said beside the answer."""

    quiet: bool = False
    verbose: bool = False
    debug: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The answer's stream, the stream for everything else, the signals, and how much is said."""

    out: Output
    err: Output
    signals: Signals
    loudness: Loudness

    @property
    def mark(self) -> str:
        """What stands before a tool call."""
        return self.err.glyph("\u22c5 ", "- ")

    async def aside(self, line: str) -> None:
        """Write one line, already safe for a terminal, beside the answer."""
        from runner.cli.fitting import fitted  # an answer alone needs none of it

        style, line = _RED if line.startswith("error:") else _DIM, fitted(line, self.err)
        await self.err.write(f"{style}{line}{_PLAIN}\n" if self.err.has_style else f"{line}\n")

    async def tell(self, text: str) -> None:
        """Write a text of several lines beside the answer."""
        from runner.cli.fitting import fitted, painted

        await self.err.write(f"{painted(fitted(visible(text), self.err), self.err)}\n")

    def exit(self, code: Exit) -> Exit:
        """`code`, unless a signal asked to leave or the answer could not be written."""
        if code is Exit.INTERRUPTED and self.signals.asked_to_leave is not None:
            return self.signals.asked_to_leave
        if code is Exit.DONE and self.out.problem is not None:
            return Exit.STORAGE
        return code


class View(Protocol):
    """Shows the events of one turn; used as `async with`."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exc_info: object) -> None: ...

    async def show(self, event: Event) -> None:
        """Show one event; returns when it is written."""


class OuterView:
    """A view around another, which shows what this one lets through."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def __aenter__(self) -> Self:
        await self._view.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._view.__aexit__(*exc_info)
