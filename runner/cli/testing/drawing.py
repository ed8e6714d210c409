"""The drawing of a run that is under way: a line for each case that runs, and the sums so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.screen import visible_line
from runner.conversations.reports.amounts import duration, money
from runner.conversations.reports.lines import shortened
from runner.conversations.reports.text import SUFFIX
from runner.loading.words import counted
from runner.widths import width_of

if TYPE_CHECKING:
    from runner.cli.live import Line
    from runner.cli.testing.board import Board, Running, Spent
    from runner.cli.testing.styles import Style
    from runner.conversations.progress import CaseId
    from runner.conversations.reports.lines import Look

_FRAMES, _PLAIN_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"
_KEPT_ROWS = 4  # of the terminal, for what is printed above
_MOST_DOTS = 12


def board_lines(board: Board, style: Style, frame: int) -> list[Line]:
    """The lines to draw, no wider and no more than the terminal has room for."""
    room = max(style.out.rows - _KEPT_ROWS, 1)
    running = list(board.running.items())
    lines = [_case(case, each, board, style, frame) for case, each in running[:room]]
    if len(running) > room:
        lines.append(_fitted([(f"  and {len(running) - room} more", "dim")], style))
    return [*lines, _sums(board, style)]


def _case(case: CaseId, running: Running, board: Board, style: Style, frame: int) -> Line:
    frames = style.out.glyph(_FRAMES, _PLAIN_FRAMES)
    dots = [style.dot(each) for each in running.turns]
    dots += [style.dot(None)] * max(running.length - len(dots), 0)
    told = [f"{running.ended}/{running.repeats}"] if running.repeats > 1 else []
    told += [*_spent(running.spent), duration(board.elapsed(running.since))]
    numbers = "  " + " ".join(told)
    name = visible_line(f"{case.suite.name.removesuffix(SUFFIX)}: {case.name}")
    room = style.out.columns - 1 - 4 - min(len(dots), _MOST_DOTS) - width_of(numbers)
    return _fitted(
        [
            (f"{frames[frame % len(frames)]} ", "plain"),
            (f"{shortened(name, max(room, 10))}  ", "plain"),
            *dots[:_MOST_DOTS],
            (numbers, "dim"),
        ],
        style,
    )


def _sums(board: Board, style: Style) -> Line:
    dot = style.out.glyph(" · ", " - ")
    pieces: list[tuple[str, Look]] = [(f"{board.ended}/{board.cases} done", "plain")]
    if failed := board.done.get("failed"):
        pieces.append((f"{dot}{failed} failed", "bad"))
    if errors := board.done.get("error"):
        pieces.append((f"{dot}{counted(errors, 'error')}", "bad"))
    rest = [*_spent(board.spent), duration(board.elapsed())]
    return _fitted([*pieces, (dot + dot.join(rest), "dim")], style)


def _spent(spent: Spent) -> list[str]:
    told = [f"{spent.retries} {'retry' if spent.retries == 1 else 'retries'}"] if spent.retries else []
    told += [f"{spent.tokens:,} tok"] if spent.tokens else []
    return [*told, money(spent.dollars)] if spent.dollars else told


def _fitted(pieces: list[tuple[str, Look]], style: Style) -> Line:
    """The pieces on one row, cut where the terminal ends."""
    room, text, width = style.out.columns - 1, "", 0
    for piece, look in pieces:
        shown = shortened(piece, room - width) if room > width else ""
        text += style.painted(shown, look)
        width += width_of(shown)
    return text, width
