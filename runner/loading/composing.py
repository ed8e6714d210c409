"""Reads YAML into nodes, by the C parser's events, one by one: a file that goes over a limit is left at that point.

Scalars are YAML 1.2's. Tags, merge keys, several documents and keys that are not text are refused: they are not part of
this language.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from runner.loading.diagnostics import Diagnostic, Span
from runner.loading.nodes import Entry, Mapping, Scalar, Sequence
from runner.loading.scalars import resolved
from runner.loading.words import counted, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.nodes import Node
    from runner.loading.source import Source

DEPTH_LIMIT = 64  # mappings and lists inside one another
ALIAS_LIMIT = 10_000  # nodes that aliases stand for, all together

UNQUOTED_BRACES = "a text that begins with { must be in quotes"
_TEXT_TAGS = {"!", "tag:yaml.org,2002:str"}
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ufeff]")
_TAG = re.compile(r"(?:&\S+\s+)?(!\S*)")
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")


class _Refused(Exception):  # noqa: N818  # not an error: the way out of a document that is not read further
    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.message)


class Composer:
    """Reads one source; what is wrong with it is added to `problems`."""

    def __init__(self, source: Source, problems: list[Diagnostic]) -> None:
        self._source, self._problems = source, problems
        self._anchors: dict[str, Node | None] = {}  # None while the node is being read
        self._aliased = 0
        self._depth = 0

    def document(self) -> Node | None:
        """The tree of the one document; None where there is none, or where it cannot be read."""
        if found := _FORBIDDEN.search(self._source.text):
            char = f"U+{ord(found[0]):04X}"
            self._say("E101", f"the character {char}, which no text holds, is not allowed", *found.span())
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

    def _root(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._say("E112", "a second document begins here; one file holds one", *_place(event))
                    break
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, events)
        return root

    def _node(self, event: Any, events: Iterator[Any]) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node: Node = self._scalar(event) if isinstance(event, yaml.ScalarEvent) else self._collection(event, events)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        span = Span(self._source, *_place(event))
        known = self._anchors.get(event.anchor)
        if known is None and event.anchor in self._anchors:
            raise _Refused(self._diagnostic("E112", f"*{event.anchor} stands inside of what it stands for", span))
        if known is None:
            text = self._source.line(self._source.place(span.start)[0])[self._source.place(span.start)[1] - 1 :].strip()
            message = f"no anchor &{event.anchor} stands above this alias"
            hint = f'a text that begins with * must be in quotes: "{text}"' if len(text) < 40 else None
            raise _Refused(self._diagnostic("E101", message, span, hint))
        self._aliased += known.size
        if self._aliased > ALIAS_LIMIT:
            message = f"the aliases stand for more than {counted(ALIAS_LIMIT, 'value')}"
            raise _Refused(self._diagnostic("E110", message, span))
        return replace(known, anchored=span)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        is_plain = bool(event.implicit[0]) and not event.style and event.tag is None
        value = resolved(event.value) if is_plain else event.value
        is_refused = self._refuses_tag(event)
        start, end = _place(event)
        if event.anchor is not None or event.tag is not None:
            properties = _PROPERTIES.match(self._source.text, start, end)
            start = properties.end() if properties else start
        return Scalar(Span(self._source, start, end), event.value, is_plain, value, refused=is_refused)

    def _collection(self, event: Any, events: Iterator[Any]) -> Node:
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            message = f"more than {DEPTH_LIMIT} lists and mappings inside one another"
            raise _Refused(self._diagnostic("E110", message, Span(self._source, *_place(event))))
        is_refused = self._refuses_tag(event)
        is_list = isinstance(event, yaml.SequenceStartEvent)
        node: Node = self._sequence(event, events) if is_list else self._mapping(event, events)
        self._depth -= 1
        return Scalar(node.span, "", plain=False, value="", refused=True) if is_refused else node

    def _sequence(self, event: Any, events: Iterator[Any]) -> Sequence:
        node = Sequence(Span(self._source, *_place(event)))
        for inner in events:
            if isinstance(inner, yaml.SequenceEndEvent):
                node.span = Span(self._source, node.span.start, _place(inner)[1])
                break
            node.items.append(self._node(inner, events))
        node.size += sum(item.size for item in node.items)
        return node

    def _mapping(self, event: Any, events: Iterator[Any]) -> Node:
        node = Mapping(Span(self._source, *_place(event)))
        is_template = False
        for inner in events:
            if isinstance(inner, yaml.MappingEndEvent):
                node.span = Span(self._source, node.span.start, _place(inner)[1])
                break
            key, value = self._node(inner, events), self._node(next(events), events)
            is_template |= isinstance(key, Mapping) and self._source.text.startswith("{{", node.span.start)
            self._add(node, key, value)
        return self._unquoted(node) if is_template else node

    def _unquoted(self, node: Mapping) -> Scalar:
        """What stands for a template that is not in quotes, and so is a mapping in a mapping."""
        source, start, end = node.span
        text = source.text[start:end]
        shown = text if len(text) < 60 and "\n" not in text else "{{ ... }}"
        self._problems[:] = [each for each in self._problems if each.span is None or not _within(each.span, node.span)]
        self._problems.append(self._diagnostic("E101", UNQUOTED_BRACES, node.span, f'write "{shown}"'))
        return Scalar(node.span, text, plain=False, value=text, refused=True)

    def _add(self, node: Mapping, key: Node, value: Node) -> None:
        node.size += 1 + value.size
        if not isinstance(key, Scalar):
            what = "a mapping" if isinstance(key, Mapping) else "a list"
            self._problems.append(self._diagnostic("E112", f"{what} cannot be a key", key.span))
        elif not isinstance(key.value, str):
            message = f"the key {key.text} is not text" if key.text else "a key is missing before the colon"
            hint = f'put it in quotes: "{key.text}"' if key.text else None
            self._problems.append(self._diagnostic("E112", message, key.span, hint))
        elif key.text == "<<" and key.plain:
            hint = "write the keys out, or use include:"
            self._problems.append(self._diagnostic("E112", "the merge key << is not read", key.span, hint))
        elif key.text in node.entries:
            self._say_twice(key, node.entries[key.text].key.span)
        else:
            node.entries[key.text] = Entry(key, value)

    def _say_twice(self, key: Scalar, first: Span) -> None:
        line = first.source.place(first.start)[0]
        diagnostic = Diagnostic(
            code="E107",
            message=f"the key {quoted(key.text)} stands twice, first in line {line}",
            path=self._source.shown,
            span=key.span,
            context=first,
            hint="remove one of them",
        )
        self._problems.append(diagnostic)

    def _refuses_tag(self, event: Any) -> bool:
        """Whether a node has a tag that is not read, which is told."""
        if event.tag is None or event.tag in _TEXT_TAGS:
            return False
        start, end = _place(event)
        written = _TAG.match(self._source.text, start, start + 200)
        begin, end = written.span(1) if written else (start, min(start + 1, end))
        shown = self._source.text[begin:end]
        self._say("E112", f"the tag {shown} is not read: a value is only what it says", begin, end)
        return True

    def _diagnostic(self, code: str, message: str, span: Span, hint: str | None = None) -> Diagnostic:
        return Diagnostic(code=code, message=message, path=self._source.shown, span=span, hint=hint)

    def _say(self, code: str, message: str, start: int, end: int) -> None:
        self._problems.append(self._diagnostic(code, message, Span(self._source, start, end)))


def _place(event: Any) -> tuple[int, int]:
    """Where an event begins and ends, in characters."""
    return event.start_mark.index, event.end_mark.index


def _within(inner: Span, outer: Span) -> bool:
    return inner.source is outer.source and outer.start <= inner.start and inner.end <= outer.end


def _events(text: str) -> Iterator[Any]:
    """The events of the C parser, or of the slower one where PyYAML was built without libyaml."""
    parser_type: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    parser = parser_type(text)
    while parser.check_event():
        yield parser.get_event()
