"""From a path to a checked conversations file, or to everything that is wrong with it; nothing of the user's is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from runner.loading.checks.subject import Subject
from runner.loading.diagnostics import InvalidManifestError, beside, errors_of, in_order
from runner.loading.document import Reading
from runner.loading.locations import positions_of
from runner.loading.project_root import project_root
from runner.loading.source import shown_path
from runner.loading.structure import checked
from runner.loading.substitution import Syntax
from runner.loading.suite_checks import all_checks
from runner.loading.suite_checks.agent import agent_of
from runner.loading.suite_vocabulary import CONVERSATIONS
from runner.suite import SuiteFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.loading import nodes
    from runner.loading.diagnostics import Diagnostic, Position
    from runner.loading.locations import Path as Keys


@dataclass(frozen=True, slots=True)
class LoadedSuite:
    """A checked conversations file and where it stands. `files` are all that were read for it, the file itself first.

    `positions` say where each value stands, by its dotted key (`cases[0].turns[1].expect.reply`); `warnings` are what
    is odd but runs. In the texts of turns, stubs and `finally` `${name}` and `$$` are left for the run.
    """

    suite: SuiteFile
    path: Path
    root: Path
    agent_path: Path
    files: tuple[Path, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
    tree: nodes.Mapping | None = None

    def line(self, key: str) -> int:
        """The line of the value at a dotted key, or of the nearest above it that is written."""
        while key and key not in self.positions:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return self.positions[key].line if key else 1


def is_kept(path: Keys) -> bool:
    """Whether the texts at a path are a turn's, a stub's or `finally`'s, which the variables of a case may stand in."""
    return path[:1] == ("stubs",) or (path[:1] == ("cases",) and path[2:3] in {("turns",), ("stubs",), ("finally",)})


SYNTAX = Syntax("env:", is_kept)
"""`${env:VAR}` is the environment, and `${name}` a variable of the case."""


def load_suite(path: str | Path) -> LoadedSuite:
    """The conversations of one file, and the agent's manifest seen to be there and right.

    Raises ManifestError, whose `diagnostics` hold all problems and whose text is what `agent-run validate` prints.
    """
    found = _Checked(Path(path), "E")
    if found.suite is None or errors_of(found.problems):
        raise InvalidManifestError(found.problems, files=found.files)
    return found.loaded(found.suite)


def check_suite(path: str | Path) -> list[Diagnostic]:
    """Everything that is wrong or odd in a conversations file. Environment variables not set are warnings here."""
    return in_order(_Checked(Path(path), "W").problems)


class _Checked:
    """One conversations file, read and checked once."""

    def __init__(self, path: Path, missing: Literal["E", "W"]) -> None:
        self._path = path
        self._root = project_root(path)
        self._reading = Reading(self._root, missing, SYNTAX)
        self.problems = self._reading.problems
        self.suite: SuiteFile | None = None
        self._agent: Path | None = None
        shown = shown_path(path) if path.is_absolute() else str(path)
        self._tree = self._reading.mapping(path, CONVERSATIONS, shown=shown)
        if self._tree is not None:
            self._check(self._tree)

    def _check(self, tree: nodes.Mapping) -> None:
        self.suite = checked(tree, SuiteFile, CONVERSATIONS, self.problems)
        subject = Subject(tree=tree, path=self._path.absolute(), root=self._root, name="", reading=self._reading)
        agent = agent_of(subject)
        self._agent = None if agent is None else agent.path
        self.problems += beside(self.problems, all_checks(subject, agent))
        hidden = self._reading.hidden
        self.problems[:] = [each.without(hidden) for each in self.problems]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that were looked at, the conversations file first."""
        return tuple(dict.fromkeys(path.absolute() for path in self._reading.files))

    def loaded(self, suite: SuiteFile) -> LoadedSuite:
        """What `load_suite` returns; the file has no errors."""
        assert self._tree is not None  # noqa: S101  # a suite was made of it
        assert self._agent is not None  # noqa: S101  # where there is none, there is an error
        return LoadedSuite(
            suite=suite,
            path=self._path.absolute(),
            root=self._root,
            agent_path=self._agent,
            files=self.files,
            positions=positions_of(self._tree),
            warnings=tuple(in_order(self.problems)),
            tree=self._tree,
        )
