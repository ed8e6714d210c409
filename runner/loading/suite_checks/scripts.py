"""Scripted models and stubs: the replies suffice and are all used, and so are the stubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.loading.nodes import Mapping, Scalar, Sequence
from runner.loading.suite_checks.subject import has
from runner.loading.words import quoted
from runner.suite import StubPart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located
    from runner.loading.nodes import Node
    from runner.loading.suite_checks.subject import Case, Suite


def check_scripts(suite: Suite) -> Iterator[Diagnostic]:
    """The replies of scripted models, and the stubs."""
    for case in suite.cases:
        if case.is_scripted:
            yield from _without_replies(case)
            yield from _models(case)
        for turn in case.turns:
            yield from _replies(suite, turn)
    yield from _unreached(suite)
    yield from _unused(suite)


def _without_replies(case: Case) -> Iterator[Diagnostic]:
    for number, turn in enumerate(case.turns, 1):
        if not has(turn.node, "replies") and not has(turn.node, "assistant"):
            place = case.suite.subject.at(*turn.path, "user") or turn
            message = f"turn {number} has no replies: a scripted case needs them in each of its turns"
            yield case.suite.subject.say("E192", message, place, span=place.key_span, hint='add replies: ["..."]')


def _models(case: Case) -> Iterator[Diagnostic]:
    place = case.at("model")
    if place is not None:
        message = "this model is never asked: the case brings its replies along"
        hint = "remove the model, or the replies"
        yield case.suite.subject.say("W242", message, place, span=place.key_span, hint=hint)


def _replies(suite: Suite, turn: Located) -> Iterator[Diagnostic]:
    """Replies after the one that ends the turn, and a turn that is left without one."""
    node = turn.node.get("replies") if isinstance(turn.node, Mapping) else None
    items = node.items if isinstance(node, Sequence) else []
    expected = suite.subject.text(*turn.path, "expect", "status")
    for index, item in enumerate(items[:-1]):
        if _is_end(item):
            place = suite.subject.at(*turn.path, "replies", index + 1)
            assert place is not None  # noqa: S101  # there is one more
            message = "this reply is never given: the one before it ends the turn"
            yield suite.subject.say("E192", message, place, hint="only after a call the model is asked again")
            return
    if items and expected is None and (has(items[-1], "call") or has(items[-1], "calls")):
        place = suite.subject.at(*turn.path, "replies", len(items) - 1)
        assert place is not None  # noqa: S101  # it is the last one
        message = "after this call the model is asked again, and there is no reply left"
        yield suite.subject.say("E192", message, place, hint="add the text that the turn ends with")


def _is_end(node: Node) -> bool:
    """Whether a reply is a text and nothing more."""
    if isinstance(node, Mapping):
        return "say" in node.entries and not node.entries.keys() & {"call", "calls"}
    return isinstance(node, Scalar) and isinstance(node.value, str)


def _unreached(suite: Suite) -> Iterator[Diagnostic]:
    """Stubs after one that answers every call."""
    for place in suite.stubs:
        items = place.node.items if isinstance(place.node, Sequence) else []
        always = next((index for index, item in enumerate(items) if _answers_all(item)), len(items))
        found = suite.subject.at(*place.path, always + 1)
        if found is not None:
            message = "this stub is never used: the one before it answers every call"
            hint = "put the one without when: last"
            yield suite.subject.say("W241", message, found, span=found.key_span, hint=hint)


def _answers_all(node: Node) -> bool:
    if not isinstance(node, Mapping) or node.entries.keys() - StubPart.model_fields.keys() - {"return"}:
        return False
    when = node.get("when")
    return when is None or (isinstance(when, Mapping) and not when.entries)


def _unused(suite: Suite) -> Iterator[Diagnostic]:
    """Stubs of tools that no scripted reply calls; what a model will call that is asked, nobody knows."""
    for case in suite.cases:
        called = case.called
        for place in suite.below(case.place, "stubs", "*") if called is not None else ():
            if called is not None and place.path[-1] not in called:
                yield _say_unused(suite, place, "no reply of the case calls it")
    known = [case.called for case in suite.cases]
    if None not in known:
        everywhere = {name for called in known for name in called or ()}
        for place in suite.places("stubs", "*"):
            if place.path[-1] not in everywhere:
                yield _say_unused(suite, place, "no reply of any case calls it")


def _say_unused(suite: Suite, place: Located, why: str) -> Diagnostic:
    message = f"the stub of {quoted(str(place.path[-1]))} is not used: {why}"
    return suite.subject.say("W241", message, place, span=place.key_span)
