"""From a YAML file to a tree of nodes: read, composed, its variables replaced, laid over what it includes.

With `runner.loading.structure.checked` this reads any kind of file that has a pydantic type and a vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from runner.loading.describing import what
from runner.loading.diagnostics import Diagnostic, Span
from runner.loading.environment import dotenv_of, environment_of
from runner.loading.nodes import Mapping, Scalar, compose
from runner.loading.secrets import holds_secret, is_secret_name
from runner.loading.source import SourceError, read_source
from runner.loading.substitution import ENVIRONMENT, substitute
from runner.loading.words import nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingOf
    from pathlib import Path

    from runner.loading.nodes import Node
    from runner.loading.source import Source
    from runner.loading.substitution import Syntax
    from runner.loading.vocabulary import Vocabulary


@dataclass(slots=True)
class Reading:
    """What one reading of a file and its includes shares: where it may look, what it found, what it read."""

    root: Path  # the project root, resolved: nothing outside of it is included
    missing: Literal["E", "W"] = "E"  # whether a variable of the environment that is not set is an error
    syntax: Syntax = ENVIRONMENT  # how variables are written
    problems: list[Diagnostic] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    _environment: MappingOf[str, str] | None = None

    @property
    def environment(self) -> MappingOf[str, str]:
        """The environment's variables; the project's `.env` is read when they are first asked for."""
        if self._environment is None:
            if (dotenv := dotenv_of(self.root)) is not None:
                self.files.append(dotenv)
            self._environment = environment_of(self.root)
        return self._environment

    def mapping(self, path: Path, vocabulary: Vocabulary, *, shown: str | None = None) -> Mapping | None:
        """The mapping that a file holds, its variables replaced; None where it holds none, which is told."""
        try:
            source = self.source(path, shown=shown)
        except SourceError as error:
            self.problems.append(unreadable(error, path, shown))
            return None
        before = len(self.problems)
        tree = compose(source, self.problems)
        if tree is None and len(self.problems) > before:
            return None
        if not isinstance(tree, Mapping):
            self.problems.append(_no_mapping(tree, source, vocabulary))
            return None
        if "$" in source.text:
            self.problems += substitute(tree, self.environment, self.missing, self.syntax)
        return tree

    @property
    def hidden(self) -> dict[str, str]:
        """Secret values of the environment by the reference to show in their place, should one slip into a message."""
        environment = self._environment or {}
        return {
            value: self.syntax.reference(name)
            for name, value in environment.items()
            if len(value) >= 4 and (is_secret_name(name) or holds_secret(value))
        }

    def source(self, path: Path, *, shown: str | None = None) -> Source:
        """The text of a file, noted as read. Raises SourceError."""
        self.files.append(path)
        return read_source(path, shown=shown)


def unreadable(error: SourceError, path: Path, shown: str | None) -> Diagnostic:
    """The diagnostic of a file that cannot be read."""
    span = None if error.source is None else Span(error.source, error.offset, error.offset + 1)
    return Diagnostic(code=error.code, message=error.message, path=shown or str(path), span=span, hint=neighbour(path))


def neighbour(path: Path) -> str | None:
    """The file beside it that was most likely meant, where there is no such file."""
    try:
        if path.exists() or not path.parent.is_dir():
            return None
        names = {each.stem: each.name for each in path.parent.iterdir() if each.suffix in {".yaml", ".yml"}}
    except (OSError, ValueError):
        return None
    near = nearest(path.stem, names)
    return f"did you mean {quoted(names[near])}?" if near else None


def nearest_file(path: Path) -> str | None:
    """The file of any kind beside it that was most likely meant, where there is no such file."""
    try:
        names = [] if path.exists() else [each.name for each in path.parent.iterdir() if each.is_file()]
    except (OSError, ValueError):
        return None
    near = nearest(path.name, names)
    return f"did you mean {quoted(near)}?" if near else None


def _no_mapping(tree: Node | None, source: Source, vocabulary: Vocabulary) -> Diagnostic:
    wanted = f"{vocabulary.thing} is a mapping of keys such as {vocabulary.keys}"
    if tree is None or (isinstance(tree, Scalar) and tree.value is None):
        return Diagnostic(
            code="E115", message=f"the file is empty: {wanted}", path=source.shown, span=Span(source, 0, 0)
        )
    start, end = tree.span.start, tree.span.end
    hint = None
    if isinstance(tree, Scalar):
        found = what(tree)
        hint = 'a space is missing after ":"' if ":" in tree.text.strip(":") else None
    else:
        found, hint = "a list", "remove the dash"
    line_end = source.text.find("\n", start)
    span = Span(source, start, min(end, line_end) if line_end > 0 else end)
    return Diagnostic(code="E115", message=f"{wanted}, not {found}", path=source.shown, span=span, hint=hint)
