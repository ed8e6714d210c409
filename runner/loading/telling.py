"""What is said about each kind of error that pydantic finds."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from runner.loading import hinting
from runner.loading.describing import value, what
from runner.loading.diagnostics import Diagnostic, Fix
from runner.loading.fields import keys, model_at
from runner.loading.forms import FORMS, Form
from runner.loading.locations import Located, Path, dotted, locate
from runner.loading.nodes import Mapping, Scalar, Sequence
from runner.loading.unknown_keys import meant
from runner.loading.words import certain, counted, listed, nearest, normal, quoted
from runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from runner.loading.vocabulary import Vocabulary

_FEW = 8  # keys that are listed even where the one that was meant is told
_ABOUT_KEYS = {"missing", "extra_forbidden", "variable_name"}
_NEVER_TEXT = {
    "list_type",
    "dict_type",
    "model_type",
    "model_attributes_type",
    "format_version",
}  # no variable makes a text one of these
_WANTED = {
    "list_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "paths": "a path or a list of paths",
    "output_form": "a file, module:Type, or a JSON schema",
    "dict_type": "a mapping of names",
    "texts": "text or a list of texts",
    "variable_value": "text, a number, true or false, or a list of these",
    "variable_choice": "text, a number, or true or false",
}
_OR_TEXT = ("a text,", "a tool's name,", "a rubric,")
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "greater_than": ("gt", "more than"),
    "less_than": ("lt", "less than"),
}


class _Teller:
    """Turns the errors of one tree into diagnostics."""

    def __init__(self, root: Mapping, kind: type[BaseModel], vocabulary: Vocabulary) -> None:
        self._root, self._kind, self._vocabulary = root, kind, vocabulary

    def told(self, error: str, loc: tuple[int | str, ...], context: dict[str, Any]) -> Diagnostic | None:
        """The diagnostic of an error; None where the value hangs on a variable of the environment that is not set."""
        place = locate(self._root, loc)
        node = place.node
        if isinstance(node, Scalar) and (node.refused or (node.missing and error not in _ABOUT_KEYS | _NEVER_TEXT)):
            return None
        if error not in _ABOUT_KEYS and isinstance(node, Scalar) and node.value is None:
            return self.no_value(place)
        if error == "extra_forbidden":
            return self.unknown_key(place, str(loc[-1]))
        if error == "missing":
            return self.missing(place, str(loc[-1]))
        if error in _WANTED:
            return self.wrong_type(place, error, _WANTED[error])
        if error in _BOUNDS:
            return self.out_of_range(place, error, context)
        if error in FORMS:
            return self.form(place, FORMS[error])
        tell = _TELLERS.get(error, _Teller.other)
        return tell(self, place, context)

    def say(self, code: str, message: str, place: Located, **more: Any) -> Diagnostic:
        span = more.pop("span", None) or place.span
        if place.alias is not None:
            line = place.alias.source.place(place.alias.start)[0]
            alias = place.alias.source.text[place.alias.start : place.alias.end]
            more["notes"] = (*more.get("notes", ()), f"used by {alias} in line {line}")
        return Diagnostic(
            code=code, message=message, path=span.source.shown, span=span, context=place.context, key=place.name, **more
        )

    def unknown_key(self, place: Located, key: str) -> Diagnostic:
        parent = place.parent
        present = parent.entries if isinstance(parent, Mapping) else {}
        found = meant(self._kind, place.path[:-1], key, present, self._vocabulary)
        model = model_at(self._kind, place.path[:-1])
        inside = dotted(place.path[:-1])
        is_alone = not any(
            meant(self._kind, place.path[:-1], other, present, self._vocabulary).key == found.key
            for other in present
            if other != key and (model is None or other not in keys(model))
        )
        fix = Fix(place.key_span, found.key) if found.is_certain and found.key and is_alone else None
        told_keys = keys(model) if model is not None else []
        if found.hint is not None and (len(told_keys) > _FEW or not found.is_here):
            told_keys = []
        hint = found.hint
        if isinstance(parent, Mapping) and found.is_here and found.key in parent.entries:
            first = parent.entries[found.key].key.span
            hint = f"{found.key} stands in line {first.source.place(first.start)[0]} already: remove one of them"
        return self.say(
            "E102",
            f"unknown key {quoted(key)}" + (f" in {inside}" if inside else ""),
            place,
            span=place.key_span,
            hint=hint,
            nearest=found.key,
            notes=(f"keys here: {', '.join(told_keys)}",) if told_keys else (),
            fix=fix,
        )

    def missing(self, place: Located, key: str) -> Diagnostic:
        name = place.name or self._vocabulary.thing
        known = self._vocabulary.missing
        hint = known.get(f"{place.name}.{key}") or known.get(self._typed(place.path, key), f'add "{key}:"')
        message = f"{name} lacks the key {quoted(key)}"
        return self.say("E103", message, place, span=place.key_span, hint=hint, expected=key)

    def lacks(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        """A mapping without a key that it needs where others are not there either."""
        return self.missing(place, str(context.get("key")))

    def no_value(self, place: Located) -> Diagnostic:
        hint = "give it a value, or remove the key" if place.key is not None else "remove the dash, or write a value"
        return self.say("E108", f"{place.name} has no value", place, span=place.key_span, hint=hint)

    def wrong_type(self, place: Located, error: str, wanted: str) -> Diagnostic:
        message = f"{place.name} must be {wanted}, not {what(place.node)}"
        return self.say("E104", message, place, hint=hinting.for_type(error, place.node), expected=wanted)

    def mapping(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        wanted = self._vocabulary.kinds.get(str(context.get("class_name")), "a mapping of keys")
        model = model_at(self._kind, place.path)
        return self.say(
            "E104",
            f"{place.name} must be {wanted}, not {what(place.node)}",
            place,
            hint=hinting.for_type("mapping", place.node)
            or (hinting.for_type("string_type", place.node) if wanted.startswith(_OR_TEXT) else None)
            or self._vocabulary.examples.get(str(context.get("class_name"))),
            notes=(f"keys here: {', '.join(keys(model))}",) if model else (),
            expected=wanted,
        )

    def literal(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        expected = str(context.get("expected"))
        allowed = re.findall(r"'([^']*)'", expected) or [expected.lower()]
        node = place.node
        given = node.shown if isinstance(node, Scalar) else ""
        sure = certain(given, allowed) or next((word for word in allowed if normal(given).endswith(f"_{word}")), None)
        known = self._vocabulary.values
        meant = known.get(self._typed(place.path[:-1], place.path[-1])) or known.get(str(place.path[-1]), {})
        near = sure or meant.get(normal(given)) or nearest(given, allowed)
        fix = Fix(node.span, sure) if sure and isinstance(node, Scalar) and node.written is None else None
        message = f"{place.name} must be {listed(allowed)}, not {value(node)}"
        hint = f"did you mean {quoted(near)}?" if near else hinting.for_type("literal", node)
        return self.say("E105", message, place, hint=hint, nearest=near, expected=listed(allowed), fix=fix)

    def _typed(self, path: Path, key: str | int) -> str:
        """A key with the type of the mapping it stands in: `CallPart.status`."""
        model = model_at(self._kind, path)
        return f"{model.__name__}.{key}" if model is not None else str(key)

    def one_of(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        """A mapping that must have one of some keys, and has none or several."""
        keys, node = str(context.get("keys")).split(), place.node
        present = [key for key in node.entries if key in keys] if isinstance(node, Mapping) else []
        if not present:
            return self.say("E103", f"{place.name} says nothing: it lacks {listed(keys)}", place, span=place.key_span)
        other = locate(self._root, (*place.path, present[-1]))
        message = f"{listed(present, 'and')} exclude one another in {place.name}"
        return self.say("E114", message, other, span=other.key_span, hint="keep one of them")

    def needs(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        """A key that means nothing without another."""
        key, other = str(context.get("key")), str(context.get("other"))
        found = locate(self._root, (*place.path, key))
        return self.say("E103", f"{key} means nothing without {other}", found, span=found.key_span, expected=other)

    def calls(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        del context
        node = place.node
        given = node.shown if isinstance(node, Scalar) else ""
        near = certain(given, ("any", "none"))
        hint = f"did you mean {quoted(near)}?" if near else hinting.for_type("list_type", node)
        found = value(node)
        if isinstance(node, Sequence):
            found, hint = "an empty list", "for no calls write none"
        message = f"{place.name} must be any, none or a list of calls, not {found}"
        return self.say("E104", message, place, hint=hint, nearest=near, expected="any, none or a list of calls")

    def moment(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        del context
        message = f"{place.name} must be a time such as 2026-03-01T12:00, not {value(place.node)}"
        return self.say("E109", message, place, expected="a time such as 2026-03-01T12:00")

    def no_such_day(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        del context
        return self.say("E109", f"there is no such day: {value(place.node)}", place)

    def out_of_range(self, place: Located, error: str, context: dict[str, Any]) -> Diagnostic:
        name, words = _BOUNDS[error]
        limit = context.get(name)
        bound = f"{words} {limit:g}" if isinstance(limit, float) else f"{words} {limit}"
        hint = hinting.for_share(limit, place.node)
        message = f"{place.name} must be {bound}, not {value(place.node)}"
        return self.say("E106", message, place, expected=bound, hint=hint)

    def too_few(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        least = counted(int(context.get("min_length", 1)), "item")
        return self.say("E106", f"{place.name} must have at least {least}", place, expected=f"at least {least}")

    def too_many(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        most = counted(int(context.get("max_length", 0)), "item")
        number = len(place.node.items) if isinstance(place.node, Sequence) else 0
        message = f"{place.name} may have at most {most}, not {number}"
        return self.say("E106", message, place, expected=f"at most {most}")

    def empty(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        del context
        from_environment = isinstance(place.node, Scalar) and place.node.written is not None
        if from_environment and isinstance(place.node, Scalar):
            return self.say("E108", f"{place.name} is empty: {place.node.shown} stands for nothing", place)
        return self.say("E108", f"{place.name} is empty", place, hint="give it a value, or remove it")

    def infinite(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        del context
        return self.say("E106", f"{place.name} must be a finite number, not {value(place.node)}", place)

    def form(self, place: Located, form: Form) -> Diagnostic:
        node = place.node
        given = node.shown if isinstance(node, Scalar) else ""
        near = certain(given, form.words) or nearest(given, form.words)
        fix = Fix(node.span, near) if near and isinstance(node, Scalar) and node.written is None else None
        hint = f"did you mean {quoted(near)}?" if near else form.hint(node)
        message = f"{place.name} must be {form.wanted}, not {value(node)}"
        return self.say("E109", message, place, hint=hint, nearest=near, expected=form.expected, fix=fix)

    def variable_name(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        del context
        name = str(place.path[-1])
        bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        better = re.sub(r"\W+", "_", bare).strip("_")
        hint = f"call it {quoted(better)}" if re.match(r"[a-zA-Z]", better) else "begin it with a letter"
        message = f"a variable cannot be called {quoted(name)}: its name is of letters, digits and _"
        return self.say("E150", message, place, span=place.key_span, hint=hint)

    def version(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        del context
        node = place.node
        number = node.value if isinstance(node, Scalar) else None
        newer = isinstance(number, int) and not isinstance(number, bool) and number > 1
        message = f"version {value(node)} is unknown to agent-run {__version__}, which reads version 1"
        notes = (f"a release newer than {__version__} reads it: pip install -U agent-run",) if newer else ()
        return self.say("E113", message, place, expected="1", hint=None if newer else "write 1", notes=notes)

    def other(self, place: Located, context: dict[str, Any]) -> Diagnostic:
        del context
        return self.say("E109", f"{place.name} is not written as it should be", place)


_TELLERS: dict[str, Callable[[_Teller, Located, dict[str, Any]], Diagnostic]] = {
    "model_type": _Teller.mapping,
    "model_attributes_type": _Teller.mapping,
    "literal_error": _Teller.literal,
    "too_short": _Teller.too_few,
    "too_long": _Teller.too_many,
    "string_too_short": _Teller.empty,
    "finite_number": _Teller.infinite,
    "variable_name": _Teller.variable_name,
    "format_version": _Teller.version,
    "one_of": _Teller.one_of,
    "needs": _Teller.needs,
    "lacks": _Teller.lacks,
    "calls": _Teller.calls,
    "moment": _Teller.moment,
    "no_such_day": _Teller.no_such_day,
}


def told(
    root: Mapping, kind: type[BaseModel], vocabulary: Vocabulary, details: Iterable[ErrorDetails]
) -> Iterator[Diagnostic]:
    """The diagnostics of pydantic's errors; none for values that hang on a variable of the environment not set."""
    teller = _Teller(root, kind, vocabulary)
    found = [teller.told(detail["type"], detail["loc"], detail.get("ctx") or {}) for detail in details]
    said = [each for each in found if each is not None]
    misnamed = {f"{(each.key or '').rpartition('.')[0]}.{each.nearest}" for each in said if each.code == "E102"}
    yield from (each for each in said if each.code != "E103" or f"{each.key or ''}.{each.expected}" not in misnamed)
