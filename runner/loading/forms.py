"""Values that are written in a form of their own: what is said of those that are not, by the type of the error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.loading import hinting
from runner.manifest.history import SUMMARIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.loading.nodes import Node


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write a value: what it must be, in short, words that it may be, and how another way is written so."""

    wanted: str
    expected: str
    hint: Callable[[Node], str | None]
    words: tuple[str, ...] = ()


FORMS = {
    "duration": Form("a time above 0 such as 90s, 2m or 1h30m", "a time such as 90s", hinting.for_duration),
    "size": Form("a number above 0 or a size such as 200kB", "a size such as 200kB", hinting.for_size),
    "share": Form("a share such as 80% or 0.8", "a share such as 80%", hinting.for_percent),
    "history_keep": Form(
        "turns such as 200 turns, a share of the window such as 60%, or summarize",
        "200 turns, 60% or summarize",
        hinting.for_history,
        (SUMMARIZE,),
    ),
}
