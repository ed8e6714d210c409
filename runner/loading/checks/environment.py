"""The project's `.env`: a file that cannot be read says nothing, and nobody would know why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.loading.document import unreadable
from runner.loading.environment import dotenv_of
from runner.loading.source import SourceError, read_source, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic


def check_environment_file(subject: Subject) -> Iterator[Diagnostic]:
    """Whether the `.env` is a text that can be read; what it holds is not shown."""
    path = dotenv_of(subject.root)
    if path is None:
        return
    try:
        read_source(path)
    except SourceError as error:
        yield unreadable(SourceError(error.code, error.message), path, shown_path(path))
