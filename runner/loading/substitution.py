"""`${VAR}` and `${VAR:-default}` in scalars: replaced after parsing, never parsed again; `$$` is a dollar sign."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.loading.diagnostics import Diagnostic, Span
from runner.loading.nodes import Scalar, walked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Literal

    from runner.loading.locations import Path
    from runner.loading.nodes import Node

_SIGN = re.compile(r"\$\$|\$\{")
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_NESTING_LIMIT = 10


def _nowhere(path: Path) -> bool:
    del path
    return False


@dataclass(frozen=True, slots=True)
class Syntax:
    """How a kind of file writes the variables of the environment: `${VAR}`, or with a prefix `${env:VAR}`.

    With a prefix `${name}` is a name of the file's own. Where `keeps` says so, it is left for later, and `$$` with it;
    `$$` then stands for every dollar sign that a value of the environment holds. Elsewhere there are no such names.
    """

    prefix: str = ""
    keeps: Callable[[Path], bool] = _nowhere

    def reference(self, name: str, default: str = "") -> str:
        """`${VAR}`, or `${VAR:-default}`, as it is written here."""
        return "${" + self.prefix + name + (f":-{default}" if default else "") + "}"


ENVIRONMENT = Syntax()
"""A manifest's: there is nothing but the environment."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a scalar's text; `variable` is the one it came from, `known` is False where that is not set."""

    text: str
    variable: str | None = None
    known: bool = True


class MalformedError(ValueError):
    """A `${` that does not begin a reference; `offset` is its place in the text."""

    def __init__(self, message: str, offset: int) -> None:
        self.offset = offset
        super().__init__(message)


def pieces_of(
    text: str, environment: Mapping[str, str], syntax: Syntax = ENVIRONMENT, *, keeps: bool = False
) -> list[Piece]:
    """What a text with references is made of. Raises MalformedError."""
    pieces, end = _Text(text, environment, syntax, keeps).pieces(0, 0)
    assert end == len(text)  # noqa: S101  # the outermost text ends with the text
    return pieces


class _Text:
    """One text being read; `keeps` says whether names of the file's own are left in it for later."""

    def __init__(self, text: str, environment: Mapping[str, str], syntax: Syntax, keeps: bool) -> None:
        self._text, self._environment, self._syntax, self._keeps = text, environment, syntax, keeps
        self._reference = re.compile(rf"\$\{{{syntax.prefix}({_NAME})(?:(:-)|\}})")
        self._own = re.compile(rf"\$\{{{_NAME}\}}") if syntax.prefix and keeps else None

    def pieces(self, start: int, depth: int) -> tuple[list[Piece], int]:
        """The pieces from `start` to the end of the text, or inside of a default to its closing brace."""
        text, pieces = self._text, list[Piece]()
        stop = _SIGN if not depth else re.compile(rf"{_SIGN.pattern}|\}}")
        while found := stop.search(text, start):
            if found.start() > start:
                pieces.append(Piece(text[start : found.start()]))
            if found[0] == "}":
                return pieces, found.end()
            if found[0] == "$$":
                pieces.append(Piece("$$" if self._keeps else "$"))
                start = found.end()
            elif own := self._own and self._own.match(text, found.start()):
                pieces.append(Piece(own[0]))
                start = own.end()
            else:
                inner, start = self._replaced(found.start(), depth)
                pieces += inner
        if depth:
            raise MalformedError("${...} is never closed: add }", start)
        if start < len(text):
            pieces.append(Piece(text[start:]))
        return pieces, len(text)

    def _replaced(self, start: int, depth: int) -> tuple[list[Piece], int]:
        found = self._reference.match(self._text, start)
        if found is None or depth >= _NESTING_LIMIT:
            raise MalformedError(_what_is_wrong(self._text[start + 2 :], self._syntax, self._keeps), start)
        name, value = found[1], self._environment.get(found[1])
        if value is not None and self._keeps:
            value = value.replace("$", "$$")
        if not found[2]:
            unset = Piece(self._text[start : found.end()], name, known=False)
            return [unset if value is None else Piece(value, name)], found.end()
        try:
            default, end = self.pieces(found.end(), depth + 1)
        except MalformedError as error:
            raise MalformedError(str(error), start if "closed" in str(error) else error.offset) from None
        return ([Piece(value, name)] if value else default), end


def _what_is_wrong(rest: str, syntax: Syntax, keeps: bool) -> str:
    """What is wrong with a reference; `rest` is the text after its `${`."""
    prefix = syntax.prefix if rest.startswith(syntax.prefix) else ""
    name = re.match(rf"\s*({_NAME})\s*(\S?\S?)", rest.removeprefix(prefix))
    if "}" not in rest:
        return "${...} is never closed: add }"
    if not name:
        return "${...} needs a variable's name: letters, digits and _"
    if syntax.prefix and not prefix:
        return _no_own_name(name[1], name[2], syntax, keeps)
    if name[2].startswith(("-", ":-", "?", ":?", "+", "=", ":=", ":+")):
        return "${...} has one form with a default: " + syntax.reference(name[1], "default")
    return "${...} holds a variable's name and nothing else: " + syntax.reference(name[1])


def _no_own_name(name: str, after: str, syntax: Syntax, keeps: bool) -> str:
    """What is wrong with a reference to a name of the file's own."""
    written = f"for the environment write {syntax.reference(name)}"
    if not keeps:
        return f"no variable of a case is known here; {written}"
    if after.startswith((":", "-")):
        return f"a variable of a case has no default; {syntax.reference(name, 'default')} is one of the environment"
    return "${...} holds a variable's name and nothing else: ${" + name + "}"


def substitute(
    root: Node, environment: Mapping[str, str], missing: Literal["E", "W"], syntax: Syntax = ENVIRONMENT
) -> Iterator[Diagnostic]:
    """Replace the references of all scalars of a tree; what is malformed or not set is told."""
    for path, node in walked(root):
        if isinstance(node, Scalar) and "$" in node.text and node.written is None:
            yield from _substitute(node, environment, missing, syntax, syntax.keeps(path))


def _substitute(
    node: Scalar, environment: Mapping[str, str], missing: Literal["E", "W"], syntax: Syntax, keeps: bool
) -> Iterator[Diagnostic]:
    path = node.span.source.shown
    try:
        pieces = pieces_of(node.text, environment, syntax, keeps=keeps)
    except MalformedError as error:
        span = part_of(node, "${", node.text.count("${", 0, error.offset))
        note = "for a dollar sign before a brace write $$"
        yield Diagnostic(code="E131", message=str(error), path=path, span=span, notes=(note,))
        node.written, node.refused = node.text, True
        return
    unknown = tuple(dict.fromkeys(piece.variable or "" for piece in pieces if not piece.known))
    for name in unknown:
        code = "E130" if missing == "E" else "W230"
        yield Diagnostic(
            code=code,
            message=f"the environment variable {name} is not set",
            path=path,
            span=part_of(node, "${" + syntax.prefix + name, 0),
            hint=f"set it, or give a default: {syntax.reference(name, '...')}",
        )
    text = "".join(piece.text for piece in pieces)
    if keeps and text == node.text and not unknown:
        return
    node.written, node.text = node.text, text
    node.value, node.pieces, node.missing = node.text, tuple(pieces), unknown
    node.variables = tuple(dict.fromkeys(piece.variable for piece in pieces if piece.variable and piece.known))


def part_of(node: Scalar, written: str, number: int) -> Span:
    """Where the reference that begins with `written` stands; the whole scalar where that cannot be told."""
    source, start, end = node.span
    at = start - 1
    for _ in range(number + 1):
        at = source.text.find(written, at + 1, end)
        if at < 0:
            return node.span
    close = source.text.find("}", at, end)
    return Span(source, at, close + 1 if close > 0 else at + len(written))
