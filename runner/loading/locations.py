"""From a path of keys and indices to the nodes there, and to the text that names it in messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from runner.loading.diagnostics import Position, Span
from runner.loading.nodes import Mapping, Scalar, Sequence, walked

if TYPE_CHECKING:
    from collections.abc import Sequence as Parts

    from runner.loading.nodes import Node

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """The node at a path, its key if a mapping holds it, the key above it, and the alias on the way to it."""

    path: Path
    node: Node
    key: Scalar | None = None
    parent: Node | None = None
    above: Scalar | None = None
    alias: Span | None = None

    @property
    def span(self) -> Span:
        """What to underline: a value of one line, else its key."""
        return pointer(self.node, self.key)

    @property
    def key_span(self) -> Span:
        """The key, or the value where there is no key."""
        return self.key.span if self.key is not None else self.span

    @property
    def context(self) -> Span | None:
        """The key above."""
        return None if self.above is None else self.above.span

    @property
    def name(self) -> str:
        """`limits.max_iterations`, `tools[1]`."""
        return dotted(self.path)


def locate(root: Node, path: Parts[object]) -> Located:
    """The node at a path; parts that are neither a key nor an index here (a union's arms) are passed over."""
    found = Located((), root)
    for part in path:
        node = found.node
        alias = node.anchored or found.alias
        if isinstance(node, Mapping) and isinstance(part, str) and part in node.entries:
            entry = node.entries[part]
            found = Located((*found.path, part), entry.value, entry.key, node, found.key or found.above, alias)
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            found = Located((*found.path, part), node.items[part], None, node, found.key or found.above, alias)
    return found


def pointer(node: Node, key: Scalar | None) -> Span:
    """What to underline for a value: itself where it is written on one line, else its key."""
    source, start, end = node.span
    if key is None or (end > start and isinstance(node, Scalar) and "\n" not in source.text[start:end]):
        return node.span
    in_line = end > start and "\n" not in source.text[start:end] and source.text[start] in "[{"
    return node.span if in_line else key.span


def dotted(path: Path) -> str:
    """`limits.max_iterations`, `tools[1]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def positions_of(root: Node) -> dict[str, Position]:
    """Where every value stands, by its dotted key; the key's own place where it has one."""
    found: dict[str, Position] = {}
    for path, node in walked(root):
        if path:
            place = locate(root, path)
            source, start, _ = place.key_span
            found[dotted(path)] = Position(source.path, *source.place(start))
        del node
    return found
