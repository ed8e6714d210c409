"""What is told beside the answer, made for the terminal: broken between words, with carets under what they mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.widths import width_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.output import Output

_CARET = re.compile(r"( +\| *)(\^+) (.+)")
_EXCERPT = re.compile(r" *(?:\d+|\.\.\.)? \| ?")
_HEADLINE = re.compile(r"(\S.*?:(?:\d+:\d+:)?) (error|warning)(\[[EW]\d{3}\]:)(.*)")
_NUMBERED = re.compile(r"( *(?:\d+|\.\.\.)? \|)(.*)")
_NOTE = re.compile(r"   = (?:note|hint): ")
_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_COLOURS = {"error": "\x1b[31m", "warning": "\x1b[33m"}
_INDENT = "    "
_LEAST = 40  # columns; a narrower terminal breaks lines itself


def fitted(text: str, out: Output) -> str:
    """The same text where `out` is no terminal, or is wide enough for it."""
    if not out.is_terminal or out.columns < _LEAST:
        return text
    return "\n".join(piece for line in text.split("\n") for piece in _fitted(line, out.columns))


def painted(text: str, out: Output) -> str:
    """The same text where `out` shows no colours."""
    if not out.has_style:
        return text
    lines: list[str] = []
    colour = ""
    for line in text.split("\n"):
        if headline := _HEADLINE.fullmatch(line):
            colour = _COLOURS[headline[2]]
        lines.append(_painted(line, colour))
    return "\n".join(lines)


def _painted(line: str, colour: str) -> str:
    """One line of a diagnostic in the colour of its severity."""
    if headline := _HEADLINE.fullmatch(line):
        place, severity, code, message = headline.groups()
        return f"{_BOLD}{place}{_PLAIN} {colour}{severity}{code}{_PLAIN}{message}"
    if numbered := _NUMBERED.fullmatch(line):
        margin, rest = numbered.groups()
        is_of_the_file = any(char.isdigit() for char in margin)
        return f"{_DIM}{margin}{_PLAIN}{rest if is_of_the_file else f'{colour}{rest}{_PLAIN}'}"
    return f"{_DIM}{line}{_PLAIN}" if _NOTE.match(line) else line


def _fitted(line: str, columns: int) -> Iterator[str]:
    if width_of(line) <= columns:
        yield line
    elif caret := _CARET.fullmatch(line):
        yield from _hint_below(caret[1], caret[2], caret[3], columns)
    elif _EXCERPT.match(line):
        yield line
    else:
        yield from wrapped(line, columns, _INDENT)


def _hint_below(before: str, carets: str, hint: str, columns: int) -> Iterator[str]:
    """The hint on lines of its own: under the carets, or further left if there is not room enough."""
    yield f"{before}{carets}"
    margin = before[: before.index("|") + 2]
    start = min(len(before), max(len(margin), columns - width_of(hint)))
    yield from wrapped(margin.ljust(start) + hint, columns, margin.ljust(start))


def reflowed(text: str, columns: int) -> str:
    """A text of paragraphs, lists and examples (set in by four spaces), its lines broken anew."""
    return "\n\n".join(_reflowed(part, columns) for part in text.split("\n\n"))


def _reflowed(part: str, columns: int) -> str:
    if part.startswith(_INDENT):
        return part
    lines: list[str] = []
    for item in re.split(r"\n(?=- )", part):
        lines += wrapped(" ".join(item.split()), columns, "  " if item.startswith("- ") else "")
    return "\n".join(lines)
