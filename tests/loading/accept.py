"""`python -m tests.loading.accept`: writes what is said today beside every bad manifest and conversations file.

With `manifests` or `suites` only those. Read the difference: each line of it is something that people will be told.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import yaml

from tests.loading.projects import MANIFESTS, SUITES, Case, Kind, cases, told, write_project

HEAD = "# Bad {thing}, one a document: what is given as {name}, and exactly what `agent-run validate` says of it.\n"
ORDER = ("case", "given", "files", "environment", "variables", "run", "expected")


class Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _text(dumper: Dumper, text: str) -> yaml.Node:
    is_block = "\n" in text and all(char.isprintable() or char in "\n\t" for char in text)
    is_block = is_block and not text.startswith((" ", "\n")) and " \n" not in text and "\t\n" not in text
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if is_block else None)


Dumper.add_representer(str, _text)


def _written(case: Case, expected: str) -> str:
    fields = {**asdict(case), "expected": expected}
    document = {name: fields[name] for name in ORDER if fields[name] or name in {"given", "expected"}}
    return "---\n" + yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1000)


def main() -> None:
    """Rewrite all families."""
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder).resolve()
        write_project(project)
        os.chdir(project)
        for kind in (MANIFESTS, SUITES):
            if kind.folder.name in (sys.argv[1:] or [kind.folder.name]):
                _accept(kind, project)


def _accept(kind: Kind, project: Path) -> None:
    for family, group in groupby(cases(kind), lambda case: case.family):
        documents = [HEAD.format(thing=kind.thing, name=kind.name)]
        for case in group:
            before = dict(os.environ)
            os.environ.update(case.environment)
            documents.append(_written(case, told(case, project, kind)))
            os.environ.clear()
            os.environ.update(before)
        (kind.folder / f"{family}.yaml").write_text("".join(documents), encoding="utf-8")


if __name__ == "__main__":
    main()
