"""The graph as a Mermaid flowchart, which GitHub, GitLab and many editors draw in Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.graph.cards import cards

if TYPE_CHECKING:
    from pathlib import Path

    from runner.graph.parts import Part

_SHAPES = {"agent": ("([", "])"), "storage": ("[(", ")]")}
_SPECIAL = re.compile(r"[^\w ./:,()*?…-]")


def mermaid(root: Part, folder: Path) -> str:
    """The flowchart's text, with paths relative to `folder`."""
    found = cards(root, folder)
    lines = ["flowchart LR"]
    for card in found:
        before, after = _SHAPES.get(card.part.kind, ("[", "]"))
        label = "<br>".join(_SPECIAL.sub(lambda char: f"#{ord(char[0])};", line) for line in card.lines)
        lines.append(f'  {card.id}{before}"{label}"{after}')
    lines += [f"  n{card.parent} --> {card.id}" for card in found if card.parent is not None]
    return "\n".join(lines) + "\n"
