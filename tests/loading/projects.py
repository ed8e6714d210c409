"""The project of tests/manifests, written into a folder; and the cases of bad manifests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from runner.loading import Diagnostic, InvalidManifestError, check_manifest, load_manifest
from runner.loading.formats import as_text
from runner.version import __version__

MANIFESTS = Path(__file__).resolve().parents[1] / "manifests"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Case:
    """A bad manifest, and exactly what is said of it; `run` loads it as `agent-run` does, else it is validated."""

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


def cases() -> list[Case]:
    """All cases of all families."""
    found: list[Case] = []
    for path in sorted(MANIFESTS.glob("[!_]*.yaml")):
        documents: list[dict[str, Any]] = list(yaml.load_all(path.read_text("utf-8"), LOADER))
        found += [Case(path.stem, **document) for document in documents]
    return found


PROJECT: dict[str, str] = yaml.safe_load((MANIFESTS / "_project.yaml").read_text("utf-8"))


def told(case: Case, project: Path) -> str:
    """What is said of a bad manifest in its project, in which we stand; folder and version are replaced."""
    (project / "agent.yaml").write_text(case.given, encoding="utf-8", newline="")
    if case.run or case.variables:
        try:
            load_manifest("agent.yaml", variables=case.variables)
            found: tuple[Diagnostic, ...] = ()
        except InvalidManifestError as error:
            found = error.diagnostics
    else:
        found = tuple(check_manifest("agent.yaml"))
    text = as_text(found).rpartition("\n")[0].replace(str(project), "<project>").replace(__version__, "<version>")
    return f"{text}\n"


def write_project(folder: Path, files: dict[str, str] | None = None) -> None:
    """Write the project's files, and others, into a folder."""
    for name, text in {**PROJECT, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
