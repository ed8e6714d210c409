"""What the types cannot know of a conversations file: whether it fits its agent, its tools and itself.

A check is a function from a `Suite` to diagnostics. It looks at the nodes, so it works where other parts of the file
are wrong; the agent's manifest and tools are read, and nothing is imported or contacted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.loading.suite_checks.subject import Suite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic
    from runner.loading.suite_checks.subject import AgentFacts

__all__ = ["Suite", "all_checks"]


def all_checks(subject: Subject, agent: AgentFacts | None) -> Iterator[Diagnostic]:
    """What all checks say about one conversations file."""
    from runner.loading.checks.texts import check_secrets, check_spellings
    from runner.loading.suite_checks.arguments import check_arguments
    from runner.loading.suite_checks.cases import check_cases
    from runner.loading.suite_checks.matchers import check_matchers
    from runner.loading.suite_checks.models import check_models
    from runner.loading.suite_checks.regexes import check_regexes
    from runner.loading.suite_checks.scripts import check_scripts
    from runner.loading.suite_checks.tools import check_tools
    from runner.loading.suite_checks.variables import check_variables

    suite = Suite(subject, agent)
    checks = (
        check_tools,
        check_arguments,
        check_matchers,
        check_regexes,
        check_variables,
        check_cases,
        check_scripts,
        check_models,
    )
    for check in checks:
        yield from check(suite)
    yield from check_secrets(subject)
    yield from check_spellings(subject)
