"""The project of tests/manifests, written into a folder; and the cases of bad manifests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

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


def write_project(folder: Path, files: dict[str, str] | None = None) -> None:
    """Write the project's files, and others, into a folder."""
    for name, text in {**PROJECT, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
