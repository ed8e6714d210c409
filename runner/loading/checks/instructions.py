"""`instructions` and `instructions_file`: one of them, readable, a template whose names are known and not secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.loading.diagnostics import Diagnostic, Span
from runner.loading.include import OutsideError, inside, way_to
from runner.loading.nodes import Mapping, Scalar
from runner.loading.secrets import is_secret_name
from runner.loading.source import SourceError, shown_path
from runner.loading.templates.tags import is_template
from runner.loading.words import quoted
from runner.manifest.variables import RESERVED

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.locations import Located
    from runner.loading.nodes import Node
    from runner.loading.source import Source
    from runner.loading.templates.language import Mistake, Parsed
    from runner.loading.templates.sandbox import Facts


def check_instructions(subject: Subject) -> Iterator[Diagnostic]:
    """The instructions, and the other texts that people or the model read."""
    own, file = subject.at("instructions"), subject.at("instructions_file")
    if own is not None and file is not None:
        message = "instructions and instructions_file exclude each other"
        later = max(own, file, key=lambda place: place.key_span.start)
        yield subject.say("E114", message, later, span=later.key_span, hint="remove one of them")
    for key in ("description", "instructions", "welcome"):
        yield from _secrets_in(subject, subject.at(key))
    examples = subject.at("examples")
    for index in range(len(examples.node.items) if examples is not None and hasattr(examples.node, "items") else 0):
        yield from _secrets_in(subject, subject.at("examples", index))
    used: set[str] | None = set()
    if (text := subject.text("instructions")) is not None and own is not None:
        used = yield from _template(subject, _Text.of_scalar(text, own))
    elif (path := subject.text("instructions_file")) is not None and file is not None:
        used = yield from _file(subject, file, path)
    if used is not None:
        yield from _unused(subject, used, text=own or file)


def _secrets_in(subject: Subject, place: Located | None) -> Iterator[Diagnostic]:
    node = place.node if place is not None else None
    if place is None or not isinstance(node, Scalar):
        return
    for name in dict.fromkeys(re.findall(r"(?<!\$)\$\{(\w+)", node.shown)):
        if is_secret_name(name):
            message = f"{place.name} holds the secret {name}: it would be sent to the model and shown"
            yield subject.say("E132", message, place, span=_reference(node, name), hint="remove it")


def _reference(node: Scalar, name: str) -> Span:
    source, start, end = node.span
    at = source.text.find("${" + name, start, end)
    close = source.text.find("}", at, end)
    return Span(source, at, close + 1) if at >= 0 and close > 0 else node.span


class _Text:
    """A template's text, and where its characters stand in a file."""

    def __init__(self, text: str, span: Span, place: Located, scalar: Scalar | None = None) -> None:
        self.text, self.span, self.place, self.scalar = text, span, place, scalar
        source, start, _ = place.span
        named_by = f"named by {source.shown}:{source.place(start)[0]}"
        self.notes: tuple[str, ...] = () if scalar is not None else (named_by,)

    @classmethod
    def of_scalar(cls, scalar: Scalar, place: Located) -> _Text:
        return cls(scalar.shown, scalar.span, place, scalar)

    def at(self, text: str, start: int, end: int) -> Span:
        """The place in the file of a part of the template's text: the same words, counted from the text's beginning."""
        source, first, last = self.span
        if self.scalar is None:
            return Span(source, first + start, first + end)
        words = text[start:end]
        at = first - 1
        for _ in range(text.count(words, 0, start) + 1):
            at = source.text.find(words, at + 1, last)
            if at < 0:
                return self.place.span
        return Span(source, at, at + len(words)) if words.strip() else self.place.span


def _file(subject: Subject, place: Located, path: Scalar) -> Generator[Diagnostic, None, set[str] | None]:
    """What is wrong with the file, or with the template in it; returns the names it uses, None where it cannot tell."""
    if path.text.rpartition("/")[2].startswith("."):
        yield subject.say("E120", f"{quoted(path.shown)} is a hidden file: it may hold secrets", place)
        return None
    try:
        found = inside(path.text, subject.folder, subject.root)
        way = way_to(found, path.text, subject.folder)
        source: Source = subject.reading.source(way, shown=shown_path(found))
        subject.sources["instructions"] = source
    except OutsideError as error:
        yield subject.say(error.code, str(error), place, hint=error.hint)
        return None
    except SourceError as error:
        code = "E120" if error.code == "E100" else error.code
        yield subject.say(code, f"{quoted(path.shown)}: {error.message}", place, hint=_beside(subject, path.text))
        return None
    if not source.text.strip():
        yield subject.say("E108", f"{quoted(path.shown)} is empty", place)
    whole = Span(source, 0, len(source.text))
    return (yield from _template(subject, _Text(source.text, whole, place)))


def _beside(subject: Subject, text: str) -> str | None:
    from runner.loading.words import nearest

    folder = (subject.folder / text).parent
    try:
        names = [each.name for each in folder.iterdir() if each.is_file()]
    except OSError:
        return f"there is no folder {quoted(str(text).rpartition('/')[0])}" if "/" in text else None
    near = nearest(text.rpartition("/")[2], names)
    return f"did you mean {quoted(near)}?" if near else None


def _template(subject: Subject, text: _Text) -> Generator[Diagnostic, None, set[str] | None]:
    """What is wrong with a template; returns the names it uses, None where not all of them are known."""
    if not is_template(text.text):
        return set()
    from runner.loading.templates.language import Parsed

    parsed = Parsed(text.text, text.scalar.pieces if text.scalar is not None else ())
    mistakes = [*parsed.mistakes, *parsed.unknown(_known(subject))]
    for mistake in mistakes:
        yield _told(subject, mistake, text, parsed)
    names = parsed.names
    yield from _secret_variables(subject, names, text, parsed)
    cache = subject.at("cache")
    if cache is not None and "now" in names:
        message = "now changes with every turn, so nothing that follows it can be cached"
        yield _at(subject, "W236", message, text, parsed, r"(?<![.\w])now\b", "use today, or remove cache")
    if mistakes:
        return None
    yield from _rendered(subject, text, parsed)
    return names


def _known(subject: Subject) -> dict[str, Facts | None]:
    from runner.loading.templates.template import AgentFacts

    variables = subject.tree.get("variables")
    names = list(variables.entries) if isinstance(variables, Mapping) else []
    return {**dict.fromkeys(names), "agent": AgentFacts("", "", ""), "now": None, "today": None, "tools": None}


def _told(subject: Subject, mistake: Mistake, text: _Text, parsed: Parsed) -> Diagnostic:
    span = text.at(parsed.text, mistake.start, mistake.end)
    notes: tuple[str, ...] = text.notes
    if mistake.code == "E141" and "not defined" in mistake.message:
        notes = (f"names here: {', '.join(_known(subject))}", *notes)
    return subject.say(
        mistake.code, mistake.message, text.place, span=span, hint=mistake.hint, nearest=mistake.nearest, notes=notes
    )


def _at(subject: Subject, code: str, message: str, text: _Text, parsed: Parsed, pattern: str, hint: str) -> Diagnostic:
    span = text.at(parsed.text, *parsed.find(pattern))
    return subject.say(code, message, text.place, span=span, hint=hint, notes=text.notes)


def _secret_variables(subject: Subject, names: set[str], text: _Text, parsed: Parsed) -> Iterator[Diagnostic]:
    variables = subject.tree.get("variables")
    for name in sorted(names):
        node = variables.get(name) if isinstance(variables, Mapping) else None
        if node is None:
            continue
        source = next((each for each in _variables_in(node) if is_secret_name(each)), None)
        if is_secret_name(name) or source:
            what = f"the variable {name}" if source is None else f"the variable {name}, which is {source}"
            message = f"the instructions hold a secret: {what}; it would be sent to the model"
            pattern = rf"(?<![.\w]){re.escape(name)}\b"
            yield _at(subject, "E132", message, text, parsed, pattern, "remove it")


def _variables_in(node: Node) -> Iterator[str]:
    from runner.loading.nodes import walked

    for _, each in walked(node):
        if isinstance(each, Scalar):
            yield from (*each.variables, *each.missing)


def _rendered(subject: Subject, text: _Text, parsed: Parsed) -> Iterator[Diagnostic]:
    """A trial: what a template runs into today is told now, not in the middle of a chat."""
    from runner.loading.templates.template import RenderingError, Template
    from runner.loading.templates.trial import trial_values

    values = trial_values(subject)
    if values is None:
        return
    try:
        Template(parsed).render(values)
    except RenderingError as error:
        start, end = parsed.line_of(error.line)
        if word := re.search(r"(?:attribute|no) '(\w+)'", error.message):
            first, last = parsed.find(rf"\.\s*{word[1]}\b")
            start, end = (first + 1, last) if last - first < len(word[1]) + 5 else (start, end)
        span = text.at(parsed.text, start, end)
        yield subject.say("E143", error.message, text.place, span=span, notes=text.notes)


def _unused(subject: Subject, used: set[str], text: Located | None) -> Iterator[Diagnostic]:
    variables = subject.tree.get("variables")
    for name in variables.entries if isinstance(variables, Mapping) and text is not None else ():
        place = subject.at("variables", name)
        if name not in used and name not in RESERVED and place is not None:
            message = f"the variable {name} is not used in the instructions"
            yield subject.say(
                "W203", message, place, span=place.key_span, hint="remove it, or write {{ " + name + " }}"
            )
