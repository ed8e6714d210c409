"""`variables:`: their names are free, and their defaults fit; the values given from outside are known and fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.loading.diagnostics import Diagnostic
from runner.loading.hinting import for_type
from runner.loading.nodes import Mapping, Scalar, Sequence, data_of
from runner.loading.values import VariableError, converted, declared
from runner.loading.words import listed, nearest, quoted
from runner.manifest.variables import RESERVED, fits, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.locations import Located
    from runner.loading.nodes import Node

_ERRORS = {
    "string": "string_type",
    "integer": "int_type",
    "number": "float_type",
    "boolean": "bool_type",
    "list": "list_type",
}
_WORDS = {
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "loop",
    "self",
    "range",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
}


def check_variables(subject: Subject) -> Iterator[Diagnostic]:
    """All variables of a manifest, and those given by `--var`."""
    node = subject.tree.get("variables")
    names = list(node.entries) if isinstance(node, Mapping) else []
    for name in names:
        place = subject.at("variables", name)
        assert place is not None  # noqa: S101  # the name was found there
        yield from _name(subject, name, place)
        if isinstance(place.node, Mapping):
            yield from _definition(subject, name, place, place.node)
    yield from _given(subject, names)


def _name(subject: Subject, name: str, place: Located) -> Iterator[Diagnostic]:
    if name in RESERVED:
        message = (
            f"the name {quoted(name)} is taken: instructions know {listed(RESERVED, 'and')} without declaring them"
        )
        yield subject.say("E150", message, place, span=place.key_span, hint="give it another name")
    elif name in _WORDS:
        message = f"{quoted(name)} is a word of the template language"
        yield subject.say("E150", message, place, span=place.key_span, hint="give it another name")


def _definition(subject: Subject, name: str, place: Located, node: Mapping) -> Iterator[Diagnostic]:
    kind, default, choices = subject.text("variables", name, "type"), node.get("default"), node.get("choices")
    wanted: Any = kind.text if kind is not None else None
    if wanted not in {None, "string", "integer", "number", "boolean", "list"}:
        return
    if wanted and default is not None and _known(default) and not fits(data_of(default), wanted):
        found = subject.at("variables", name, "default")
        assert found is not None  # noqa: S101  # it was just read
        message = f"the default of {name} must be {_article(wanted)}, not {_article(type_of(data_of(default)))}"
        yield subject.say("E151", message, found, hint=for_type(_ERRORS[wanted], default))
    if isinstance(default, Scalar) and default.pieces and not default.is_unknown:
        yield from _default_from_environment(subject, name, default)
    if isinstance(choices, Sequence):
        yield from _choices(subject, name, wanted, default, choices)
    elif wanted is None and default is None and choices is None and not node.entries:
        yield subject.say(
            "E103", f"the variable {name} has neither a type nor a default", place, hint="write a default"
        )


def _default_from_environment(subject: Subject, name: str, default: Scalar) -> Iterator[Diagnostic]:
    """A default that is text, and is read as the variable's type."""
    variable, found = declared(subject.tree).get(name), subject.at("variables", name, "default")
    if variable is None or found is None:
        return
    try:
        converted(name, default.text, variable)
    except VariableError as error:
        yield subject.say("E151", f"{error}, not {quoted(default.shown)}", found)


def _choices(subject: Subject, name: str, wanted: Any, default: Node | None, choices: Sequence) -> Iterator[Diagnostic]:
    for index, item in enumerate(choices.items):
        if wanted and wanted != "list" and _known(item) and not fits(data_of(item), wanted):
            found = subject.at("variables", name, "choices", index)
            assert found is not None  # noqa: S101  # it was just read
            hint = for_type(_ERRORS[wanted], item)
            yield subject.say("E151", f"a choice of {name} must be {_article(wanted)}", found, hint=hint)
    values = data_of(choices)
    if isinstance(default, Scalar) and _known(default) and isinstance(values, list) and default.value not in values:
        found = subject.at("variables", name, "default")
        assert found is not None  # noqa: S101  # it was just read
        near = nearest(default.text, [str(value) for value in values])
        hint = f"did you mean {quoted(near)}?" if near else None
        yield subject.say("E151", f"the default of {name} is not among its choices", found, hint=hint, nearest=near)


def _known(node: Node) -> bool:
    """Whether a value is in the file itself: what comes from the environment is text until its type is known."""
    return not (isinstance(node, Scalar) and (node.is_unknown or node.pieces)) and data_of(node) is not None


def _article(kind: str | None) -> str:
    return {
        "string": "text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "list": "a list",
    }.get(kind or "", "nothing")


def _given(subject: Subject, names: list[str]) -> Iterator[Diagnostic]:
    """What was given from outside: unknown names, values that do not fit, and what is required and not given."""
    if subject.given is None:
        return
    path = subject.tree.span.source.shown
    for name in subject.given:
        if name not in names:
            near = nearest(name, names)
            hint = f"did you mean {quoted(near)}?" if near else None
            notes = (f"variables: {', '.join(names)}",) if names else ("the manifest declares no variables",)
            message = f"--var {name}: the manifest has no such variable"
            yield Diagnostic(code="E153", message=message, path=path, hint=hint, notes=notes)
    for name, variable in declared(subject.tree).items():
        place = subject.at("variables", name)
        assert place is not None  # noqa: S101  # the name was found there
        if variable is None:
            continue
        if name in subject.given:
            try:
                converted(name, subject.given[name], variable)
            except VariableError as error:
                yield subject.say("E153", str(error), place, span=place.key_span)
        elif variable.is_required:
            message = f"the variable {name} has no value"
            yield subject.say(
                "E152", message, place, span=place.key_span, hint=f"give it: --var {name}=..., or a default"
            )
