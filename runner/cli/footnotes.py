"""What built-in tools of the service did, and what an answer is drawn from, as text beside the answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.cli.screen import visible_line
from runner.events import CodeRan, CodeWritten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.requests import Source

_RUN = re.compile(r"`+")


def footnotes(sources: Iterable[Source]) -> list[str]:
    """A numbered line for each source of an answer."""
    return [
        f"[{number}] {visible_line(' '.join(each for each in (source.title, source.uri) if each))}"
        for number, source in enumerate(sources, 1)
    ]


def code_block(event: CodeWritten | CodeRan) -> str:
    """Code, or what it printed, as a block of Markdown."""
    if isinstance(event, CodeWritten):
        info, text = event.language, event.code
    else:
        info, text = ("" if event.outcome == "ok" else event.outcome), event.output
    fence = "`" * max(3, *(len(run) + 1 for run in [*_RUN.findall(text), ""]))
    return f"{fence}{visible_line(info)}\n{text.rstrip()}\n{fence}\n\n"
