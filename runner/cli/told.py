"""What a turn has told so far, and the line each event deserves beside the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.lines import call_line, ended_line, media_line, price, returned_line, usage_line
from runner.cli.screen import visible_line
from runner.events import (
    BuiltInCalled,
    Event,
    MediaReturned,
    Notice,
    ToolCalled,
    ToolProgress,
    ToolReturned,
    TurnEnded,
    TurnStarted,
    UsageReported,
)

if TYPE_CHECKING:
    from runner.messages import Json


class Told:
    """Reads one turn's events: which calls run, and how the others ended."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.running: dict[tuple[str, int], str] = {}
        self.kinds: list[str] = []
        self._args: dict[tuple[str, int], Json] = {}
        self._quiet, self._verbose = quiet, verbose

    def line(self, event: Event) -> str | None:
        """The line to show for `event`, if any. A turn's failure is told even where quiet was asked for."""
        match event:
            case ToolCalled(id=call, index=index, name=name, args=args):
                self.running[call, index] = visible_line(name, 40)
                self._args[call, index] = args
                return None
            case ToolProgress(id=call, index=index, name=name, progress=progress):
                self.running[call, index] = f"{visible_line(name, 40)}: {visible_line(str(progress), 40)}"
                return None
            case ToolReturned(id=call, index=index):
                self.running.pop((call, index), None)
                self.kinds.append(event.kind)
                return None if self._quiet else returned_line(event, self._args.get((call, index)))
            case TurnEnded():
                return ended_line(event, self.kinds)
        return None if self._quiet else self._remark(event)

    def _remark(self, event: Event) -> str | None:
        match event:
            case Notice(message=message):
                return visible_line(message)
            case MediaReturned():
                return media_line(event)
            case BuiltInCalled(name=name, args=args):
                return call_line(name, args)
            case TurnStarted(chat_id=chat, turn=turn, model=model) if self._verbose:
                return visible_line(f"chat {chat}, turn {turn}, {model}")
            case UsageReported(step=step, usage=usage, cache=cache, cost=cost) if self._verbose:
                paid = "" if cost is None else f", {price(cost)}"
                return f"{f'step {step}' if step else 'summary'}{paid}: {usage_line(usage, cache)}"
        return None
