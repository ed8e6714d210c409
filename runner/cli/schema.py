"""`agent-run schema`: the JSON schema of manifests, for editors."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from runner.cli.exits import Exit
from runner.cli.output import Output
from runner.cli.screen import visible_line


@click.command("schema")
@click.option("--project", "of_project", is_flag=True, help="Write the project's own, with its tools, to .agent-run/.")
def schema(of_project: bool) -> Exit:
    """Print the JSON schema of manifests, or write the one of this project.

    The project's knows its tools, found by reading their source: nothing is imported. `run` keeps it up to date.
    """
    out = Output(sys.stdout)
    if not of_project:
        from runner.schemas.agent import agent_schema
        from runner.schemas.files import schema_text

        out.write_now(schema_text(agent_schema()))
        return Exit.DONE
    from runner.loading import project_root
    from runner.schemas.project import refresh

    here = Path.cwd()
    written = refresh(project_root(here / "agents"))
    for path, is_new in written.items():
        out.write_now(f"{'wrote' if is_new else 'unchanged'} {visible_line(os.path.relpath(path, here))}\n")
    return Exit.DONE
