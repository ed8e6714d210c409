"""`Suite`: the conversations file that is checked, and what is known of its agent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runner.loading.nodes import Mapping, Scalar, Sequence
from runner.loading.words import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as MappingOf
    from pathlib import Path as FilePath

    from runner.loading.checks.subject import Subject
    from runner.loading.known_tools import KnownTool
    from runner.loading.locations import Located, Path
    from runner.loading.nodes import Node
    from runner.manifest.variables import Variable


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What a manifest tells of its agent: `has_all_tools` is False where it may have more tools than are known."""

    path: FilePath
    subject: Subject
    tools: MappingOf[str, KnownTool]
    has_all_tools: bool
    variables: MappingOf[str, Variable | None]


@dataclass(frozen=True)
class Suite:
    """One conversations file under check; `agent` is None where its manifest cannot be read, which is told."""

    subject: Subject
    agent: AgentFacts | None

    def places(self, *pattern: str) -> Iterator[Located]:
        """What stands at paths of this pattern: `*` is each item of a list, or each key of a mapping.

        `+` is each item of a list, or what stands in its place.
        """
        return self._at(self.subject.tree, pattern, ())

    def below(self, place: Located, *pattern: str) -> Iterator[Located]:
        """What stands at paths of this pattern below a place."""
        return self._at(place.node, pattern, place.path)

    def _at(self, node: Node, pattern: tuple[str, ...], path: Path) -> Iterator[Located]:
        for each in _paths(node, pattern, path):
            place = self.subject.at(*each)
            if place is not None:
                yield place

    @cached_property
    def cases(self) -> list[Case]:
        """The cases that are mappings."""
        return [Case(self, place) for place in self.places("cases", "*") if isinstance(place.node, Mapping)]

    @cached_property
    def expectations(self) -> list[Expectation]:
        """Each `expect` and `finally`."""
        places = [*self.places("cases", "*", "turns", "*", "expect"), *self.places("cases", "*", "finally")]
        return [Expectation(self, place) for place in places]

    @cached_property
    def stubs(self) -> list[Located]:
        """The stubs of each tool, in the file and in its cases: one answer or a list of them."""
        return [*self.places("stubs", "*"), *self.places("cases", "*", "stubs", "*")]


@dataclass(frozen=True)
class Case:
    """One case of a conversations file."""

    suite: Suite
    place: Located

    @cached_property
    def turns(self) -> list[Located]:
        """The turns that are mappings."""
        places = self.suite.below(self.place, "turns", "*")
        return [place for place in places if isinstance(place.node, Mapping)]

    @cached_property
    def is_scripted(self) -> bool:
        """Whether it brings the model's replies along."""
        return any(has(turn.node, "replies") for turn in self.turns)

    @cached_property
    def scripted_calls(self) -> list[Located]:
        """The tool's name in each call of its scripted model."""
        replies = ("turns", "*", "replies", "*")
        return [
            *self.suite.below(self.place, *replies, "call"),
            *self.suite.below(self.place, *replies, "calls", "*", "call"),
        ]

    @cached_property
    def called(self) -> set[str] | None:
        """The tools that its replies call; None where it is not scripted, or a name is not known."""
        names = [text_of(place.node) for place in self.scripted_calls]
        return {name for name in names if name is not None} if self.is_scripted and None not in names else None

    def at(self, *path: str) -> Located | None:
        """What stands at a path below it, if anything does."""
        return self.suite.subject.at(*self.place.path, *path)

    @property
    def name(self) -> str:
        """Its name in quotes, or its place."""
        node = self.place.node.scalar("name") if isinstance(self.place.node, Mapping) else None
        return quoted(node.shown) if node is not None else self.place.name


@dataclass(frozen=True)
class Expectation:
    """One `expect` or `finally`."""

    suite: Suite
    place: Located

    @cached_property
    def calls(self) -> list[Located]:
        """The calls that it lists, those made in parallel too."""
        return [
            call
            for place in self.suite.below(self.place, "calls", "*")
            for call in (self.suite.below(place, "parallel", "*") if has(place.node, "parallel") else [place])
        ]

    def below(self, *pattern: str) -> Iterator[Located]:
        """What stands at paths of this pattern below it."""
        return self.suite.below(self.place, *pattern)


def has(node: Node, key: str) -> bool:
    """Whether a node is a mapping with this key."""
    return isinstance(node, Mapping) and key in node.entries


def _paths(node: Node | None, pattern: tuple[str, ...], path: Path) -> Iterator[Path]:
    if node is None:
        return
    if not pattern:
        yield path
        return
    first, rest = pattern[0], pattern[1:]
    if first in {"*", "+"} and isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _paths(item, rest, (*path, index))
    elif first == "+":
        yield from _paths(node, rest, path)
    elif isinstance(node, Mapping):
        keys = list(node.entries) if first == "*" else [first]
        for key in keys:
            yield from _paths(node.get(key), rest, (*path, key))


def text_of(node: Node | None) -> str | None:
    """A text that is known before the run: not one with variables of the case in it."""
    is_text = isinstance(node, Scalar) and isinstance(node.value, str) and not node.is_unknown and "${" not in node.text
    return node.text if is_text and isinstance(node, Scalar) else None
