"""What the YAML parser complains about, in words that say what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.loading.composing import UNQUOTED_BRACES
from runner.loading.diagnostics import Diagnostic, Span

if TYPE_CHECKING:
    import yaml

    from runner.loading.source import Source

_SHORT = 60  # characters of a value that is repeated in a hint


def explained(error: yaml.MarkedYAMLError, source: Source) -> Diagnostic:
    """The diagnostic of a syntax error: where it can be mended, which is not always where it was noticed."""
    mark = error.problem_mark or error.context_mark
    noticed = min(mark.index, len(source.text)) if mark else 0
    began = error.context_mark.index if error.context_mark else noticed
    return _Mistake(source, error.problem or "", error.context or "", noticed, began).diagnostic()


class _Mistake:
    def __init__(self, source: Source, problem: str, context: str, noticed: int, began: int) -> None:
        self._source, self._text = source, source.text
        self._problem, self._context, self._noticed, self._began = problem, context, noticed, began

    def diagnostic(self) -> Diagnostic:
        for word, tell in _TELLERS:
            if word in self._problem and (told := tell(self)):
                return told
        return self._at(self._noticed, f"not YAML: {self._problem}")

    def _at(self, offset: int, message: str, hint: str | None = None, *, length: int = 1, note: str = "") -> Diagnostic:
        return Diagnostic(
            code="E101",
            message=message,
            path=self._source.shown,
            span=Span(self._source, offset, offset + length),
            hint=hint,
            notes=(note,) if note else (),
        )

    def _line(self, offset: int) -> tuple[str, int]:
        """The line of an offset, and the offset of its first character."""
        number, column = self._source.place(offset)
        return self._source.line(number), offset - column + 1

    def second_colon(self) -> Diagnostic | None:
        line, start = self._line(self._noticed)
        indent = len(line) - len(line.lstrip())
        key = re.match(r"\s*(?:- )*(?:[\w$.\-]+|\"[^\"]*\"|'[^']*')\s*:\s", line)
        if key and start + key.end() <= self._noticed:
            value = line[key.end() :].strip()
            hint = (
                f"put the text in quotes: '{value}'" if "'" not in value and len(value) < _SHORT else "quote the text"
            )
            return self._at(self._noticed, 'a second ": " in one line', hint)
        number = self._source.place(self._noticed)[0]
        if number > 1:
            above = self._source.line(number - 1)
            if len(above) - len(above.lstrip()) < indent:
                message = "this line is set in deeper than the one above, which has a value already"
                return self._at(start + indent, message, "set it in as the others are", length=len(line.strip()))
            if ":" not in above:
                begin = self._source.offset(number - 1)
                return self._at(begin, "this line has no colon", _colon_hint(above.strip()), length=len(above) or 1)
        return self._at(self._noticed, "a key cannot stand here")

    def bad_start(self) -> Diagnostic | None:
        char = self._text[self._noticed : self._noticed + 1]
        if char == "\t":
            return self._at(self._noticed, "a tab: YAML is set in with spaces", "replace it by spaces")
        if char in {"@", "`", "%"}:
            line, start = self._line(self._noticed)
            value = line[self._noticed - start :].strip()
            return self._at(self._noticed, f"a text cannot begin with {char}", _in_quotes(value))
        return self._at(self._noticed, f"the character {char!r} cannot stand here")

    def tab(self) -> Diagnostic | None:
        return self._at(self._noticed, "a tab: YAML is set in with spaces", "replace it by spaces")

    def open_bracket(self) -> Diagnostic | None:
        bracket = self._text[self._began : self._began + 1]
        closing = {"[": "]", "{": "}"}.get(bracket, "]")
        before = self._text[: self._noticed].rstrip()
        if before.endswith("$") or "${" in self._text[self._began : self._noticed + 2]:
            offset = self._text.rfind("${", self._began, self._noticed + 2)
            if offset >= 0:
                return self._at(offset, "between { } or [ ], ${...} must be in quotes", 'write "${...}"', length=2)
        line, start = self._line(self._began)
        if self._source.place(self._noticed)[0] != self._source.place(self._began)[0] or self._noticed >= len(
            self._text
        ):
            return self._at(self._began, f"this {bracket} is never closed", f"add {closing}")
        word = re.search(r"\s(\w+)$", line[: max(0, self._noticed - start)])
        if self._text[self._noticed] == ":" and word:
            at = self._noticed - len(word[1])
            return self._at(
                at, f'"," or "{closing}" was expected here', f"put a comma before {word[1]}", length=len(word[1])
            )
        if self._text[self._noticed] in "]}":
            return self._at(self._noticed, f"this {bracket} is closed by {closing}", f"write {closing}")
        return self._at(self._noticed, f'"," or "{closing}" was expected here', _quote_hint(line))

    def open_quote(self) -> Diagnostic | None:
        quote = self._text[self._began : self._began + 1]
        return self._at(self._began, f"this {quote} is never closed", f"add {quote} at the end of the text")

    def no_colon(self) -> Diagnostic | None:
        line, start = self._line(self._began)
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if re.match(r"-[^\s-]", stripped):
            message = "a space is missing after the dash"
            return self._at(start + indent, message, f"write - {stripped[1:]}", length=len(stripped))
        hint = _colon_hint(stripped)
        if self._is_below_deeper(start, indent):
            hint = "a key needs a colon; a line of the text above must be set in as the others are"
        return self._at(start + indent, "this line has no colon", hint, length=len(stripped))

    def _is_below_deeper(self, start: int, indent: int) -> bool:
        """Whether the last line with something on it stands deeper: it may be of a text that this one belongs to."""
        above = self._text[:start].rstrip("\n").rpartition("\n")[2]
        return bool(above.strip()) and len(above) - len(above.lstrip()) > indent

    def no_key(self) -> Diagnostic | None:
        line, start = self._line(self._noticed)
        indent = len(line) - len(line.lstrip())
        at_start = self._noticed - start <= indent
        if not at_start:
            before = self._text[: self._noticed].rstrip()
            if before.endswith("}}") and "{{" in line:
                opened, whole = start + line.index("{{"), line[line.index("{{") :].strip()
                return self._at(opened, UNQUOTED_BRACES, f'write "{whole}"', length=before.rindex("}}") + 2 - opened)
            if before.endswith(("'", '"')):
                return self._after_quote(before, len(line) - (self._noticed - start))
            return self._at(
                self._noticed,
                "the value ends before this",
                "remove this" if line.rstrip().endswith(("]", "}")) else None,
            )
        if line.strip().startswith(":"):
            return self._at(self._noticed, "a key is missing before the colon")
        if line.strip().startswith("- "):
            return self._at(self._noticed, 'a list item ("- ...") cannot stand among keys', "set it in below its key")
        return self._at(
            self._noticed,
            "this line does not line up with the keys above",
            "set it in as they are",
            length=len(line.strip()),
        )

    def _after_quote(self, before: str, rest: int) -> Diagnostic:
        quote = before[-1]
        if opened := self._opened_above(quote):
            return self._at(opened, f"this {quote} is never closed", f"add {quote} at the end of the text")
        if len(before) == self._noticed and quote == "'":
            hint = "for a ' inside of '...' write '', or put the text in double quotes"
        else:
            hint = "put all of the text in the quotes, or remove them"
        return self._at(self._noticed, "the quoted text ends before this", hint, length=max(1, rest))

    def _opened_above(self, quote: str) -> int | None:
        """Where a quote was opened in a line above and not closed there, so that the next one closed it."""
        number = self._source.place(self._noticed)[0]
        for each in range(number - 1, max(0, number - 6), -1):
            line = self._source.line(each)
            if line.count(quote) % 2 and (found := re.search(rf":\s+({quote})|-\s+({quote})", line)):
                return self._source.offset(each, found.end())
        return None

    def no_dash(self) -> Diagnostic | None:
        line, _ = self._line(self._noticed)
        return self._at(
            self._noticed,
            'this line does not belong to the list above, whose items begin with "- "',
            'begin it with "- ", or set it in as the key of the list is',
            length=max(1, len(line.strip())),
        )

    def bad_escape(self) -> Diagnostic | None:
        escape = self._text[self._noticed - 0 : self._noticed + 1]
        offset = self._text.rfind("\\", self._began, self._noticed + 1)
        offset = self._noticed if offset < 0 else offset
        written = self._text[offset : offset + 2] or escape
        message = f'{written} stands for no character between "..."'
        return self._at(offset, message, r"write \\ for a backslash, or use '...'", length=2)

    def no_content(self) -> Diagnostic | None:
        char = self._text[self._noticed : self._noticed + 1]
        before = self._text[: self._noticed].rstrip()
        if char == "-" and before.endswith(("[", "{")) and "\n" in self._text[len(before) : self._noticed]:
            hint = "remove it: each item below it begins with a dash"
            return self._at(len(before) - 1, f"this {before[-1]} is never closed", hint)
        return self._at(self._noticed, f"a value was expected here, not {char or 'the end'}")

    def dash_in_line(self) -> Diagnostic | None:
        line, start = self._line(self._noticed)
        items = line[self._noticed - start :].strip()
        hint = f'write [{items[1:].strip()}] for a list, or "{items}" for a text'
        return self._at(self._noticed, "a list in dashes begins on the line after its key", hint)

    def anchor(self) -> Diagnostic | None:
        line, start = self._line(self._began)
        char = self._text[self._began : self._began + 1]
        value = line[self._began - start :].strip()
        return self._at(self._began, f"a text cannot begin with {char}", _in_quotes(value))

    def block(self) -> Diagnostic | None:
        return self._at(self._noticed, "after | or > the text begins on the next line", "move it there, or quote it")

    def document(self) -> Diagnostic | None:
        return self._at(self._noticed, "the document has ended above; nothing may follow")

    def directive(self) -> Diagnostic | None:
        line, start = self._line(self._noticed)
        return self._at(start, "lines that begin with % are not read", "remove the line", length=len(line))

    def tag_handle(self) -> Diagnostic | None:
        return self._at(self._noticed, "a text cannot begin with !", "put it in quotes")

    def flow_colon(self) -> Diagnostic | None:
        line, start = self._line(self._noticed)
        word = re.search(r"[^\s,\[{]*$", line[: self._noticed - start])
        rest = re.match(r"[^\s,\]}]*", self._text[self._noticed :])
        text = (word[0] if word else "") + (rest[0] if rest else "")
        return self._at(self._noticed, "between { } or [ ], texts with a colon must be in quotes", f'write "{text}"')

    def question(self) -> Diagnostic | None:
        return self._at(self._noticed, "a text cannot begin with a question mark and a space", "put it in quotes")


def _in_quotes(value: str) -> str:
    return f'put it in quotes: "{value}"' if len(value) < _SHORT else "put the text in quotes"


def _colon_hint(line: str) -> str:
    if found := re.fullmatch(r"([\w$.\-]+)(?:\s*=\s*|\s+)(\S+)", line):
        return f"write {found[1]}: {found[2]}"
    return f"write {line}: ..." if re.fullmatch(r"[\w$.\-]+", line) else "a key needs a colon"


def _quote_hint(line: str) -> str | None:
    return "put texts with : # { } [ ] , in quotes" if any(char in line for char in "#:'") else None


_TELLERS = (
    ("mapping values are not allowed", _Mistake.second_colon),
    ("cannot start any token", _Mistake.bad_start),
    ("found a tab character", _Mistake.tab),
    ("did not find expected ',' or", _Mistake.open_bracket),
    ("found unexpected end of stream", _Mistake.open_quote),
    ("could not find expected ':'", _Mistake.no_colon),
    ("did not find expected key", _Mistake.no_key),
    ("did not find expected '-' indicator", _Mistake.no_dash),
    ("found unknown escape character", _Mistake.bad_escape),
    ("did not find expected hexdecimal number", _Mistake.bad_escape),
    ("did not find expected node content", _Mistake.no_content),
    ("block sequence entries are not allowed", _Mistake.dash_in_line),
    ("did not find expected alphabetic or numeric", _Mistake.anchor),
    ("did not find expected comment or line break", _Mistake.block),
    ("did not find expected <document start>", _Mistake.document),
    ("unknown directive", _Mistake.directive),
    ("incompatible YAML document", _Mistake.directive),
    ("undefined tag handle", _Mistake.tag_handle),
    ("mapping keys are not allowed", _Mistake.question),
    ("found unexpected ':'", _Mistake.flow_colon),
)
