"""Reading a template: what it may contain, which names it uses, and the code it becomes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from jinja2 import TemplateAssertionError, TemplateSyntaxError, meta, nodes

from runner.loading.templates.limiting import limited
from runner.loading.templates.sandbox import Facts, Sandbox
from runner.loading.words import nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import CodeType

    from runner.loading.substitution import Piece

_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.With,
    nodes.BinExpr, nodes.UnaryExpr, nodes.Compare, nodes.Operand, nodes.CondExpr, nodes.Concat,
    nodes.Name, nodes.Const, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Slice,
    nodes.Filter, nodes.Test, nodes.Call, nodes.Getattr, nodes.Getitem,
)  # fmt: skip
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Include: "{% include %}", nodes.Import: "{% import %}", nodes.FromImport: "{% from ... import %}",
    nodes.Extends: "{% extends %}", nodes.Block: "{% block %}", nodes.Macro: "{% macro %}",
    nodes.CallBlock: "{% call %}", nodes.FilterBlock: "{% filter %}", nodes.AssignBlock: "{% set %} with a block",
    nodes.NSRef: "namespace()",
}  # fmt: skip
_TAGS = ("if", "elif", "else", "for", "set", "with", "raw")
_OTHER_WORDS = {
    **dict.fromkeys(("date", "current_date"), "{{ today }}"),
    **dict.fromkeys(("time", "datetime", "current_time", "timestamp"), "{{ now }}"),
    **dict.fromkeys(("agent_name", "name"), "{{ agent.name }}"),
    **dict.fromkeys(("model", "model_name"), "{{ agent.model }}"),
    **dict.fromkeys(("functions", "tool_names"), "{{ tools }}"),
    "loop": "loop inside of {% for %} only",
}
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_OPENING = re.compile(r"\{[{%#]")
_STRING = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a template, and the place in its text."""

    code: str
    message: str
    start: int
    end: int
    hint: str | None = None
    nearest: str | None = None


class Parsed:
    """A template's text, read; `mistakes` says what is wrong with it.

    Texts from the environment (`pieces` with a variable) take their places after parsing: what is in them is never
    read as a part of the template.
    """

    def __init__(self, text: str, pieces: Sequence[Piece] = ()) -> None:
        self._sandbox = Sandbox()
        self._foreign: dict[str, str] = {}
        self.text = self._with_marks(pieces) if pieces else text
        self.mistakes: list[Mistake] = []
        self._tree = self._read()

    def _with_marks(self, pieces: Sequence[Piece]) -> str:
        own = "".join(piece.text for piece in pieces if piece.variable is None)
        mark = next(chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in own)
        marked = []
        for number, piece in enumerate(pieces):
            if piece.variable is None:
                marked.append(piece.text)
            else:
                self._foreign[f"{mark}{number}{mark}"] = piece.text
                marked.append(f"{mark}{number}{mark}")
        return "".join(marked)

    def _read(self) -> nodes.Template | None:
        try:
            tree = self._sandbox.parse(self.text)
        except TemplateSyntaxError as error:
            self.mistakes.append(self._syntax(error))
            return None
        except RecursionError:
            self.mistakes.append(Mistake("E140", "it is nested too deeply", 0, 1))
            return None
        self.mistakes += self._refused(tree)
        return tree

    @cached_property
    def names(self) -> set[str]:
        """The names that must be given to render it."""
        if self._tree is None:
            return set()
        try:
            return meta.find_undeclared_variables(self._tree) - self._sandbox.globals.keys()
        except TemplateAssertionError:  # an unknown filter, which is among the mistakes already
            return set()

    def unknown(self, known: Mapping[str, Facts | None]) -> Iterator[Mistake]:
        """The names that are not known, and the attributes that known things do not have."""
        for name in sorted(name for name in self.names - known.keys() if not name.startswith("_")):
            near = nearest(name, known)
            hint = f"did you mean {quoted(near)}?" if near else f"declare it: `variables: {{{name}: ...}}`"
            if name in _OTHER_WORDS and not near:
                hint = f"write {_OTHER_WORDS[name]}"
            start, end = self.find(rf"(?<![.\w]){re.escape(name)}\b", last=self._binds(name))
            yield Mistake("E141", f"the instructions use {quoted(name)}, which is not defined", start, end, hint, near)
        if self._tree is None:
            return
        for call in self._tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in known:
                name = call.node.name
                start, end = self.find(rf"(?<![.\w]){re.escape(name)}\s*\(")
                yield Mistake("E142", f"{name} is a value, not a function", start, end, f"write {name}")
        for node in self._tree.find_all(nodes.Getattr):
            facts = known.get(node.node.name) if isinstance(node.node, nodes.Name) else None
            if isinstance(node.node, nodes.Name) and facts is not None and node.attr not in facts.readable:
                yield self._no_attribute(node.node.name, node.attr, facts)

    def _binds(self, name: str) -> bool:
        """Whether a loop or a `set` makes the name somewhere: then it is missing behind it."""
        assert self._tree is not None  # noqa: S101  # it has names
        return any(node.name == name and node.ctx == "store" for node in self._tree.find_all(nodes.Name))

    def _no_attribute(self, name: str, attribute: str, facts: Facts) -> Mistake:
        near = nearest(attribute, facts.readable)
        start, end = self.find(rf"(?<![.\w]){re.escape(name)}\s*\.\s*{re.escape(attribute)}\b")
        hint = f"did you mean {name}.{near}?" if near else f"it has: {', '.join(sorted(facts.readable))}"
        return Mistake("E141", f"{name} has no {quoted(attribute)}", start, end, hint, near)

    def find(self, pattern: str, *, last: bool = False) -> tuple[int, int]:
        """Where a pattern stands first, or last, inside of a tag and outside of quotes; else the whole text."""
        places = [(0, len(self.text))]
        for tag in _TAG.finditer(self.text):
            bare = _STRING.sub(lambda string: " " * len(string[0]), tag[0])
            places += [(tag.start() + found.start(), tag.start() + found.end()) for found in re.finditer(pattern, bare)]
        return places[-1] if last or len(places) == 1 else places[1]

    def compiled(self) -> CodeType:
        """The code of the template, with its loops counted and its texts from the environment in their places."""
        assert self._tree is not None  # noqa: S101  # templates with mistakes are not compiled
        tree = limited(self._tree, self._foreign)
        code: CodeType = self._sandbox.compile(tree, filename="<instructions>")
        return code

    @property
    def sandbox(self) -> Sandbox:
        """The environment it was read in."""
        return self._sandbox

    def line_of(self, number: int | None) -> tuple[int, int]:
        """The first tag of a line, counted from 1; else the line itself."""
        number = number or 1
        lines = self.text.splitlines(keepends=True)
        start = sum(len(line) for line in lines[: number - 1])
        end = start + len(lines[number - 1].rstrip()) if number <= len(lines) else start
        for tag in _TAG.finditer(self.text):
            if tag.end() > start and tag.start() <= end:
                return tag.start(), tag.end()
        opening = _OPENING.search(self.text, start, end)
        return (opening.start(), opening.end()) if opening else (start, max(end, start + 1))

    def _syntax(self, error: TemplateSyntaxError) -> Mistake:
        start, end = self.line_of(error.lineno)
        message = (error.message or "not a template").rstrip(".")
        if isinstance(error, TemplateAssertionError):
            return self._unknown_word(message, start, end)
        if any(mark[0] in tag[0] for mark in self._foreign for tag in _TAG.finditer(_STRING.sub("", self.text))):
            message = "${...} stands inside of a tag, where it would be read as a part of the template"
            return Mistake("E140", message, 0, len(self.text), "put it in quotes, or use a variable")
        if unclosed := self._unclosed():
            return unclosed
        if "unexpected end of template" in message.lower() or "unknown tag" in message:
            return self._wrong_tag(message, start, end)
        return Mistake(
            "E140", f"the instructions are no template: {_in_our_words(message)}", start, end, _operator_hint(message)
        )

    def _unclosed(self) -> Mistake | None:
        """A tag that is opened and not closed before the next one."""
        for opening in _OPENING.finditer(self.text):
            closing = {"{{": "}}", "{%": "%}", "{#": "#}"}[opening[0]]
            following = _OPENING.search(self.text, opening.end())
            within = self.text[opening.end() : following.start() if following else None]
            if closing not in within and "{% raw" not in self.text[: opening.start()]:
                line = within.split("\n", 1)[0]
                hint = f"write {closing}" if closing[1] in line else f"add {closing}"
                message = f"this {opening[0]} is never closed"
                return Mistake("E140", message, opening.start(), opening.end(), hint)
        return None

    def _wrong_tag(self, message: str, start: int, end: int) -> Mistake:
        """A block that is never closed, a closing tag without a block, or a tag that there is none of."""
        unknown = re.search(r"unknown tag '(\w+)'", message)
        wanted = re.search(r"needs to be closed is '(\w+)'", message)
        if unknown is None:
            name = wanted[1] if wanted else "if"
            start, end = self.find(rf"^\{{%[-+]?\s*{name}\b.*", last=True)
            return Mistake("E140", f"this {{% {name} %}} is never closed", start, end, f"add {{% end{name} %}}")
        name = unknown[1]
        start, end = self.find(rf"^\{{%[-+]?\s*{name}\b.*", last=True)
        if name.startswith("end") and name[3:] in _TAGS:
            hint = f"{{% end{wanted[1]} %}} was expected" if wanted else "remove it"
            return Mistake("E140", f"there is no open {{% {name[3:]} %}} for this {{% {name} %}}", start, end, hint)
        near = nearest(name, _TAGS)
        hint = f"did you mean {quoted(near)}?" if near else f"there are: {', '.join(_TAGS)}"
        return Mistake("E142", f"templates here have no tag {quoted(name)}", start, end, hint, near)

    def _unknown_word(self, message: str, start: int, end: int) -> Mistake:
        found = re.match(r"No (filter|test) named '(.+?)'", message)
        if not found:
            return Mistake("E140", f"the instructions are no template: {_in_our_words(message)}", start, end)
        known = self._sandbox.filters if found[1] == "filter" else self._sandbox.tests
        near = nearest(found[2], (name for name in known if not name.startswith("_")))
        hint = f"did you mean {quoted(near)}?" if near else None
        start, end = self.find(rf"\b{re.escape(found[2])}\b")
        return Mistake("E142", f"templates here have no {found[1]} {quoted(found[2])}", start, end, hint, near)

    def _refused(self, tree: nodes.Template) -> Iterator[Mistake]:
        for node in tree.find_all(nodes.Node):
            if isinstance(node, nodes.Name) and (node.name.startswith("_") or node.name == "self"):
                start, end = self.find(rf"\b{re.escape(node.name)}\b")
                yield Mistake("E142", f"the name {quoted(node.name)} is not a part of templates here", start, end)
            elif isinstance(node, nodes.For) and node.recursive:
                start, end = self.line_of(node.lineno)
                yield Mistake("E142", "recursive loops are not a part of templates here", start, end)
            elif isinstance(node, (nodes.Filter, nodes.Test)):
                yield from self._unknown_use(node)
            elif isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
                start, end = self.find(rf"\b{re.escape(node.attr)}\b")
                yield Mistake("E142", f"the name {quoted(node.attr)} is not a part of templates here", start, end)
            elif not isinstance(node, _ALLOWED):
                name = next((text for kind, text in _REFUSED.items() if isinstance(node, kind)), type(node).__name__)
                start, end = self.line_of(node.lineno)
                yield Mistake(
                    "E142", f"{name} is not a part of templates here", start, end, "use if, for, set and filters"
                )

    def _unknown_use(self, node: nodes.Filter | nodes.Test) -> Iterator[Mistake]:
        is_filter = isinstance(node, nodes.Filter)
        kind, known = ("filter", self._sandbox.filters) if is_filter else ("test", self._sandbox.tests)
        if node.name not in known or node.name.startswith("_"):
            yield self._unknown_word(f"No {kind} named '{node.name}'", *self.line_of(node.lineno))


def _in_our_words(message: str) -> str:
    if found := re.match(r"unexpected char '(.+?)' at", message):
        return f"the character {found[1]} means nothing here"
    if "got 'end of print statement'" in message or "got 'end of statement block'" in message:
        return "something is missing before the end of the tag"
    return message[:1].lower() + message[1:]


def _operator_hint(message: str) -> str | None:
    return "write and, or, not" if re.match(r"unexpected char '[&|!]'", message) else None
