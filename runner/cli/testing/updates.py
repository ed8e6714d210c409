"""`agent-run test --update`: literals of failed checks accepted as they came, and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.screen import visible_line
from runner.conversations.updating import accept, proposals
from runner.errors import ManifestError
from runner.loading.source import shown_path
from runner.loading.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.conversations.accepting import Update
    from runner.conversations.results import RunResult
    from runner.conversations.updating import Proposal
    from runner.loading.suites import LoadedSuite

_LONGEST = 120  # characters of a literal that is told


def updated(suites: list[LoadedSuite], result: RunResult, *, dry: bool) -> tuple[str, list[str]]:
    """Accept what can be, or with `dry` only say what would be: the lines to show, and what could not be written."""
    lines: list[str] = []
    problems: list[str] = []
    made = left = 0
    for proposal in proposals(suites, result.cases):
        try:
            done = proposal.updates if dry else accept(proposal)
        except (ManifestError, OSError) as error:
            problems.append(visible_line(str(error)))
            continue
        made, left = made + len(done), left + len(proposal.left)
        lines += _told(proposal, done)
    lines.append(_sum(made, left, dry=dry))
    return "".join(f"{line}\n" for line in ["", *lines]), problems


def _told(proposal: Proposal, done: list[Update]) -> Iterator[str]:
    """A line for each literal, and for each check that is left, in the order of the file."""
    where = shown_path(proposal.loaded.path)
    told = [(update.line, f"{_short(update.before)} -> {_short(update.after)}") for update in done]
    told += [(line, f"not accepted: {message}") for line, message in proposal.left]
    for line, message in sorted(told):
        yield visible_line(f"{where}:{line}: {message}", 3 * _LONGEST)


def _short(text: str) -> str:
    return visible_line(text, _LONGEST)


def _sum(made: int, left: int, *, dry: bool) -> str:
    if not made and not left:
        return "nothing to accept: no check failed"
    done = [f"{counted(made, 'literal')} {'would be accepted' if dry else 'accepted'}"] if made else []
    rest = [f"{counted(left, 'failed check')} left to you: no literal says it"] if left else []
    again = ["run again to see them hold"] if made and not dry else []
    return "; ".join([*done, *rest, *again])
