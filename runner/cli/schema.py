"""`agent-run schema`: the JSON schemas of manifests and conversations files, for editors."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit
from runner.cli.output import Output
from runner.cli.screen import visible_line

if TYPE_CHECKING:
    from runner.messages import Json

KINDS = ("agent", "conversations")


@click.command("schema")
@click.option("--kind", type=click.Choice(KINDS), default="agent", help="Of which files to print it; agent by default.")
@click.option("--project", "of_project", is_flag=True, help="Write the project's own, with its tools, to .agent-run/.")
def schema(kind: str, of_project: bool) -> Exit:
    """Print the JSON schema of manifests or of conversations, or write those of this project.

    The project's know its tools, found by reading their source: nothing is imported. `run` keeps them up to date.
    """
    out = Output(sys.stdout)
    if not of_project:
        from runner.schemas.files import schema_text

        out.write_now(schema_text(_general(kind)))
        return Exit.DONE
    from runner.loading import project_root
    from runner.schemas.project import refresh

    here = Path.cwd()
    written = refresh(project_root(here / "agents"))
    for path, is_new in written.items():
        out.write_now(f"{'wrote' if is_new else 'unchanged'} {visible_line(os.path.relpath(path, here))}\n")
    return Exit.DONE


def _general(kind: str) -> Json:
    """The schema that knows no project."""
    if kind == "agent":
        from runner.schemas.agent import agent_schema

        return agent_schema()
    from runner.schemas.conversations import conversations_schema

    return conversations_schema()
