"""New literals for checks that failed: what a reply said, what a call was made with, how often it was made.

Only what stands in the file as a value of its own is replaced, where it stands. Matchers, variables and limits say more
than one value; calls that are missing or too many are no values at all. These are left to people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.conversations.accepting import Accepted
from runner.errors import ManifestError
from runner.loading.fixing import apply_to, fixed
from runner.loading.nodes import compose
from runner.loading.source import Source, SourceError, read_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.conversations.accepting import Update
    from runner.conversations.results import CaseResult
    from runner.loading.suites import LoadedSuite


@dataclass(slots=True)
class Proposal:
    """What can be accepted in one file, and the failed checks that cannot, each with its line."""

    loaded: LoadedSuite
    updates: list[Update] = field(default_factory=list)
    left: list[tuple[int, str]] = field(default_factory=list)

    def add(self, case: CaseResult, number: int) -> None:
        """Take what a case brought. Where it was run several times, only what all its failed runs agree on counts."""
        failed = [attempt for attempt in case.attempts if attempt.outcome == "failed"]
        found = [Accepted(self.loaded, number, attempt) for attempt in failed]
        for update in dict.fromkeys(each for one in found for each in one.updates):
            if all(update in each.updates for each in found):
                self.updates.append(update)
            else:
                self.left.append((update.line, f"{update.key}: not the same in all runs"))
        self.left = list(dict.fromkeys([*self.left, *(each for one in found for each in one.left)]))


def proposals(suites: Iterable[LoadedSuite], cases: Iterable[CaseResult]) -> list[Proposal]:
    """For each file with failed checks, what can be accepted."""
    by_path = {suite.path: suite for suite in suites}
    found: dict[Any, Proposal] = {}
    for case in cases:
        if any(attempt.outcome == "failed" for attempt in case.attempts) and case.outcome == "failed":
            loaded = by_path[case.suite]
            number = [each.name for each in loaded.suite.cases].index(case.name)
            found.setdefault(loaded.path, Proposal(loaded)).add(case, number)
    return list(found.values())


def accept(proposal: Proposal) -> list[Update]:
    """Write the updates of one file, and return those made. Raises ManifestError where it has changed meanwhile."""
    fixes = [update.fix for update in proposal.updates]
    if not fixes:
        return []
    path, source = proposal.loaded.path.resolve(), fixes[0].span.source
    try:
        now = read_source(path)
    except SourceError as error:
        raise ManifestError(str(error), path=source.shown) from error
    if (now.text, now.has_bom) != (source.text, source.has_bom):
        raise ManifestError("it changed while the tests ran, and was not updated: run them again", path=source.shown)
    problems: list[Any] = []
    compose(Source(path, source.shown, fixed(source, fixes)[0]), problems)
    if problems:
        raise AssertionError(f"the updated file would be no YAML: {problems[0].message}")
    written = apply_to(path, source, fixes)
    return [update for update in proposal.updates if update.fix in written]
