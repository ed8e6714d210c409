"""One value of a file written anew, in the manner of the one that stood there; all around it stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from runner.loading.diagnostics import Fix, Span
from runner.loading.nodes import Mapping, Scalar, Sequence
from runner.loading.writing import block_of, line_of, quoted_line

if TYPE_CHECKING:
    from runner.loading.nodes import Node

_COMMENT = re.compile(r"(?:^|\s)#")


def rewritten(node: Node, value: Any) -> Fix | None:
    """The change that makes a node say `value`; None where a comment would be lost with it, or nothing stands there."""
    source, start, _ = node.span
    end = _end(node)
    old = source.text[start:end]
    if not old:
        return None
    if isinstance(node, Scalar):
        text = _scalar(old, value)
    elif _COMMENT.search(old):
        return None
    else:
        text = line_of(value)
    if "\r\n" in source.text:
        text = text.replace("\n", "\r\n")
    return Fix(Span(source, start, end), text)


def _end(node: Node) -> int:
    """Where what is written ends: the parser's own end of a block is where the next thing begins."""
    source, start, end = node.span
    children = _children(node)
    if children and source.text[start] not in "[{":
        return _end(children[-1])
    return start + len(source.text[start:end].rstrip())


def _children(node: Node) -> list[Node]:
    if isinstance(node, Mapping):
        return [each.value for each in node.entries.values()]
    return node.items if isinstance(node, Sequence) else []


def _scalar(old: str, value: Any) -> str:
    if not isinstance(value, str):
        return line_of(value)
    if old[0] in "|>":
        return _block(old, value) or line_of(value)
    if old[0] == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return quoted_line(value) if old[0] in "\"'" else line_of(value)


def _block(old: str, value: str) -> str | None:
    """A block with the indentation of the old one."""
    first = next((line for line in old.splitlines()[1:] if line.strip()), "")
    lines = block_of(value, len(first) - len(first.lstrip(" ")))
    if lines is None or lines[0] == "|+" or not first.startswith(" "):
        return None
    return "\n".join(lines)
