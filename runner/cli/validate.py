"""`agent-run validate`: every problem of every manifest, in one pass; nothing of the user's code is run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit
from runner.cli.output import Output
from runner.cli.screen import visible, visible_line

if TYPE_CHECKING:
    from runner.loading import Diagnostic

FORMATS = ("text", "json", "github", "sarif")
_ROUNDS = 5  # a renamed key may bring to light another


@click.command("validate")
@click.argument("paths", nargs=-1)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", help="How to print what is wrong; text by default."
)
@click.option("--fix", is_flag=True, help="Rename what can only have been meant otherwise, and say what is left.")
def validate(paths: tuple[str, ...], form: str, fix: bool) -> Exit:
    """Check manifests: files, or all in a folder; without PATHS all manifests of the project.

    Nothing is imported, contacted or, without --fix, written. Environment variables that are not set are warnings.
    """
    files = _files(paths)
    found = _checked(files)
    fixed = 0
    for _ in range(_ROUNDS if fix else 0):
        number = _fixed(found)
        if not number:
            break
        fixed, found = fixed + number, _checked(files)
    code = Exit.USAGE if any(each.severity == "error" for each in found) else Exit.DONE
    Output(sys.stdout).write_now(_printed(found, len(files), form, code, fixed))
    return code


def _files(paths: tuple[str, ...]) -> list[Path]:
    from runner.loading import project_root
    from runner.loading.finding import manifests_in, manifests_of

    if not paths:
        here = Path.cwd()
        root = project_root(here / "agent.yaml")
        found = [_short(path, here) for path in manifests_of(root)]
        if not found:
            raise click.UsageError(f"no manifests were found in {visible_line(str(root))}: name one")
        return found
    files: list[Path] = []
    for path in map(Path, paths):
        inside = manifests_in(path) if path.is_dir() else [path]
        if not inside:
            raise click.UsageError(f"no manifests were found in {visible_line(str(path))}")
        files += inside
    return list(dict.fromkeys(files))


def _short(path: Path, here: Path) -> Path:
    return path.relative_to(here) if path.is_relative_to(here) else path


def _checked(files: list[Path]) -> list[Diagnostic]:
    from runner.loading import check_manifest
    from runner.loading.diagnostics import in_order

    return in_order(each for file in files for each in check_manifest(file))


def _fixed(found: list[Diagnostic]) -> int:
    from runner.loading.fixing import apply_fixes

    try:
        return sum(apply_fixes(found).values())
    except OSError as error:
        raise click.ClickException(f"cannot be written: {visible_line(str(error))}") from error


def _printed(found: list[Diagnostic], files: int, form: str, code: Exit, fixed: int) -> str:
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
    mended = f"{counted(fixed, 'name')} corrected\n" if fixed else ""
    return visible(f"{mended}{told}\n")
