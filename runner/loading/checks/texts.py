"""Values that are read otherwise than they look, and secrets where none should stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.loading.diagnostics import Span
from runner.loading.locations import locate
from runner.loading.nodes import Scalar, walked
from runner.loading.scalars import is_old_octal, old_bool
from runner.loading.secrets import holds_secret, is_secret_name, secret_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic


def check_secrets(subject: Subject) -> Iterator[Diagnostic]:
    """Keys, tokens and passwords that are written into the manifest."""
    for path, node in walked(subject.tree):
        if not isinstance(node, Scalar) or node.variables or node.is_unknown or not node.text:
            continue
        name = next((part for part in reversed(path) if isinstance(part, str)), "")
        is_written = (
            is_secret_name(name)
            and isinstance(node.value, str)
            and path[:1] in {("executor",), ("storage",), ("model",)}
        )
        if holds_secret(node.shown) or is_written:
            place = locate(subject.tree, path)
            hint = f"keep it in the environment: {subject.reading.syntax.reference('NAME')}"
            source, start, end = node.span
            found = secret_in(source.text, start, end)
            span = Span(source, *found) if found else place.span
            yield subject.say("W204", f"{place.name} holds what looks like a secret", place, hint=hint, span=span)


def check_spellings(subject: Subject) -> Iterator[Diagnostic]:
    """Plain scalars that other readers of YAML take for something else."""
    for path, node in walked(subject.tree):
        if not isinstance(node, Scalar) or not node.plain or node.written is not None:
            continue
        if isinstance(node.value, str) and (old := old_bool(node.text)) is not None and len(node.text) > 1:
            if _wants_bool(path):
                continue
            place = locate(subject.tree, path)
            message = f"{node.text} is text here, but {str(old).lower()} for readers of YAML 1.1"
            yield subject.say("W201", message, place, hint=f'put it in quotes: "{node.text}"')
        elif isinstance(node.value, int) and is_old_octal(node.text):
            place = locate(subject.tree, path)
            message = f"{node.text} is {node.value} here, but {int(node.text, 8)} for readers of YAML 1.1"
            yield subject.say("W202", message, place, hint=f"write {node.value}")


def _wants_bool(path: tuple[str | int, ...]) -> bool:
    """Where true or false is wanted, the wrong type is told already."""
    return path[-1:] in {("include_thoughts",), ("allow_extra",), ("passthrough",)} or path[:1] == ("tool_mode",)
