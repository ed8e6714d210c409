"""The graph in the DOT language of Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.graph.cards import cards

if TYPE_CHECKING:
    from pathlib import Path

    from runner.graph.parts import Part

_SHAPES = {"agent": "oval", "storage": "cylinder"}


def dot(root: Part, folder: Path) -> str:
    """The digraph's text, with paths relative to `folder`."""
    found = cards(root, folder)
    lines = [
        f"digraph {_quoted(root.name)} {{",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="Helvetica", fontsize=11];',
    ]
    for card in found:
        shape = _SHAPES.get(card.part.kind)
        look = f", shape={shape}, style=solid" if shape else ""
        lines.append(f"  {card.id} [label={_quoted(chr(10).join(card.lines))}{look}];")
    lines += [f"  n{card.parent} -> {card.id};" for card in found if card.parent is not None]
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
