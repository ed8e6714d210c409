"""The graph as an SVG picture: columns from left to right, a parent in the middle of its children."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unicodedata import east_asian_width
from xml.sax.saxutils import escape

from runner.graph.cards import Card, cards

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.graph.parts import Part

_MARGIN, _GAP, _COLUMN_GAP = 16.0, 12.0, 56.0
_PADDING, _BAR = 12.0, 4.0
_TITLE_HEIGHT, _LINE_HEIGHT = 20.0, 16.0
_TITLE_CHAR, _CHAR = 8.2, 6.7  # pixels a character takes at most, at the font sizes below
_UNDRAWABLE = re.compile(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML has no way to write them

_STYLE = """
    .box { fill: #ffffff; stroke: #c8ccd4; }
    .link { fill: none; stroke: #a3a9b5; stroke-width: 1.5; }
    text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #5b6270; }
    .name { font-size: 14px; font-weight: 600; fill: #1b1f27; }
    .place { font: 11px ui-monospace, "SF Mono", Menlo, Consolas, monospace; fill: #8a90a0; }
    .agent { fill: #4a6cf7; } .model { fill: #b14fe0; } .instructions { fill: #8a90a0; }
    .tools, .tool { fill: #1d9a6c; } .executor { fill: #d9822b; } .storage { fill: #2a8fbd; }
    .cache { fill: #5a9ea6; } .limits { fill: #c2475a; }
    @media (prefers-color-scheme: dark) {
      .box { fill: #1c2029; stroke: #3a4150; } .link { stroke: #565e6e; }
      text { fill: #a9b0be; } .name { fill: #eef0f5; } .place { fill: #7f8797; }
    }
"""


@dataclass(slots=True)
class _Box:
    card: Card
    depth: int
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    children: list[_Box] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def svg(root: Part, folder: Path) -> str:
    """The picture, with paths relative to `folder`. It follows the reader's light or dark colours."""
    boxes = _boxes(cards(root, folder))
    height = _placed(boxes)
    width = max(box.x + box.width for box in boxes) + _MARGIN
    title, what = _text(f"{root.name}: the engine graph"), _text(root.text)
    size = f'width="{width:g}" height="{height:g}"'
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width:g} {height:g}" role="img">',
        f"  <title>{title}</title>",
        *([f"  <desc>{what}</desc>"] if what else []),
        f"  <style>{_STYLE}  </style>",
        *(_link(box, child) for box in boxes for child in box.children),
        *(line for box in boxes for line in _drawn(box)),
        "</svg>",
    ]
    return "\n".join(drawn) + "\n"


def _boxes(found: list[Card]) -> list[_Box]:
    boxes: list[_Box] = []
    for card in found:
        parent = None if card.parent is None else boxes[card.parent]
        width = max(_width(line, _CHAR if index else _TITLE_CHAR) for index, line in enumerate(card.lines))
        height = _TITLE_HEIGHT + _LINE_HEIGHT * (len(card.lines) - 1) + 1.5 * _PADDING
        box = _Box(card, 0 if parent is None else parent.depth + 1, width + 2 * _PADDING + _BAR, height)
        if parent is not None:
            parent.children.append(box)
        boxes.append(box)
    return boxes


def _placed(boxes: list[_Box]) -> float:
    """Give every box its place; the height of the whole."""
    x = _MARGIN
    for depth in range(max(box.depth for box in boxes) + 1):
        column = [box for box in boxes if box.depth == depth]
        widest = max(box.width for box in column)
        for box in column:
            box.x, box.width = x, widest
        x += widest + _COLUMN_GAP
    bottom = _stacked(boxes[0], _MARGIN)
    return bottom + _MARGIN


def _stacked(box: _Box, top: float) -> float:
    """Place a box and those below it from `top` on; where they end."""
    bottom = top
    for child in box.children:
        bottom = _stacked(child, bottom) + _GAP
    bottom = max(bottom - _GAP, top)
    taken = max(bottom - top, box.height)
    if box.children:
        first, last = box.children[0], box.children[-1]
        if bottom - top < box.height:
            _moved(box.children, (box.height - (bottom - top)) / 2)
        box.y = max((first.middle + last.middle) / 2 - box.height / 2, top)
    else:
        box.y = top
    return top + taken


def _moved(boxes: list[_Box], by: float) -> None:
    for box in boxes:
        box.y += by
        _moved(box.children, by)


def _link(box: _Box, child: _Box) -> str:
    x1, y1, x2, y2 = box.x + box.width, box.middle, child.x, child.middle
    bend = (x1 + x2) / 2
    return f'  <path class="link" d="M{x1:g} {y1:g} C{bend:g} {y1:g} {bend:g} {y2:g} {x2:g} {y2:g}"/>'


def _drawn(box: _Box) -> Iterator[str]:
    part = box.card.part
    yield "  <g>"
    yield f"    <title>{_text(part.text or part.name or part.kind)}</title>"
    place = f'x="{box.x:g}" y="{box.y:g}"'
    yield f'    <rect class="box" {place} width="{box.width:g}" height="{box.height:g}" rx="6"/>'
    yield f'    <rect class="{part.kind}" {place} width="{_BAR:g}" height="{box.height:g}" rx="2"/>'
    left, y = box.x + _BAR + _PADDING, box.y + 1.75 * _PADDING
    yield f'    <text class="name" x="{left:g}" y="{y:g}">{_text(box.card.title)}</text>'
    y += _TITLE_HEIGHT - 2
    for look, texts in (("detail", box.card.details), ("place", box.card.places)):
        for line in texts:
            yield f'    <text class="{look}" x="{left:g}" y="{y:g}">{_text(line)}</text>'
            y += _LINE_HEIGHT
    yield "  </g>"


def _width(text: str, char: float) -> float:
    return sum(char * (2 if east_asian_width(letter) in "WF" else 1) for letter in text)


def _text(text: str) -> str:
    return escape(_UNDRAWABLE.sub("\N{REPLACEMENT CHARACTER}", text))
