"""pytest collects `*.conversations.yaml`: one item a case. Where there are no such files, nothing is imported or done.

`-p no:agent_run` switches it off.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.conversations.results import CaseResult
    from runner.loading.suites import LoadedSuite

SUFFIXES = (".conversations.yaml", ".conversations.yml")
OBEYED = {"skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings"}
"""Markers that change what pytest does; a tag of that name does not."""

_MARKER = re.compile(r"[^\W_][\w-]*")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A file of conversations; others are not ours."""
    if not file_path.name.endswith(SUFFIXES):
        return None
    return ConversationsFile.from_parent(parent, path=file_path)


class NotPassed(Exception):  # noqa: N818  # not an error of a program: what a case is told by
    """A case that did not pass; its text is the report."""


class ConversationsFile(pytest.File):
    """The cases of one file."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item a case. Raises CollectError, with what `agent-run validate` prints, for a file that is wrong."""
        from runner.errors import ManifestError
        from runner.loading.suites import load_suite

        try:
            loaded = load_suite(self.path)
        except ManifestError as error:
            raise self.CollectError(str(error)) from None
        for index in range(len(loaded.suite.cases)):
            yield Conversation.from_parent(
                self, name=_printable(loaded.suite.cases[index].name), loaded=loaded, index=index
            )


class Conversation(pytest.Item):
    """One case."""

    def __init__(self, *, loaded: LoadedSuite, index: int, **given: Any) -> None:
        super().__init__(**given)
        self._loaded, self._case = loaded, loaded.suite.cases[index]
        self._line = loaded.line(f"cases[{index}]")
        if self._case.skip is not None:
            self.add_marker(pytest.mark.skip(reason=self._case.skip))
        for tag in self._case.tags or ():
            self._mark(tag)

    def _mark(self, tag: str) -> None:
        """Make a tag a word for `-k` and a marker for `-m`, registered so that --strict-markers is content."""
        self.extra_keyword_matches.add(tag)
        if tag in OBEYED or not _MARKER.fullmatch(tag):
            return
        lines: list[str] = self.config.getini("markers")
        if tag not in {line.partition(":")[0].partition("(")[0].strip() for line in lines}:
            self.config.addinivalue_line("markers", f"{tag}: a tag of conversations")
        self.add_marker(getattr(pytest.mark, tag))

    def runtest(self) -> None:
        """Hold the conversation. Raises NotPassed."""
        import asyncio

        result = asyncio.run(self._held())
        self._keep(result)
        if result.outcome == "skipped":
            pytest.skip(result.skip_reason or "skipped")
        if result.outcome != "passed":
            raise NotPassed(self._told(result))

    async def _held(self) -> CaseResult:
        from runner.conversations.options import Options, Selection
        from runner.conversations.progress import CaseId
        from runner.conversations.session import run_conversations

        chosen = Selection(only={CaseId(self._loaded.path, self._case.name)})
        return (await run_conversations([self._loaded], Options(selection=chosen))).cases[0]

    def _keep(self, result: CaseResult) -> None:
        """Passes, tokens and cost, for reports such as --junit-xml."""
        from runner.conversations.reports.repeated import repeat_facts

        facts = repeat_facts(result).items()
        self.user_properties += [(name, value) for name, value in facts if value is not None]

    def _told(self, result: CaseResult) -> str:
        from runner.conversations.reports.lines import Layout, joined, seen
        from runner.conversations.reports.text import case_lines

        return joined(case_lines(result, Layout(folder=self.config.rootpath, clean=seen))).rstrip()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report of a case; the traceback of anything else."""
        if isinstance(excinfo.value, NotPassed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The case's file, line and name."""
        return self.path, self._line - 1, self.name


def _printable(name: str) -> str:
    """A case's name as pytest may print it and select by it."""
    from runner.conversations.reports.lines import seen

    return " ".join(seen(name).split()).replace("::", ":")
