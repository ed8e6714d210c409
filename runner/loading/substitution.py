"""`${VAR}` and `${VAR:-default}` in scalars: replaced after parsing, never parsed again; `$$` is a dollar sign."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.loading.diagnostics import Diagnostic, Span
from runner.loading.nodes import Scalar, walked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal

    from runner.loading.nodes import Node

_SIGN = re.compile(r"\$\$|\$\{")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:-)|\})")
_NESTING_LIMIT = 10


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


def pieces_of(text: str, environment: Mapping[str, str]) -> list[Piece]:
    """What a text with references is made of. Raises MalformedError."""
    pieces, end = _pieces(text, 0, environment, 0)
    assert end == len(text)  # noqa: S101  # the outermost text ends with the text
    return pieces


def _pieces(text: str, start: int, environment: Mapping[str, str], depth: int) -> tuple[list[Piece], int]:
    """The pieces from `start` to the end of the text, or inside of a default to its closing brace."""
    pieces: list[Piece] = []
    stop = _SIGN if not depth else re.compile(rf"{_SIGN.pattern}|\}}")
    while found := stop.search(text, start):
        if found.start() > start:
            pieces.append(Piece(text[start : found.start()]))
        if found[0] == "}":
            return pieces, found.end()
        if found[0] == "$$":
            pieces.append(Piece("$"))
            start = found.end()
        else:
            inner, start = _reference(text, found.start(), environment, depth)
            pieces += inner
    if depth:
        raise MalformedError("${...} is never closed: add }", start)
    if start < len(text):
        pieces.append(Piece(text[start:]))
    return pieces, len(text)


def _reference(text: str, start: int, environment: Mapping[str, str], depth: int) -> tuple[list[Piece], int]:
    found = _REFERENCE.match(text, start)
    if found is None or depth >= _NESTING_LIMIT:
        raise MalformedError(_what_is_wrong(text, start), start)
    name, value = found[1], environment.get(found[1])
    if not found[2]:
        return [
            Piece(text[start : found.end()], name, known=False) if value is None else Piece(value, name)
        ], found.end()
    try:
        default, end = _pieces(text, found.end(), environment, depth + 1)
    except MalformedError as error:
        raise MalformedError(str(error), start if "closed" in str(error) else error.offset) from None
    return ([Piece(value, name)] if value else default), end


def _what_is_wrong(text: str, start: int) -> str:
    rest = text[start + 2 :]
    name = re.match(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(\S?\S?)", rest)
    if "}" not in rest:
        return "${...} is never closed: add }"
    if not name:
        return "${...} needs a variable's name: letters, digits and _"
    if name[2].startswith(("-", ":-", "?", ":?", "+", "=", ":=", ":+")):
        return "${...} has one form with a default: ${" + name[1] + ":-default}"
    return "${...} holds a variable's name and nothing else: ${" + name[1] + "}"


def substitute(root: Node, environment: Mapping[str, str], missing: Literal["E", "W"]) -> Iterator[Diagnostic]:
    """Replace the references of all scalars of a tree; what is malformed or not set is told."""
    for _, node in walked(root):
        if isinstance(node, Scalar) and "$" in node.text and node.written is None:
            yield from _substitute(node, environment, missing)


def _substitute(node: Scalar, environment: Mapping[str, str], missing: Literal["E", "W"]) -> Iterator[Diagnostic]:
    path = node.span.source.shown
    try:
        pieces = pieces_of(node.text, environment)
    except MalformedError as error:
        span = _part(node, "${", node.text.count("${", 0, error.offset))
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
            span=_part(node, "${" + name, 0),
            hint="set it, or give a default: ${" + name + ":-...}",
        )
    node.written = node.text
    node.text = "".join(piece.text for piece in pieces)
    node.value, node.pieces, node.missing = node.text, tuple(pieces), unknown
    node.variables = tuple(dict.fromkeys(piece.variable for piece in pieces if piece.variable and piece.known))


def _part(node: Scalar, written: str, number: int) -> Span:
    """Where the reference that begins with `written` stands; the whole scalar where that cannot be told."""
    source, start, end = node.span
    at = start - 1
    for _ in range(number + 1):
        at = source.text.find(written, at + 1, end)
        if at < 0:
            return node.span
    close = source.text.find("}", at, end)
    return Span(source, at, close + 1 if close > 0 else at + len(written))
