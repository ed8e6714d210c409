"""Rewrites a template's tree so that it cannot run away, and so that foreign texts in it are only text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Mapping


def limited(tree: nodes.Template, foreign: Mapping[str, str]) -> nodes.Template:
    """The tree with its loops counted, its joins and lists capped, and `foreign` texts in the places of their marks."""
    _Limiter(foreign).walk(tree)
    return tree


class _Limiter:
    """Rewrites a tree: loops count, joining and lists are capped, texts from the environment take their places."""

    def __init__(self, foreign: Mapping[str, str]) -> None:
        self._foreign = foreign

    def walk(self, node: nodes.Node) -> None:
        for field, value in node.iter_fields():
            if isinstance(value, list):
                setattr(node, field, [self._changed(item) if isinstance(item, nodes.Node) else item for item in value])
            elif isinstance(value, nodes.Node):
                setattr(node, field, self._changed(value))

    def _changed(self, node: nodes.Node) -> nodes.Node:
        self.walk(node)
        line = node.lineno
        if isinstance(node, (nodes.TemplateData, nodes.Const)):
            self._fill(node)
        elif isinstance(node, nodes.For):
            count = nodes.Call(nodes.Name("_budget", "load", lineno=line), [], [], None, None, lineno=line)
            node.body = [nodes.ExprStmt(count, lineno=line), *node.body]
        elif isinstance(node, nodes.Concat):
            first, *others = node.nodes
            return nodes.Filter(first, "_concat", others, [], None, None, lineno=line)
        elif isinstance(node, (nodes.List, nodes.Dict)) or (isinstance(node, nodes.Tuple) and node.ctx == "load"):
            return nodes.Filter(node, "_bounded", [], [], None, None, lineno=line)
        return node

    def _fill(self, node: nodes.TemplateData | nodes.Const) -> None:
        name = "data" if isinstance(node, nodes.TemplateData) else "value"
        text = getattr(node, name)
        if isinstance(text, str):
            for mark, value in self._foreign.items():
                text = text.replace(mark, value)
            setattr(node, name, text)
