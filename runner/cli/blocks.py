"""Cuts Markdown that is still arriving into what is finished and what may yet change.

A block (paragraph, list, table, ...) is finished when another one has begun below it. The lines of a fenced code block
are finished one by one. markdown-it, the parser rich uses, says where blocks begin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from runner.cli.screen import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MARKER_ONLY = re.compile(r"[\s\-=*_`~#>|+:\d.)]*")  # the beginning of a line that may become anything


@dataclass(frozen=True, slots=True)
class Block:
    """A finished block, parsed."""

    tokens: list[Token]


@dataclass(frozen=True, slots=True)
class CodeStart:
    """The first line of a fenced code block."""

    fence: str
    info: str


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of code."""

    text: str


@dataclass(frozen=True, slots=True)
class CodeEnd:
    """The end of a fenced code block."""

    fence: str


Piece: TypeAlias = Block | CodeStart | CodeLine | CodeEnd


class Blocks:
    """Takes Markdown as it arrives; `finished()` gives what can be printed for good, `unfinished` is the rest."""

    def __init__(self) -> None:
        self._rest = ""
        self._looked_at = 0  # the length of `_rest` up to which no finished block was found
        self._environment: dict[str, object] = {}  # link definitions
        self._code: CodeStart | None = None
        self._code_indent = 0

    def feed(self, text: str) -> None:
        """Add text."""
        self._rest += text

    def finished(self) -> Iterator[Piece]:
        """What became final since the last time."""
        while (cut := self._rest.rfind("\n") + 1) > self._looked_at:
            before = len(self._rest)
            yield from self._code_lines() if self._code is not None else self._blocks(cut)
            if len(self._rest) == before:
                self._looked_at = cut

    def close(self) -> Iterator[Piece]:
        """What is left when no more text comes."""
        if self._rest and not self._rest.endswith("\n"):
            self._rest += "\n"
        yield from self.finished()
        if self._code is not None:
            yield self._end_code()
        elif self._rest.strip():
            yield Block(self._parsed(self._rest))
        self._rest, self._looked_at = "", 0

    @property
    def unfinished(self) -> list[Token] | str:
        """The block that may still change, or inside code the line that is not complete."""
        if self._code is not None:
            return self._rest
        complete, newline, line = self._rest.rpartition("\n")
        shown = complete + newline if _MARKER_ONLY.fullmatch(line) else self._rest
        return self._parsed(shown)

    def _blocks(self, cut: int) -> Iterator[Piece]:
        """The blocks up to the next code, which is entered; where there is none, all blocks but the last."""
        complete = self._rest[:cut]
        groups = list(_groups(self._parsed(complete)))
        lines = complete.split("\n")
        last = next((index for index, group in enumerate(groups) if group[0].type == "fence"), len(groups) - 1)
        if last < 0:
            return
        yield from (Block(group) for group in groups[:last])
        start, opening = _first_line(groups[last]), groups[last][0]
        if opening.type == "fence":
            self._drop(lines, start + 1)
            self._code = CodeStart(opening.markup, opening.info.strip())
            self._code_indent = len(lines[start]) - len(lines[start].lstrip(" "))
            yield self._code
        elif last:
            self._drop(lines, start)

    def _drop(self, lines: list[str], count: int) -> None:
        self._rest = self._rest[sum(len(line) + 1 for line in lines[:count]) :]
        self._looked_at = 0

    def _code_lines(self) -> Iterator[Piece]:
        while self._code is not None and "\n" in self._rest:
            line, _, self._rest = self._rest.partition("\n")
            if _closes(self._code.fence, line):
                yield self._end_code()
            else:
                indent = min(self._code_indent, len(line) - len(line.lstrip(" ")))
                yield CodeLine(line[indent:])
        self._looked_at = 0

    def _end_code(self) -> CodeEnd:
        assert self._code is not None  # noqa: S101  # tells the type checker what both callers have tested
        fence, self._code = self._code.fence, None
        return CodeEnd(fence)

    def _parsed(self, markdown: str) -> list[Token]:
        tokens = _parser().parse(markdown, self._environment)
        return list(_shown(tokens))


def _closes(fence: str, line: str) -> bool:
    bare = line.strip(" \t")
    return len(line) - len(line.lstrip(" ")) < 4 and len(bare) >= len(fence) and not bare.strip(fence[0])


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _groups(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    """The tokens of each top-level block."""
    group: list[Token] = []
    for token in tokens:
        group.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield group
            group = []


def _first_line(group: list[Token]) -> int:
    return group[0].map[0] if group[0].map else 0


def _shown(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens as a terminal may show them: entities that became control characters escaped, line breaks kept,
    images as text, and a link whose text is its address as that address."""
    for token in tokens:
        token.content = visible(token.content)
        token.attrs = {key: visible(value) if isinstance(value, str) else value for key, value in token.attrs.items()}
        if token.type == "softbreak":
            token.type = "hardbreak"
        elif token.type == "image":
            token.type, token.tag = "text", ""
            token.content, token.children = f"[image: {token.content}] ({token.attrs.get('src', '')})", None
        if token.children:
            token.children = list(_without_bare_links(list(_shown(token.children))))
        yield token


def _without_bare_links(tokens: list[Token]) -> Iterator[Token]:
    bare: set[int] = set()
    for index, (opening, text) in enumerate(pairwise(tokens)):
        if opening.type == "link_open" and text.content in {opening.attrs.get("href"), _mail(opening)}:
            bare |= {index, index + 2}
    yield from (token for index, token in enumerate(tokens) if index not in bare)


def _mail(link: Token) -> str:
    return str(link.attrs.get("href", "")).removeprefix("mailto:")
