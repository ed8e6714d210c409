"""Each case by itself: its name, how often it is run, its turns, its files, and what it gives the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.files import is_remote
from runner.loading.checks.files import unsendable
from runner.loading.document import nearest_file
from runner.loading.include import OutsideError, inside
from runner.loading.nodes import Mapping, Scalar, Sequence, data_of
from runner.loading.suite_checks.subject import text_of
from runner.loading.values import VariableError, converted
from runner.loading.words import listed, nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located
    from runner.loading.nodes import Node
    from runner.loading.suite_checks.subject import Expectation, Suite

_NOT_ASKED = ("replies", "expect", "save")


def check_cases(suite: Suite) -> Iterator[Diagnostic]:
    """All cases, one by one, and their names against one another."""
    names: dict[str, int] = {}
    for case in suite.cases:
        yield from _name(suite, case.place, names)
        yield from _variables(suite, case.place)
        for turn in case.turns:
            yield from _pinned(suite, turn)
            yield from _files(suite, turn)
    yield from _rates(suite)
    for expectation in suite.expectations:
        yield from _times(suite, expectation)
        yield from _calls(suite, expectation)


def _name(suite: Suite, case: Located, names: dict[str, int]) -> Iterator[Diagnostic]:
    place = suite.subject.at(*case.path, "name")
    name = text_of(place.node) if place is not None else None
    if place is None or not name:
        return
    if name in names:
        message = f"two cases are named {quoted(name)}, the first in line {names[name]}"
        yield suite.subject.say("E187", message, place, hint="give it another name")
    else:
        source, start, _ = place.span
        names[name] = source.place(start)[0]


def _variables(suite: Suite, case: Located) -> Iterator[Diagnostic]:
    """The values for the manifest's variables."""
    if suite.agent is None:
        return
    declared, given = suite.agent.variables, case.node.get("variables") if isinstance(case.node, Mapping) else None
    entries = given.entries if isinstance(given, Mapping) else {}
    for name, entry in entries.items():
        place = suite.subject.at(*case.path, "variables", name)
        assert place is not None  # noqa: S101  # it was found there
        if name not in declared:
            near = nearest(name, declared)
            hint = f"did you mean {quoted(near)}?" if near else "variables of the case stand under vars:"
            notes = (f"its variables: {', '.join(declared)}" if declared else "it declares none",)
            message = f"the manifest has no variable {name}"
            yield suite.subject.say("E153", message, place, span=place.key_span, hint=hint, nearest=near, notes=notes)
            continue
        variable = declared[name]
        if variable is None or _is_unknown(entry.value):
            continue
        try:
            converted(name, data_of(entry.value), variable)
        except VariableError as error:
            yield suite.subject.say("E153", str(error), place)
    required = [
        name for name, each in declared.items() if each is not None and each.is_required and name not in entries
    ]
    if required:
        place = suite.subject.at(*case.path, "variables") or suite.subject.at(*case.path, "name") or case
        message = f"the manifest's variable {required[0]} has no value"
        if len(required) > 1:
            message = f"the manifest's variables {listed(required, 'and')} have no values"
        hint = f"give it: variables: {{{required[0]}: ...}}"
        yield suite.subject.say("E152", message, place, span=place.key_span, hint=hint)


def _is_unknown(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_unknown


def _pinned(suite: Suite, turn: Located) -> Iterator[Diagnostic]:
    """A turn whose answer is given: the agent is not asked, so there is nothing to reply, expect or save."""
    if not (isinstance(turn.node, Mapping) and "assistant" in turn.node.entries):
        return
    for key in _NOT_ASKED:
        place = suite.subject.at(*turn.path, key)
        if place is not None:
            message = f"assistant: gives the answer, so the agent is not asked and {key}: means nothing"
            yield suite.subject.say("E114", message, place, span=place.key_span, hint="remove one of them")


def _files(suite: Suite, turn: Located) -> Iterator[Diagnostic]:
    """Files that are sent: they are there, and in the project."""
    folder = suite.subject.path.resolve().parent
    for place in suite.below(turn, "files", "+"):
        name = text_of(place.node)
        if not name:
            continue
        if is_remote(name):
            yield from unsendable(suite.subject, place, name)
            continue
        try:
            path = inside(name, folder, suite.subject.root)
        except OutsideError as error:
            yield suite.subject.say(error.code, str(error), place, hint=error.hint)
            continue
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is not there"
            yield suite.subject.say("E189", f"the file {quoted(name)} {what}", place, hint=nearest_file(path))
        else:
            yield from unsendable(suite.subject, place, path)


def _rates(suite: Suite) -> Iterator[Diagnostic]:
    """A share of repeats where there is only one."""
    always = _number(suite.subject.tree, "defaults", "repeat")
    places = [(case.place, _number(case.place.node, "repeat") or always) for case in suite.cases]
    for case, repeat in places:
        place = suite.subject.at(*case.path, "pass_rate")
        if place is not None and (repeat or 1) == 1:
            yield _pointless(suite, place)
    place = suite.subject.at("defaults", "pass_rate")
    if place is not None and all((repeat or 1) == 1 for _, repeat in places):
        yield _pointless(suite, place)


def _pointless(suite: Suite, place: Located) -> Diagnostic:
    message = "pass_rate means nothing here: the case is run once"
    return suite.subject.say("W242", message, place, span=place.key_span, hint="add repeat:, such as repeat: 10")


def _number(node: Node | None, *path: str) -> Any:
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node.value if isinstance(node, Scalar) and isinstance(node.value, (int, float)) else None


def _times(suite: Suite, expectation: Expectation) -> Iterator[Diagnostic]:
    """Bounds that leave no number between them."""
    for call in expectation.calls:
        for place in suite.below(call, "times"):
            least, most = _number(place.node, "min"), _number(place.node, "max")
            found = suite.subject.at(*place.path, "max")
            if isinstance(place.node, Mapping) and most is not None and found is not None:
                least = 1 if least is None else least
                if least > most:
                    message = f"min {least} is more than max {most}: no number of calls is right"
                    hint = "add min: 0" if "min" not in place.node.entries else None
                    yield suite.subject.say("E188", message, found, hint=hint)


def _calls(suite: Suite, expectation: Expectation) -> Iterator[Diagnostic]:
    """Tools that are expected and excluded at once; an order where there is nothing to order."""
    named = {
        name
        for call in expectation.calls
        if (name := text_of(call.node.get("tool") if isinstance(call.node, Mapping) else call.node)) is not None
    }
    for place in expectation.below("no_calls", "+"):
        name = text_of(place.node)
        if name in named:
            yield suite.subject.say("E188", f"{name} is expected under calls and excluded here", place)
    node = expectation.place.node
    has_list = isinstance(node, Mapping) and isinstance(node.get("calls"), Sequence)
    for key in ("order", "allow_extra"):
        found = suite.subject.at(*expectation.place.path, key)
        if found is not None and not has_list:
            message = f"{key} means nothing here: calls is no list"
            yield suite.subject.say("W242", message, found, span=found.key_span, hint="remove it, or list the calls")
