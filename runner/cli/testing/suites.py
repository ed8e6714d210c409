"""The conversations files that a command line means, loaded; or all that is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.screen import visible_line

if TYPE_CHECKING:
    from runner.loading.diagnostics import Diagnostic
    from runner.loading.suites import LoadedSuite


def suites_of(paths: tuple[str, ...]) -> list[LoadedSuite]:
    """The suites of files and folders, of the whole project if there are none.

    Raises InvalidManifestError with every problem of every file, so that all are told at once.
    """
    from runner.loading.diagnostics import InvalidManifestError
    from runner.loading.suites import load_suite

    loaded: list[LoadedSuite] = []
    problems: list[Diagnostic] = []
    files: list[Path] = []
    for file in _files(paths):
        try:
            loaded.append(load_suite(file))
        except InvalidManifestError as error:
            problems += error.diagnostics
            files += error.files
    if problems:
        raise InvalidManifestError(problems, files=files)
    return loaded


def warnings_of(suites: list[LoadedSuite]) -> str:
    """What is odd in files that run, as `validate` tells it; empty where nothing is."""
    from runner.loading.formats import as_text

    found = [each for suite in suites for each in suite.warnings]
    return f"{as_text(found)}\n" if found else ""


def _files(paths: tuple[str, ...]) -> list[Path]:
    from runner.loading.finding import conversations_in

    root = root_here()
    files: list[Path] = []
    for path in map(Path, paths) if paths else [root]:
        found = conversations_in(path) if path.is_dir() else [_named(path)]
        if not found:
            where = visible_line(str(path))
            raise click.UsageError(f"no conversations were found in {where}: they are in files *.conversations.yaml")
        files += found
    return [_short(path) for path in dict.fromkeys(files)]


def _named(path: Path) -> Path:
    """A file that was named. Raises UsageError for one that is called otherwise: a manifest, most likely."""
    from runner.loading.finding import is_conversations_name

    if is_conversations_name(path.name) or not path.exists():
        return path
    beside = path.with_name(f"{path.name.partition('.')[0]}.conversations.yaml")
    meant = f"; did you mean {visible_line(str(beside))}?" if beside.is_file() else ""
    raise click.UsageError(f"{visible_line(str(path))} is not called *.conversations.yaml{meant}")


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def root_here() -> Path:
    """The root of the project that the command is run in."""
    from runner.loading import project_root

    return project_root(Path.cwd() / "agent.yaml")
