"""`agent-run validate`: every problem of every manifest and conversations file; nothing of the user's code is run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit
from runner.cli.fitting import fitted, painted
from runner.cli.output import Output
from runner.cli.screen import visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.loading import Diagnostic
    from runner.loading.diagnostics import Fix

FORMATS = ("text", "json", "github", "sarif")
_ROUNDS = 5  # a renamed key may bring to light another


@click.command("validate")
@click.argument("paths", nargs=-1)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", help="How to print what is wrong; text by default."
)
@click.option("--fix", is_flag=True, help="Rename what can only have been meant otherwise, and say what is left.")
def validate(paths: tuple[str, ...], form: str, fix: bool) -> Exit:
    """Check manifests and conversations: files, or all in a folder; without PATHS all of the project.

    A file is checked as conversations if its name ends with .conversations.yaml, and as a manifest else.

    Nothing is imported, contacted or, without --fix, written. Environment variables that are not set are warnings.
    """
    files = _files(paths)
    found = _checked(files)
    fixes: list[Fix] = []
    for _ in range(_ROUNDS if fix else 0):
        applied = _applied(found)
        if not applied:
            break
        fixes, found = [*fixes, *applied], _checked(files)
    code = Exit.USAGE if any(each.severity == "error" for each in found) else Exit.DONE
    out, told = Output(sys.stdout), _printed(found, len(files), form, code, fixes)
    out.write_now(painted(fitted(told, out), out) if form == "text" else told)
    return code


def _files(paths: tuple[str, ...]) -> list[Path]:
    from runner.loading import project_root
    from runner.loading.finding import conversations_in, manifests_in, manifests_of

    if not paths:
        here = Path.cwd()
        root = project_root(here / "agent.yaml")
        found = [_short(path, here) for path in (*manifests_of(root), *conversations_in(root))]
        if not found:
            raise click.UsageError(f"neither manifests nor conversations were found in {visible_line(str(root))}")
        return found
    files: list[Path] = []
    for path in map(Path, paths):
        inside = [*manifests_in(path), *conversations_in(path)] if path.is_dir() else [path]
        if not inside:
            raise click.UsageError(f"neither manifests nor conversations were found in {visible_line(str(path))}")
        files += inside
    return list(dict.fromkeys(files))


def _short(path: Path, here: Path) -> Path:
    return path.relative_to(here) if path.is_relative_to(here) else path


def _checked(files: list[Path]) -> list[Diagnostic]:
    from runner.loading.diagnostics import in_order

    return in_order(each for file in files for each in _check(file)(file))


def _check(file: Path) -> Callable[[Path], list[Diagnostic]]:
    """What checks a file of this name."""
    from runner.loading.finding import is_conversations_name

    if is_conversations_name(file.name):
        from runner.loading.suites import check_suite

        return check_suite
    from runner.loading import check_manifest

    return check_manifest


def _applied(found: list[Diagnostic]) -> list[Fix]:
    from runner.loading.fixing import apply_fixes

    try:
        return apply_fixes(found)
    except OSError as error:
        raise click.ClickException(f"cannot be written: {visible_line(str(error))}") from error


def _printed(found: list[Diagnostic], files: int, form: str, code: Exit, fixes: list[Fix]) -> str:
    from runner.loading.formats import as_github, as_json, as_text
    from runner.loading.words import counted

    match form:
        case "json":
            return f"{as_json(found, files, int(code))}\n"
        case "github":
            return f"{as_github(found)}\n" if found else ""
        case "sarif":
            from runner.loading.sarif import as_sarif

            return f"{as_sarif(found)}\n"
    told = as_text(found, files) if found else f"no problems in {counted(files, 'file')}"
    mended = [*map(_fix_line, fixes), f"{counted(len(fixes), 'name')} corrected"] if fixes else []
    return visible("".join(f"{line}\n" for line in [*mended, told]))


def _fix_line(fix: Fix) -> str:
    """`agents/weather.yaml:7:3: batch_siz -> batch_size`."""
    source, start, end = fix.span
    line, column = source.place(start)
    return visible_line(f"{source.shown}:{line}:{column}: {source.text[start:end]} -> {fix.text}")
