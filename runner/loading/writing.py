"""Values as YAML text that this package reads back as they are: plain where that is safe, else in quotes.

    line_of({"city": "Paris"})          {city: Paris}
    entry("user", "two\\nlines", 2)      ["  user: |-", "    two", "    lines"]

A lone surrogate, which no YAML can hold, becomes the replacement character.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from runner.loading.scalars import old_bool, resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 110
"""Columns that a line of several values may take."""

_PLAIN = re.compile(r"(?:\.{1,2}/)*[^\W\d_](?:[\w '()/+.?!;-]*[\w)/+.?!])?")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def line_of(value: Any) -> str:
    """A JSON value on one line."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)}: {line_of(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(line_of, value)) + "]"
    return json.dumps(value, allow_nan=False)


def quoted_line(text: str) -> str:
    """A text in double quotes."""
    return '"' + "".join(map(_written, text)) + '"'


def heading(key: str, indent: int) -> str:
    """A key whose value stands in the lines below."""
    return f"{' ' * indent}{_text(key)}:"


def entry(key: str, value: Any, indent: int) -> list[str]:
    """The lines of a key with its value: on one line where there is room, a text of several lines as a block."""
    return _lines(heading(key, indent), value, indent)


def item(value: Any, indent: int) -> list[str]:
    """The lines of one value of a list."""
    start = f"{' ' * indent}-"
    one = f"{start} {line_of(value)}"
    if isinstance(value, dict) and value and len(one) > WIDTH:
        first, *rest = [line for key, each in value.items() for line in entry(key, each, indent + 2)]
        return [f"{start} {first.lstrip()}", *rest]
    return _lines(start, value, indent)


def block_of(text: str, indent: int) -> list[str] | None:
    """A text of several lines as a literal block: its header, then its lines; None where that would not hold it."""
    body = text.rstrip("\n")
    lines = body.split("\n")
    endings = len(text) - len(body)
    if len(lines) < 2 or not lines[0] or lines[0][0].isspace() or not all(map(_is_steady, lines)):
        return None
    header = {0: "|-", 1: "|"}.get(endings, "|+")
    return [header, *(f"{' ' * indent}{line}" if line else "" for line in lines), *[""] * (endings - 1)]


def _lines(start: str, value: Any, indent: int) -> list[str]:
    if isinstance(value, str) and (block := block_of(value, indent + 2)) is not None:
        return [f"{start} {block[0]}", *block[1:]]
    one = f"{start} {line_of(value)}"
    if len(one) <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return [one]
    return [start, *_below(value, indent + 2)]


def _below(value: dict[str, Any] | list[Any], indent: int) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from entry(key, each, indent)
    else:
        for each in value:
            yield from item(each, indent)


def _text(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.isprintable() and isinstance(resolved(text), str)
    return text if is_plain and old_bool(text) is None else quoted_line(text)


def _is_steady(line: str) -> bool:
    """Whether a line of a block stays as it is, also in an editor that takes blanks away at the ends of lines."""
    return line.isprintable() and line == line.rstrip()


def _written(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "\N{REPLACEMENT CHARACTER}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
