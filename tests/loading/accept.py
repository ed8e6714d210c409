"""`python -m tests.loading.accept`: writes what is said today beside every bad manifest. Read the difference: each line
of it is something that people will be told."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import yaml

from tests.loading.projects import MANIFESTS, Case, cases, told, write_project

HEAD = (
    "# Bad manifests, one a document: what is given as agent.yaml, and exactly what `agent-run validate` says of it.\n"
)
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
        for family, group in groupby(cases(), lambda case: case.family):
            documents = []
            for case in group:
                before = dict(os.environ)
                os.environ.update(case.environment)
                documents.append(_written(case, told(case, project)))
                os.environ.clear()
                os.environ.update(before)
            (MANIFESTS / f"{family}.yaml").write_text(HEAD + "".join(documents), encoding="utf-8")


if __name__ == "__main__":
    main()
