"""The forms of `--format`: what standard output gets when a run begins and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.testing.results import details, last_line
from runner.cli.testing.styles import Style

if TYPE_CHECKING:
    from pathlib import Path

    from runner.cli.output import Output
    from runner.conversations.results import RunResult


class Form:
    """`rich` draws in a terminal, `plain` never does, `json` is one document, `github` adds annotations."""

    def __init__(self, form: str, out: Output, err: Output, folder: Path) -> None:
        from runner.conversations.reports.github import Mute

        self._form, self._out, self._folder = form, out, folder
        is_plain = form in {"plain", "github"}
        self.progress = Style(err, folder, plain=is_plain)
        self.results = None if form == "json" else Style(out, folder, plain=is_plain)
        self._mute = Mute() if form == "github" else None

    async def begin(self) -> None:
        """What comes first."""
        if self._mute is not None:
            await self._out.write(self._mute.begin)

    async def end(self, result: RunResult) -> None:
        """What comes when all is run."""
        if self.results is None:
            from runner.conversations.reports.as_json import as_json

            await self._out.write(as_json(result, self._folder))
            return
        await self._out.write(details(result, self.results) + last_line(result, self.results))
        if self._mute is not None:
            from runner.conversations.reports.github import annotated

            await self._out.write(self._mute.end + annotated(result, self._folder))
