"""The report files of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.screen import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.conversations.reports.junit import Family
    from runner.conversations.results import RunResult

SUMMARY = "GITHUB_STEP_SUMMARY"  # names the file that GitHub shows below a job; steps add to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Which reports are written, and where to."""

    junit: str | None = None
    junit_family: Family = "surefire"
    html: str | None = None
    json: str | None = None
    summary: str | None = None

    def check(self) -> None:
        """Make the folders, so that a run is not for nothing. Raises ClickException where that cannot be done."""
        for name in (self.junit, self.html, self.json, self.summary):
            if name is None:
                continue
            try:
                Path(name).parent.mkdir(parents=True, exist_ok=True)
                if Path(name).is_dir():
                    raise IsADirectoryError(0, "it is a folder")
            except OSError as error:
                raise click.ClickException(_unwritable(name, error)) from error

    def write(self, result: RunResult, folder: Path) -> list[str]:
        """Write them all, with paths relative to `folder`; a line for each that could not be written."""
        problems: list[str] = []
        for name, text in self._texts(result, folder):
            mode = "a" if name == os.environ.get(SUMMARY) else "w"
            try:
                with Path(name).open(mode, encoding="utf-8", errors="backslashreplace", newline="\n") as file:
                    file.write(text)
            except OSError as error:
                problems.append(_unwritable(name, error))
        return problems

    def _texts(self, result: RunResult, folder: Path) -> Iterator[tuple[str, str]]:
        if self.junit is not None:
            from runner.conversations.reports.junit import as_junit

            yield self.junit, as_junit(result, folder, self.junit_family)
        if self.html is not None:
            from runner.conversations.reports.html import as_html

            yield self.html, as_html(result, folder)
        if self.json is not None:
            from runner.conversations.reports.as_json import as_json

            yield self.json, as_json(result, folder)
        if self.summary is not None:
            from runner.conversations.reports.github import job_summary

            yield self.summary, job_summary(result, folder)


def _unwritable(name: str, error: OSError) -> str:
    return f"{visible_line(name)} cannot be written: {error.strerror or error}"
