"""Terminal sessions as the documents show them: typed into a real shell in a real terminal, kept as text and as a film.

A session is made by a script of lines; what the terminal shows of them is kept three times, all from the same bytes:
as text (.txt), as a film in asciinema's form (.cast, version 2), and as a picture of its end (.svg, drawn by rich).
"""

from __future__ import annotations

import codecs
import json
import os
import re
import time
from dataclasses import dataclass, field
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

from tests.cli.tty import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLUMNS, ROWS = 100, 30
PROMPT = "$ "
SHELL = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
_DIM = "\x1b[90m"
_WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # a picture that asks nobody for anything
_TOOK = re.compile(r"\) \d\.\d s")  # how long a tool took, which differs from one recording to the next
_TYPING, _READING = 0.03, 1.5  # seconds of the film: between two keys, and before the next line


@dataclass
class Recording:
    """What a terminal was sent, with the seconds of the film."""

    frames: list[tuple[float, str]] = field(default_factory=list)

    @classmethod
    def from_cast(cls, text: str) -> Recording:
        """From asciinema's form."""
        _, *lines = text.splitlines()
        return cls([(at, data) for at, _, data in map(json.loads, lines)])

    def to_cast(self, title: str) -> str:
        """In asciinema's form."""
        head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": title, "env": {"TERM": "xterm-256color"}}
        lines = [head, *([round(at, 3), "o", data] for at, data in self.frames)]
        return "".join(f"{json.dumps(line)}\n" for line in lines)

    def screen(self) -> pyte.HistoryScreen:
        """The terminal at the end."""
        screen = pyte.HistoryScreen(COLUMNS, ROWS, history=10_000, ratio=1.0)
        data = "".join(data for _, data in self.frames)
        pyte.Stream(screen).feed(data.replace("\x1b[2m", _DIM))  # pyte knows no dim text
        return screen

    def to_text(self) -> str:
        """All lines."""
        return "".join(f"{_plain(line)}\n" for line in self._lines())

    def to_svg(self, title: str) -> str:
        """All lines, as a picture."""
        console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, highlight=False)
        for line in self._lines():
            console.print(_styled(line), soft_wrap=True)
        drawn = _WEB_FONT.sub("", console.export_svg(title=title, unique_id="r"))
        return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())

    def _lines(self) -> list[Mapping[int, Any]]:
        screen = self.screen()
        lines = [*screen.history.top, *(screen.buffer[row] for row in range(ROWS))]
        while lines and not _plain(lines[-1]).removesuffix(PROMPT.strip()):
            lines.pop()
        return lines


def _plain(line: Mapping[int, Any]) -> str:
    return "".join(line[column].data for column in range(COLUMNS)).rstrip()


def _styled(line: Mapping[int, Any]) -> Text:
    """A line in runs of one style, without blanks at its end."""
    chars = [line[column] for column in range(len(_plain(line)))]
    runs = groupby(chars, key=lambda char: (char.fg, char.bold, char.italics))
    return Text.assemble(*(("".join(char.data for char in run), _style(*style)) for style, run in runs))


def _style(colour: str, bold: bool, italic: bool) -> Style:
    is_dim = colour == "brightblack"
    return Style(color=None if is_dim or colour == "default" else colour, bold=bold, italic=italic, dim=is_dim)


class Session:
    """A shell in a terminal of its own; `run` types a line and waits until the prompt is back."""

    def __init__(self, *, cwd: Path, env: Mapping[str, str]) -> None:
        own = {"PS1": PROMPT, "TERM": "xterm-256color", "TZ": "UTC", "LC_ALL": "C.UTF-8", "HISTFILE": ""}
        self._terminal = Terminal(
            SHELL[1:], cwd=cwd, env={**os.environ, **env, **own}, columns=COLUMNS, rows=ROWS, program=SHELL[:1]
        )
        self._read = 0
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self.recording = Recording()
        self._at = 0.0

    def __enter__(self) -> Session:
        self._wait(1)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._terminal.__exit__(*exc_info)

    def run(self, line: str) -> str:
        """Type a line; returns what was shown of it."""
        before = self._terminal.text
        prompts = self._prompts()
        for key in line:
            self._terminal.send(key)
            self._wait(0, shown=key)
            self._at += _TYPING
        self._terminal.send("\r")
        self._wait(prompts + 1)
        self._at += _READING
        return self._terminal.text[len(before) :]

    def _prompts(self) -> int:
        return sum(line == PROMPT.rstrip() or line.startswith(PROMPT) for line in self._terminal.lines)

    def _wait(self, prompts: int, *, shown: str = "") -> None:
        """Read until so many prompts, or a key, were shown; what was sent is the next frames."""
        began, deadline = len(self._terminal.raw), time.monotonic() + 60
        while self._prompts() < prompts or (shown and len(self._terminal.raw) == began):
            if time.monotonic() > deadline:
                raise AssertionError(f"no prompt came back:\n{self._terminal.text}")
            since = time.monotonic()
            self._terminal._read()
            self._at += min(time.monotonic() - since, 0.1)
            self._keep()

    def _keep(self) -> None:
        data = _TOOK.sub(") 0.0 s", self._decode(self._terminal.raw[self._read :]))
        self._read = len(self._terminal.raw)
        if data:
            self.recording.frames.append((self._at, data))


def write_all(recording: Recording, base: Path, title: str) -> Sequence[Path]:
    """Write the three forms beside one another; their paths."""
    forms = {".txt": recording.to_text(), ".cast": recording.to_cast(title), ".svg": recording.to_svg(title)}
    for suffix, form in forms.items():
        base.with_suffix(suffix).write_text(form, encoding="utf-8")
    return [base.with_suffix(suffix) for suffix in forms]
