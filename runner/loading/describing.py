"""Nodes in words, as messages name them; no value of the environment and no secret is in them."""

from __future__ import annotations

from runner.loading.nodes import Mapping, Node, Scalar, Sequence
from runner.loading.secrets import masked
from runner.loading.words import quoted


def what(node: Node) -> str:
    """What kind of thing a node is: `text`, `the number 1.10`, `true`, `a list`, `a mapping`."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node.value, bool):
        return node.text.lower()
    return "nothing" if node.value is None else "text" if isinstance(node.value, str) else f"the number {node.text}"


def value(node: Node) -> str:
    """A scalar as it is written in the file, secrets covered; what it is for others."""
    if not isinstance(node, Scalar):
        return what(node)
    if isinstance(node.value, str) or node.written is not None:
        return quoted(masked(node.shown))
    return node.text
