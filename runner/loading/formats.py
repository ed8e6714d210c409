"""Diagnostics as text for people and editors, as JSON, and as GitHub's annotations."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from runner.loading.secrets import masked
from runner.loading.words import counted
from runner.widths import width_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.loading.diagnostics import Diagnostic, Span

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_WIDEST = 73  # characters of an excerpt's line: with its number it fits a terminal of 80
_CLOSE = 3  # lines: a key above that is this near is shown with what is between


def as_text(diagnostics: Sequence[Diagnostic], files: int | None = None) -> str:
    """One block for each, the first line in the form compilers have, and a count at the end."""
    blocks = ["\n".join(_block(each)) for each in diagnostics]
    return "\n".join([*blocks, summary(diagnostics, files)])


def summary(diagnostics: Sequence[Diagnostic], files: int | None = None) -> str:
    """`2 errors, 1 warning in 1 file; more about a code: agent-run explain E102`."""
    errors = sum(each.severity == "error" for each in diagnostics)
    warnings = len(diagnostics) - errors
    number = files if files is not None else len({each.path for each in diagnostics})
    counts = [counted(errors, "error")] if errors or not warnings else []
    counts += [counted(warnings, "warning")] if warnings else []
    more = f"; more about a code: agent-run explain {diagnostics[0].code}" if diagnostics else ""
    return f"{', '.join(counts)} in {counted(number, 'file')}{more}"


def headline(diagnostic: Diagnostic) -> str:
    """The first line: `agents/a.yaml:7:3: error[E102]: unknown key "batch_siz" in executor`."""
    where = f":{diagnostic.line}:{diagnostic.column}" if diagnostic.span else ""
    return f"{diagnostic.path}{where}: {diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"


def _block(diagnostic: Diagnostic) -> Iterator[str]:
    yield headline(diagnostic)
    if diagnostic.span is not None:
        yield from _excerpt(diagnostic, diagnostic.span)
    elif diagnostic.hint:
        yield f"   = hint: {diagnostic.hint}"
    for note in diagnostic.notes:
        yield f"   = note: {note}"


def _excerpt(diagnostic: Diagnostic, span: Span) -> Iterator[str]:
    source, number = span.source, diagnostic.line
    margin = max(3, len(str(number)))
    above = _lines_above(diagnostic)
    for each in above:
        line = _plain(masked(source.line(each)[: 4 * _WIDEST]))
        yield _cut(f"{each:>{margin + 1}} | {line}", margin + _WIDEST)
    if above and above[-1] < number - 1:
        yield f"{'...':>{margin + 1}} |"
    start, length = diagnostic.column - 1, diagnostic.length
    text = source.line(number)
    begin = max(0, start - 4 * _WIDEST)  # of a very long line, only what is near is looked at
    text, start = _window(_plain(masked(text[begin : start + 4 * _WIDEST])), start - begin)
    length = min(length, max(1, len(text) - start))
    yield f"{number:>{margin + 1}} | {text}".rstrip()
    caret = " " * width_of(text[:start]) + "^" * max(1, width_of(text[start : start + length]))
    yield f"{'':>{margin + 1}} | {caret}{f' {diagnostic.hint}' if diagnostic.hint else ''}"


def _lines_above(diagnostic: Diagnostic) -> list[int]:
    """The line of the key above, and the lines between if they are few."""
    context, span = diagnostic.context, diagnostic.span
    if context is None or span is None or context.source is not span.source:
        return []
    first = context.source.place(context.start)[0]
    if first >= diagnostic.line:
        return []
    return list(range(first, diagnostic.line)) if diagnostic.line - first <= _CLOSE else [first]


def _plain(line: str) -> str:
    return _UNSEEN.sub("\ufffd", line.replace("\t", " "))


def _cut(line: str, widest: int) -> str:
    return f"{line[: widest - 1]}…" if len(line) > widest else line


def _window(line: str, start: int) -> tuple[str, int]:
    """The part of a long line around a column, and where the column is in it."""
    if len(line) <= _WIDEST:
        return line, start
    begin = max(0, min(start - 40, len(line) - _WIDEST))
    part = line[begin : begin + _WIDEST]
    if begin:
        part = f"…{part[1:]}"
    return f"{part[:-1]}…" if begin + _WIDEST < len(line) else part, start - begin


def as_json(diagnostics: Sequence[Diagnostic], files: int, exit_code: int) -> str:
    """One JSON object: the diagnostics, their counts, and the exit code."""
    errors = sum(each.severity == "error" for each in diagnostics)
    told = {
        "diagnostics": [each.to_json() for each in diagnostics],
        "errors": errors,
        "warnings": len(diagnostics) - errors,
        "files": files,
        "exit_code": exit_code,
    }
    return json.dumps(told, indent=2)


def as_github(diagnostics: Iterable[Diagnostic]) -> str:
    """GitHub's workflow commands, one line each, which become annotations of a pull request's files."""
    return "\n".join(_command(each) for each in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    properties = {
        "file": diagnostic.path,
        "line": diagnostic.line,
        "col": diagnostic.column,
        "endLine": diagnostic.end_line,
        "endColumn": diagnostic.end_column,
        "title": f"{diagnostic.code}",
    }
    lines = [diagnostic.message, *([diagnostic.hint] if diagnostic.hint else []), *diagnostic.notes]
    return github_command(diagnostic.severity, properties, "\n".join(lines))


def github_command(severity: str, properties: Mapping[str, object], text: str) -> str:
    """One workflow command, such as `::error file=a.yaml,line=3::text`; nothing in it can end it or begin another."""
    told = ",".join(f"{name}={_escaped(str(value), ',:')}" for name, value in properties.items())
    return f"::{severity} {told}::{_escaped(text)}"


def _escaped(text: str, also: str = "") -> str:
    for char in "%\r\n" + also:
        text = text.replace(char, f"%{ord(char):02X}")
    return text
