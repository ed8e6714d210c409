"""`agent-run test --list`: what would be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.cli.screen import visible_line
from runner.conversations.progress import CaseId
from runner.conversations.selecting import is_selected
from runner.loading.words import counted, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.conversations.options import Options
    from runner.loading.suites import LoadedSuite
    from runner.suite import CasePart

_FEW = 5  # names that are told where none fits


def selected(suites: list[LoadedSuite], options: Options) -> Iterator[tuple[LoadedSuite, int, CasePart]]:
    """The cases that the selection lets through, each with its file and its place there."""
    for loaded in suites:
        for index, case in enumerate(loaded.suite.cases):
            if is_selected(case, CaseId(loaded.path, case.name), loaded.root, options.selection):
                yield loaded, index, case


def listed(suites: list[LoadedSuite], options: Options, here: Path) -> str:
    """A line for each case: its place, its name, its tags and size. Raises ClickException where none is selected."""
    found = list(selected(suites, options))
    if not found:
        raise click.ClickException(_nothing(suites, options))
    lines = [_line(loaded, index, case, options, here) for loaded, index, case in found]
    files = len({loaded.path for loaded, _, _ in found})
    rest = sum(len(loaded.suite.cases) for loaded in suites) - len(found)
    total = f"{counted(len(found), 'case')} in {counted(files, 'file')}{f', {rest} deselected' if rest else ''}"
    return "".join(f"{line}\n" for line in [*lines, total])


def _nothing(suites: list[LoadedSuite], options: Options) -> str:
    """That none is selected, and what there was to choose from."""
    if options.selection.only is not None and not options.selection.only:
        return "no case is selected: none failed when they were run last"
    names = [case.name for loaded in suites for case in loaded.suite.cases]
    tags = sorted({tag for loaded in suites for case in loaded.suite.cases for tag in case.tags or ()})
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    told = f"; tags: {', '.join(tags)}" if tags else ""
    there = f"{counted(len(names), 'case')} in {counted(len(suites), 'file')}"
    return visible_line(f"no case is selected of {there}: {', '.join(map(quoted, names[:_FEW]))}{more}{told}")


def _line(loaded: LoadedSuite, index: int, case: CasePart, options: Options, here: Path) -> str:
    path = loaded.path.relative_to(here) if loaded.path.is_relative_to(here) else loaded.path
    repeat = options.repeat or case.repeat or loaded.suite.defaults.repeat
    facts = [
        counted(len(case.turns), "turn"),
        *([counted(repeat, "run")] if repeat > 1 else []),
        *([f"tags {', '.join(case.tags)}"] if case.tags else []),
        *(["skipped"] if case.skip else []),
    ]
    place = f"{path.as_posix()}:{loaded.line(f'cases[{index}]')}"
    return visible_line(f"{place}  {case.name}  ({'; '.join(facts)})")
