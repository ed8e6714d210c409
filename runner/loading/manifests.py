"""From a path to a checked manifest, or to everything that is wrong with it; nothing of the user's code is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from runner.loading.checks import all_checks
from runner.loading.checks.subject import Subject
from runner.loading.diagnostics import Diagnostic, InvalidManifestError, beside, errors_of, in_order
from runner.loading.document import Reading
from runner.loading.finding import is_conversations_name
from runner.loading.include import Layers
from runner.loading.locations import positions_of
from runner.loading.project_root import project_root
from runner.loading.source import shown_path
from runner.loading.structure import checked
from runner.loading.templates.rendering import InstructionText
from runner.loading.values import values_of
from runner.loading.vocabulary import AGENT
from runner.manifest import AgentManifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.loading import nodes
    from runner.loading.diagnostics import Position
    from runner.loading.source import Source


@dataclass(frozen=True, slots=True)
class LoadedManifest:
    """A checked manifest and where it stands. `files` are all that were read for it, the manifest first.

    `positions` say where each value stands, by its dotted key (`limits.max_iterations`, `tools[1]`); `variables` are
    the values of its variables, `instructions` their text or template, and `warnings` what is odd but runs.
    """

    manifest: AgentManifest
    path: Path
    root: Path
    files: tuple[Path, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    instructions: InstructionText | None = None
    tree: nodes.Mapping | None = None

    @property
    def name(self) -> str:
        """The agent's name: the manifest's, or the file's without its suffixes."""
        return self.manifest.name or self.path.name.partition(".")[0]


def load_manifest(path: str | Path, *, variables: Mapping[str, Any] | None = None) -> LoadedManifest:
    """The manifest of one YAML file, with values for its variables.

    Raises ManifestError, whose `diagnostics` hold all problems and whose text is what `agent-run validate` prints.
    """
    found = CheckedManifest(Path(path), "E", variables or {})
    if found.manifest is None or errors_of(found.problems):
        raise InvalidManifestError(found.problems, manifest=found.manifest, files=found.files)
    return found.loaded(found.manifest)


def check_manifest(path: str | Path) -> list[Diagnostic]:
    """Everything that is wrong or odd in a manifest. Environment variables that are not set are warnings here."""
    return in_order(CheckedManifest(Path(path), "W", None).problems)


class CheckedManifest:
    """One manifest, read and checked once. `subject` is None where the file holds no mapping."""

    def __init__(self, path: Path, missing: Literal["E", "W"], given: Mapping[str, Any] | None) -> None:
        self._path = path
        self._root = project_root(path)
        self._given = given
        self._reading = Reading(self._root, missing)
        self.problems = self._reading.problems
        self._instructions_file: Source | None = None
        self.manifest: AgentManifest | None = None
        self.subject: Subject | None = None
        shown = shown_path(path) if path.is_absolute() else str(path)
        self._tree: nodes.Mapping | None = None
        if is_conversations_name(path.name) and path.is_file():
            hint = f"test the agent with them: agent-run test {shown}"
            self.problems.append(
                Diagnostic(code="E115", message="conversations, not a manifest", path=shown, hint=hint)
            )
            return
        self._tree = Layers(self._reading, Path(os.path.realpath(path)).parent, AGENT).tree(path, shown=shown)
        if self._tree is not None:
            self._check(self._tree)

    def _check(self, tree: nodes.Mapping) -> None:
        self.manifest = checked(tree, AgentManifest, AGENT, self.problems)
        name = tree.scalar("name")
        self.subject = subject = Subject(
            tree=tree,
            path=self._path.absolute(),
            root=self._root,
            name=name.text if name is not None and name.text else self._path.name.partition(".")[0],
            reading=self._reading,
            given=self._given,
        )
        self.problems += beside(self.problems, all_checks(subject))
        hidden = self._reading.hidden
        self.problems[:] = [each.without(hidden) for each in self.problems]
        self._instructions_file = subject.sources.get("instructions")

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that were looked at, the manifest first."""
        return tuple(dict.fromkeys(path.absolute() for path in self._reading.files))

    def loaded(self, manifest: AgentManifest) -> LoadedManifest:
        """What `load_manifest` returns; the manifest has no errors."""
        assert self._tree is not None  # noqa: S101  # a manifest was made of it
        return LoadedManifest(
            manifest=manifest,
            path=self._path.absolute(),
            root=self._root,
            files=self.files,
            positions=positions_of(self._tree),
            warnings=tuple(in_order(self.problems)),
            variables=values_of(manifest.variables, self._given or {}),
            instructions=self._instructions(self._tree),
            tree=self._tree,
        )

    def _instructions(self, tree: nodes.Mapping) -> InstructionText | None:
        if self._instructions_file is not None:
            return InstructionText(self._instructions_file.text)
        own = tree.scalar("instructions")
        return None if own is None else InstructionText(own.shown, own.pieces)
