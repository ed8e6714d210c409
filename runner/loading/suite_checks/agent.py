"""`agent:`: the manifest is there and right; and what it tells of the agent, its source read and not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.loading.checks.tools import tools_of
from runner.loading.diagnostics import Diagnostic, errors_of
from runner.loading.document import neighbour
from runner.loading.finding import is_conversations_name
from runner.loading.formats import headline
from runner.loading.include import OutsideError, inside
from runner.loading.manifests import CheckedManifest
from runner.loading.suite_checks.subject import AgentFacts
from runner.loading.tool_source import tool_of
from runner.loading.values import declared
from runner.loading.words import counted, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.loading.checks.subject import Subject
    from runner.loading.known_tools import KnownTool
    from runner.loading.locations import Located
    from runner.loading.nodes import Scalar

_SUFFIXES = {".yaml", ".yml"}


def agent_of(suite: Subject) -> AgentFacts | None:
    """What is known of the agent of a conversations file; None where there is no manifest, which is told."""
    node, place = suite.text("agent"), suite.at("agent")
    if node is None or place is None:
        return None
    found = _path(suite, node, place)
    if isinstance(found, Diagnostic):
        suite.reading.problems.append(found)
        return None
    checked = CheckedManifest(found, suite.reading.missing, None)
    suite.reading.files += checked.files
    if errors := errors_of(checked.problems):
        suite.reading.problems.append(_wrong(suite, place, errors))
    return None if checked.subject is None else _facts(found, checked.subject, is_right=not errors)


def tools_known(path: Path) -> Mapping[str, KnownTool] | None:
    """The tools of a manifest, its modules read and not run; None where it may have others."""
    checked = CheckedManifest(path, "W", None)
    if checked.subject is None:
        return None
    facts = _facts(path, checked.subject, is_right=not errors_of(checked.problems))
    return facts.tools if facts.has_all_tools else None


def _facts(path: Path, subject: Subject, *, is_right: bool) -> AgentFacts:
    definitions, is_whole = tools_of(subject)
    known = [tool for each in definitions if (tool := tool_of(each, has_texts=False)) is not None]
    return AgentFacts(
        path=path,
        subject=subject,
        tools={tool.name: tool for tool in known},
        has_all_tools=is_right and is_whole and len(known) == len(definitions),
        variables=declared(subject.tree),
    )


def _path(suite: Subject, node: Scalar, place: Located) -> Path | Diagnostic:
    """The manifest that is named, or what is wrong with the name."""
    try:
        path = inside(node.text, suite.path.resolve().parent, suite.root)
    except OutsideError as error:
        return suite.say(error.code, str(error), place, hint=error.hint)
    shown = quoted(node.shown)
    if path.is_dir():
        return suite.say("E180", f"{shown} is a folder, not a manifest", place)
    if not path.is_file():
        hint = neighbour(path) or _from_the_root(suite, node)
        return suite.say("E180", f"there is no manifest {shown}", place, hint=hint)
    if path.suffix not in _SUFFIXES or is_conversations_name(path.name):
        what = "a conversations file" if path.suffix in _SUFFIXES else "no YAML file"
        return suite.say("E180", f"{shown} is {what}, not a manifest", place, hint="name the agent's manifest")
    return path


def _from_the_root(suite: Subject, node: Scalar) -> str | None:
    """How to write a path that was meant from the project root."""
    import os.path

    if not (suite.root / node.text).is_file():
        return None
    return f"it is relative to this file: {os.path.relpath(suite.root / node.text, suite.path.resolve().parent)}"


def _wrong(suite: Subject, place: Located, errors: list[Diagnostic]) -> Diagnostic:
    message = f"the agent does not run: its manifest has {counted(len(errors), 'error')}"
    more = (f"see all: agent-run validate {errors[0].path}",) if len(errors) > 1 else ()
    return suite.say("E180", message, place, notes=(headline(errors[0]), *more))
