"""The project of tests/manifests, written into a folder; and the cases of bad manifests and conversations files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from runner.loading import Diagnostic, InvalidManifestError, check_manifest, load_manifest
from runner.loading.formats import as_text
from runner.loading.suites import check_suite, load_suite
from runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

TESTS = Path(__file__).resolve().parents[1]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Kind:
    """A kind of file: the folder with the bad ones, the name they are given, and how they are checked and loaded."""

    folder: Path
    name: str
    thing: str
    check: Callable[[str], list[Diagnostic]]
    load: Callable[[str, dict[str, str]], object]


MANIFESTS = Kind(
    TESTS / "manifests",
    "agent.yaml",
    "manifests",
    check_manifest,
    lambda path, variables: load_manifest(path, variables=variables),
)
SUITES = Kind(
    TESTS / "suites",
    "agent.conversations.yaml",
    "conversations files",
    check_suite,
    lambda path, variables: load_suite(path),
)


@dataclass(frozen=True)
class Case:
    """A bad file, and exactly what is said of it; `run` loads it as `agent-run` does, else it is validated."""

    family: str
    case: str
    given: str
    expected: str
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    run: bool = False

    def __str__(self) -> str:
        return f"{self.family}: {self.case}"


def cases(kind: Kind = MANIFESTS) -> list[Case]:
    """All cases of all families."""
    found: list[Case] = []
    for path in sorted(kind.folder.glob("[!_]*.yaml")):
        documents: list[dict[str, Any]] = list(yaml.load_all(path.read_text("utf-8"), LOADER))
        found += [Case(path.stem, **document) for document in documents]
    return found


PROJECT: dict[str, str] = {
    name: text
    for kind in (MANIFESTS, SUITES)
    for name, text in yaml.safe_load((kind.folder / "_project.yaml").read_text("utf-8")).items()
}


def told(case: Case, project: Path, kind: Kind = MANIFESTS) -> str:
    """What is said of a bad file in its project, in which we stand; folder and version are replaced."""
    (project / kind.name).write_text(case.given, encoding="utf-8", newline="")
    if case.run or case.variables:
        try:
            kind.load(kind.name, case.variables)
            found: tuple[Diagnostic, ...] = ()
        except InvalidManifestError as error:
            found = error.diagnostics
    else:
        found = tuple(kind.check(kind.name))
    text = as_text(found).rpartition("\n")[0].replace(str(project), "<project>").replace(__version__, "<version>")
    return f"{text}\n"


def write_project(folder: Path, files: dict[str, str] | None = None) -> None:
    """Write the project's files, and others, into a folder."""
    for name, text in {**PROJECT, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
