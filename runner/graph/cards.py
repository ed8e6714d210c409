"""The text of a part in a picture: its name, what it is, its settings, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.graph.parts import Part

_WIDEST = 60  # characters of a line; a picture whose boxes are wider is not looked at


@dataclass(frozen=True, slots=True)
class Card:
    """One box of a picture: its number and its parent's, the part, its title, what it is, and where it comes from."""

    number: int
    parent: int | None
    part: Part
    title: str
    details: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def id(self) -> str:
        """A name that every format takes."""
        return f"n{self.number}"

    @property
    def lines(self) -> tuple[str, ...]:
        """All of its text."""
        return (self.title, *self.details, *self.places)


def cards(root: Part, folder: Path) -> list[Card]:
    """The cards of a graph, parents first, with paths relative to `folder`."""
    found: list[Card] = []

    def add(part: Part, parent: int | None, above: Part | None) -> None:
        title, details = _shortened(part.title), tuple(_details(part))
        where = tuple(_shortened(place, keep="end") for place in places(part, above, folder))
        card = Card(len(found), parent, part, title, details, where)
        found.append(card)
        for child in part.parts:
            add(child, card.number, part)

    add(root, None, None)
    return found


def _details(part: Part) -> Iterator[str]:
    what: list[str] = [part.kind] if part.name else []
    if part.built and part.kind not in {"agent", "tool"}:
        what.append(part.built)
    if what:
        yield ", ".join(what)
    for setting in part.settings:
        yield _shortened(f"{setting.name} {setting.value}")


def places(part: Part, above: Part | None, folder: Path) -> list[str]:
    """Where a part comes from: its code, and the key that chose it where that is not its parent's too."""
    code = [part.code.shown(folder)] if part.code else []
    return code if above is not None and part.origin == above.origin else [*code, part.origin.shown(folder)]


def _shortened(text: str, *, keep: str = "start") -> str:
    line = " ".join(text.split())
    if len(line) <= _WIDEST:
        return line
    return f"{line[: _WIDEST - 1]}…" if keep == "start" else f"…{line[1 - _WIDEST :]}"
