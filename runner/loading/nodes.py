"""A YAML file as a tree of nodes that know where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.diagnostics import Diagnostic, Span
    from runner.loading.source import Source
    from runner.loading.substitution import Piece


@dataclass(slots=True, eq=False)
class Scalar:
    """One value. `text` is it unquoted; `written` is `text` before `${...}` was replaced, None where there was none."""

    span: Span
    text: str
    plain: bool
    value: object
    written: str | None = None
    pieces: tuple[Piece, ...] = ()  # what `text` was put together from
    variables: tuple[str, ...] = ()  # of the environment, whose values are in `text`
    missing: tuple[str, ...] = ()  # of the environment, and not set
    refused: bool = False  # what is wrong with it was told: nothing more is
    anchored: Span | None = None  # the alias that stands for this node
    size = 1

    @property
    def shown(self) -> str:
        """The text as the file has it: no value of the environment is in it."""
        return self.text if self.written is None else self.written

    @property
    def is_unknown(self) -> bool:
        """Whether its value cannot be known: it hangs on a variable that is not set, or was refused."""
        return self.refused or bool(self.missing)


@dataclass(slots=True, eq=False)
class Sequence:
    """A list."""

    span: Span
    items: list[Node] = field(default_factory=list)
    size: int = 1
    anchored: Span | None = None


@dataclass(slots=True, eq=False)
class Entry:
    """A key with its value."""

    key: Scalar
    value: Node


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys with their values."""

    span: Span
    entries: dict[str, Entry] = field(default_factory=dict)
    size: int = 1
    anchored: Span | None = None

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value

    def scalar(self, key: str) -> Scalar | None:
        """The value of a key if it is a scalar."""
        value = self.get(key)
        return value if isinstance(value, Scalar) else None


Node: TypeAlias = Scalar | Sequence | Mapping


def compose(source: Source, problems: list[Diagnostic]) -> Node | None:
    """The tree of a source's one document; None where it is empty or no YAML, which is told in `problems`."""
    from runner.loading.composing import Composer

    return Composer(source, problems).document()


def data_of(node: Node) -> object:
    """The plain values of a tree."""
    if isinstance(node, Mapping):
        return {key: data_of(entry.value) for key, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [data_of(item) for item in node.items]
    return node.value


def walked(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    """A node and all below it, each with its path."""
    yield path, node
    if isinstance(node, Mapping):
        for key, entry in node.entries.items():
            yield from walked(entry.value, (*path, key))
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from walked(item, (*path, index))
