"""`agent-run explain CODE`: what a diagnostic's code means, and what to do about it."""

from __future__ import annotations

import sys

import click

from runner.cli.exits import Exit
from runner.cli.fitting import reflowed
from runner.cli.output import Output
from runner.cli.screen import visible_line

_WIDEST = 100  # columns that are easy to read


@click.command("explain")
@click.argument("code", required=False)
def explain(code: str | None) -> Exit:
    """Tell what CODE, such as E102, means and what to do; without CODE list them all."""
    from runner.loading.codes import codes
    from runner.loading.words import nearest

    out = Output(sys.stdout)
    known = codes()
    if code is None:
        out.write_now("".join(f"{each.code}  {each.title}\n" for each in known.values()))
        return Exit.DONE
    found = known.get(code.strip().strip("[]").upper())
    if found is None:
        near = nearest(code.upper(), known)
        meant = f"; did you mean {near}?" if near else "; agent-run explain lists them"
        raise click.UsageError(f"there is no code {visible_line(code)}{meant}")
    out.write_now(
        f"{found.severity}[{found.code}]: {found.title}\n\n{reflowed(found.text, min(out.columns, _WIDEST))}\n"
    )
    return Exit.DONE
