"""`output:`: the file is there and holds a JSON schema, the type is one of the project's; nothing is imported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.loading.checks import project_modules
from runner.loading.checks.tools import FOREIGN
from runner.loading.include import OutsideError, inside
from runner.loading.nodes import Mapping, Scalar, data_of
from runner.loading.words import listed, nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located

_HOW = "write a file.json, module:Type, or a JSON schema"


def check_output(subject: Subject) -> Iterator[Diagnostic]:
    """Whether there is such a form."""
    place = subject.at("output", "schema") or subject.at("output")
    if place is None:
        return
    if isinstance(place.node, Mapping):
        yield from _schema(subject, place, data_of(place.node)) if place.path == ("output", "schema") else ()
    elif (node := subject.text(*place.path)) is not None:
        yield from _file(subject, place, node) if node.text.endswith(".json") else _type(subject, place, node)


def _schema(subject: Subject, place: Located, schema: object, named: str = "this") -> Iterator[Diagnostic]:
    from runner.tools.conformance import schema_problem
    from runner.tools.schema import from_openapi

    problem = schema_problem(from_openapi(schema)) if isinstance(schema, dict) else "it is not a mapping"
    if problem:
        yield subject.say("E176", f"{named} is not a JSON schema: {problem}", place)


def _file(subject: Subject, place: Located, node: Scalar) -> Iterator[Diagnostic]:
    shown = quoted(node.shown)
    try:
        path = inside(node.text, subject.folder, subject.root)
    except OutsideError as error:
        yield subject.say(error.code, str(error), place, hint=error.hint)
        return
    subject.reading.files.append(path)
    try:
        schema = json.loads(path.read_text("utf-8"))
    except OSError as error:
        names = [each.name for each in path.parent.glob("*.json")] if path.parent.is_dir() else []
        near = nearest(path.name, names)
        hint = f"did you mean {quoted(near)}?" if near else "files are relative to the manifest"
        yield subject.say("E120", f"{shown} cannot be read: {error.strerror}", place, hint=hint)
        return
    except (ValueError, RecursionError) as error:
        yield subject.say("E176", f"{shown} is not JSON: {error}", place)
        return
    yield from _schema(subject, place, schema, shown)


def _type(subject: Subject, place: Located, node: Scalar) -> Iterator[Diagnostic]:
    module, colon, name = node.text.partition(":")
    shown = quoted(node.shown)
    if not colon or not all(part.isidentifier() and not part.startswith("__") for part in module.split(".")):
        yield subject.say("E176", f"{shown} names no form of an answer", place, hint=_HOW)
        return
    roots = project_modules.roots_of(subject)
    is_foreign = project_modules.is_foreign(module)
    path = None if is_foreign else project_modules.find(module, roots)
    if path is None:
        near = None if is_foreign else project_modules.meant(module, roots)[0]
        notes = (f"modules are looked for in {listed([str(root) for root in roots])}",)
        yield subject.say(
            "E160",
            f"there is no module {quoted(node.shown if node.variables else module)} in the project",
            place,
            hint=f"did you mean {quoted(near)}?" if near else None,
            notes=(FOREIGN, *notes) if is_foreign else notes,
        )
        return
    found = project_modules.read(path, subject)
    if found.problem is not None:
        yield found.problem
        return
    definition = found.definitions.get(name)
    if definition is not None and definition.kind in {"function", "tool", "tool class"}:
        yield subject.say("E176", f"{shown} is a {definition.kind}, not a type", place, hint=_HOW)
    elif not name.isidentifier() or name.startswith("_") or (definition is None and not found.is_open):
        known = [each.name for each in found.definitions.values() if each.kind == "class"]
        near = nearest(name, known)
        yield subject.say(
            "E161",
            f"{quoted(module)} has no public {quoted(name)}",
            place,
            hint=f"did you mean {quoted(near)}?" if near else None,
            notes=(f"its types: {', '.join(known)}",) if known else (),
        )
