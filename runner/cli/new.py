"""`agent-run new NAME`: a manifest, a tool module and a first conversation to begin with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from runner.cli.exits import Exit
from runner.cli.output import Output
from runner.cli.screen import visible_line


@click.command("new")
@click.argument("name")
def new(name: str) -> Exit:
    """Write agents/NAME.yaml, tools/NAME.py and agents/NAME.conversations.yaml: an agent that runs at once.

    Files that are there already are never overwritten. The project's schema is written too, so that an editor
    completes the manifest's keys.
    """
    from runner.loading import project_root
    from runner.schemas.project import refresh
    from runner.starter.files import new_agent

    here = Path.cwd()
    files = new_agent(name, here)
    refresh(project_root(files[0]))
    shown = [visible_line(os.path.relpath(file, here)) for file in files]
    lines = [
        *(f"wrote {file}" for file in shown),
        f'try it:  agent-run {shown[0]} "Roll two dice"',
        f"test it: agent-run test {shown[2]}",
    ]
    Output(sys.stdout).write_now("".join(f"{line}\n" for line in lines))
    return Exit.DONE
