"""YAML as a tree of nodes that know where they stand; read once, by the C parser, within limits.

The parser's events are taken one by one, so a file that goes over a limit is left at that point. Scalars are YAML 1.2's.
Tags, merge keys, several documents and keys that are not text are refused: they are not part of this language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import yaml

from runner.loading.diagnostics import Diagnostic, Span
from runner.loading.scalars import resolved
from runner.loading.words import counted, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml.cyaml import CParser

    from runner.loading.source import Source
    from runner.loading.substitution import Piece

DEPTH_LIMIT = 64  # mappings and lists inside one another
ALIAS_LIMIT = 10_000  # nodes that aliases stand for, all together

UNQUOTED_BRACES = "a text that begins with { must be in quotes"
_TAGS = {"!": None, "tag:yaml.org,2002:str": "str"}
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ufeff]")


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
    missing: tuple[str, ...] = ()  # of the environment, not set: the value is unknown
    anchored: Span | None = None  # the alias that stands for this node
    size = 1

    @property
    def shown(self) -> str:
        """The text as the file has it: no value of the environment is in it."""
        return self.text if self.written is None else self.written


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
    return _Composer(source, problems).document()


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


class _Refused(Exception):  # noqa: N818  # not an error: the way out of a document that is not read further
    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.message)


class _Composer:
    def __init__(self, source: Source, problems: list[Diagnostic]) -> None:
        self._source, self._problems = source, problems
        self._anchors: dict[str, Node | None] = {}  # None while the node is being read
        self._aliased = 0
        self._depth = 0

    def document(self) -> Node | None:
        if found := _FORBIDDEN.search(self._source.text):
            char = f"U+{ord(found[0]):04X}"
            self._say("E101", f"the character {char}, which no text holds, is not allowed", found.start(), found.end())
            return None
        try:
            return self._root(_events(self._source.text))
        except _Refused as refused:
            self._problems.append(refused.diagnostic)
        except yaml.MarkedYAMLError as error:
            from runner.loading.yaml_errors import explained

            self._problems.append(explained(error, self._source))
        except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
            self._say("E101", f"not YAML: {str(error).partition(chr(10))[0]}", 0, 0)
        return None

    def _root(self, events: Iterator[yaml.Event]) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._say(
                        "E112",
                        "a second document begins here; one file holds one",
                        event.start_mark.index,
                        event.end_mark.index,
                    )
                    break
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, events)
        return root

    def _node(self, event: yaml.NodeEvent, events: Iterator[yaml.Event]) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        else:
            self._depth += 1
            if self._depth > DEPTH_LIMIT:
                message = f"more than {DEPTH_LIMIT} lists and mappings inside one another"
                raise _Refused(self._diagnostic("E110", message, event.start_mark.index, event.end_mark.index))
            is_refused = self._refuse_tag(event)
            node = (
                self._sequence(event, events)
                if isinstance(event, yaml.SequenceStartEvent)
                else self._mapping(event, events)
            )
            node = Scalar(node.span, "", plain=False, value="", missing=("",)) if is_refused else node
            self._depth -= 1
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: yaml.AliasEvent) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        known = self._anchors.get(event.anchor, ...)  # type: ignore[call-overload]  # ... stands for "never seen"
        if known is ...:
            line_end = self._source.text.find("\n", start)
            text = self._source.text[start : line_end if line_end > 0 else None].strip()
            message = f"no anchor &{event.anchor} stands above this alias"
            hint = f'a text that begins with * must be in quotes: "{text}"' if len(text) < 40 else None
            raise _Refused(self._diagnostic("E101", message, start, end, hint))
        if known is None:
            raise _Refused(self._diagnostic("E112", f"*{event.anchor} stands inside of what it stands for", start, end))
        self._aliased += known.size
        if self._aliased > ALIAS_LIMIT:
            message = f"the aliases stand for more than {counted(ALIAS_LIMIT, 'value')}"
            raise _Refused(self._diagnostic("E110", message, start, end))
        copy: Node = replace(known, anchored=Span(self._source, start, end))
        return copy

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        plain = bool(event.implicit[0]) and not event.style
        tag = None if event.tag is None else _TAGS.get(event.tag, ...)  # type: ignore[call-overload]  # as above
        is_refused = tag is ... and self._refuse_tag(event)
        is_text = not plain or event.tag is not None
        value = event.value if is_text else resolved(event.value)
        missing = ("",) if is_refused else ()
        return Scalar(self._span(event), event.value, plain and not is_text, value, missing=missing)

    def _sequence(self, event: yaml.Event, events: Iterator[yaml.Event]) -> Sequence:
        node = Sequence(self._span(event))
        for inner in events:
            if isinstance(inner, yaml.SequenceEndEvent):
                break
            node.items.append(self._node(inner, events))  # type: ignore[arg-type]  # what a list holds are nodes
        node.size += sum(item.size for item in node.items)
        node.span = self._span(event, inner)
        return node

    def _mapping(self, event: yaml.Event, events: Iterator[yaml.Event]) -> Mapping:
        node = Mapping(self._span(event))
        braces: Mapping | None = None
        for inner in events:
            if isinstance(inner, yaml.MappingEndEvent):
                break
            key = self._node(inner, events)  # type: ignore[arg-type]  # what a mapping holds are nodes
            value = self._node(next(events), events)  # type: ignore[arg-type]  # as above
            if isinstance(key, Mapping) and self._source.text.startswith("{{", node.span.start):
                braces = key
            self._add(node, key, value)
        node.span = self._span(event, inner)
        return node if braces is None else self._unquoted(node)

    def _unquoted(self, node: Mapping) -> Scalar:
        """What stands for a template that is not in quotes, and so is a mapping in a mapping."""
        source, start, end = node.span
        text = source.text[start:end]
        shown = text if len(text) < 60 and "\n" not in text else "{{ ... }}"
        message, hint = UNQUOTED_BRACES, f'write "{shown}"'
        self._problems[:] = [each for each in self._problems if each.span is None or not _within(each.span, node.span)]
        self._problems.append(Diagnostic(code="E101", message=message, path=source.shown, span=node.span, hint=hint))
        return Scalar(node.span, text, plain=False, value=text, missing=("",))

    def _add(self, node: Mapping, key: Node, value: Node) -> None:
        node.size += 1 + value.size
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            hint = f'put it in quotes: "{key.text}"' if isinstance(key, Scalar) and key.text else None
            if isinstance(key, Scalar):
                message = f"the key {key.text} is not text" if key.text else "a key is missing before the colon"
            else:
                message = f"{'a mapping' if isinstance(key, Mapping) else 'a list'} cannot be a key"
            self._problems.append(
                Diagnostic(code="E112", message=message, path=self._source.shown, span=key.span, hint=hint)
            )
        elif key.text == "<<" and key.plain:
            note = "write the keys out, or keep them in a file of their own and name it in `include:`"
            self._problems.append(
                Diagnostic(
                    code="E112",
                    message="the merge key << is not read",
                    path=self._source.shown,
                    span=key.span,
                    notes=(note,),
                )
            )
        elif key.text in node.entries:
            first = node.entries[key.text].key.span
            line = first.source.place(first.start)[0]
            self._problems.append(
                Diagnostic(
                    code="E107",
                    message=f"the key {quoted(key.text)} stands twice, first in line {line}",
                    path=self._source.shown,
                    span=key.span,
                    context=first,
                    hint="remove one of them",
                )
            )
        else:
            node.entries[key.text] = Entry(key, value)

    def _refuse_tag(self, event: yaml.NodeEvent) -> bool:
        tag = getattr(event, "tag", None)
        if tag is None or tag in _TAGS:
            return False
        start = event.start_mark.index
        written = re.match(r"(?:&\S+\s+)?(!\S*)", self._source.text[start : start + 200])
        begin, end = (start + written.start(1), start + written.end(1)) if written else (start, start + 1)
        shown = self._source.text[begin:end]
        self._say("E112", f"the tag {shown} is not read: a value is only what it says", begin, end)
        return True

    def _span(self, event: yaml.Event, last: yaml.Event | None = None) -> Span:
        start = event.start_mark.index
        if event.__class__.__name__ == "ScalarEvent":
            start = self._after_properties(start, event)  # type: ignore[arg-type]  # a scalar, as was just seen
        return Span(self._source, start, (last or event).end_mark.index)

    def _after_properties(self, start: int, event: yaml.ScalarEvent) -> int:
        """Where a scalar itself begins, behind its anchor and tag."""
        if event.anchor is None and event.tag is None:
            return start
        text = self._source.text
        found = re.compile(r"(?:[&!]\S*\s+)+").match(text, start, event.end_mark.index)
        return found.end() if found else start

    def _diagnostic(self, code: str, message: str, start: int, end: int, hint: str | None = None) -> Diagnostic:
        span = Span(self._source, start, end)
        return Diagnostic(code=code, message=message, path=self._source.shown, span=span, hint=hint)

    def _say(self, code: str, message: str, start: int, end: int) -> None:
        self._problems.append(self._diagnostic(code, message, start, end))


def _within(inner: Span, outer: Span) -> bool:
    return inner.source is outer.source and outer.start <= inner.start and inner.end <= outer.end


def _events(text: str) -> Iterator[yaml.Event]:
    parser = _parser(text)
    while parser.check_event():
        yield parser.get_event()


def _parser(text: str) -> CParser | yaml.SafeLoader:
    try:
        from yaml.cyaml import CParser
    except ImportError:  # PyYAML without libyaml
        return yaml.SafeLoader(text)
    return CParser(text)
