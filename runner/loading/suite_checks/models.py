"""The models that are named, and those that judge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.loading.checks.models import check_model
from runner.loading.checks.plugins import check_plugins
from runner.loading.checks.subject import Subject
from runner.loading.locations import dotted
from runner.loading.nodes import Entry, Mapping, Scalar
from runner.manifest.specs import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located
    from runner.loading.nodes import Node
    from runner.loading.suite_checks.subject import Suite


def check_models(suite: Suite) -> Iterator[Diagnostic]:
    """All models: they are known and take their options; and the agent is not judged by its own."""
    judges = list(_judges(suite))
    owners = [
        suite.subject.at("defaults"),
        suite.subject.at("defaults", "judge"),
        *(case.place for case in suite.cases),
        *judges,
    ]
    for owner in owners:
        if owner is not None and isinstance(owner.node, Mapping) and "model" in owner.node.entries:
            yield from _model(suite, owner, owner.node.entries["model"])
    yield from _own_judge(suite, judges)


def _model(suite: Suite, owner: Located, entry: Entry) -> Iterator[Diagnostic]:
    """What the manifest's own checks say of a model, here."""
    subject = suite.subject
    tree = Mapping(owner.node.span, {"model": entry})
    path = suite.agent.path if suite.agent is not None else subject.path
    alone = Subject(tree=tree, path=path, root=subject.root, name="", reading=subject.reading, sources=subject.sources)
    for each in (*check_plugins(alone), *check_model(alone)):
        yield replace(each, key=f"{dotted(owner.path)}.{each.key}")


def _judges(suite: Suite) -> Iterator[Located]:
    """Each rubric."""
    for expectation in suite.expectations:
        yield from expectation.below("reply", "+", "judge")
        yield from expectation.below("judge")


def _own_judge(suite: Suite, judges: list[Located]) -> Iterator[Diagnostic]:
    """A warning, once, where the model that answers is the one that judges."""
    if suite.agent is None:
        return
    default = _id(suite.subject.tree, "defaults", "judge", "model") or DEFAULT_MODEL
    answering = _id(suite.subject.tree, "defaults", "model") or _id(suite.agent.subject.tree, "model") or DEFAULT_MODEL
    for judge in judges:
        case = suite.subject.at(*judge.path[:2])
        own = _id(case.node, "model") if case is not None else None
        if (_id(judge.node, "model") or default) == (own or answering):
            message = f"{own or answering} judges what it answered itself"
            hint = "name another: defaults: {judge: {model: ...}}"
            yield suite.subject.say("W243", message, judge, span=judge.key_span, hint=hint)
            return


def _id(node: Node | None, *path: str) -> str | None:
    """The id of a model written at a path, in the short form or the long one."""
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    if isinstance(node, Mapping):
        node = node.get("name")
    return node.text if isinstance(node, Scalar) and isinstance(node.value, str) else None
