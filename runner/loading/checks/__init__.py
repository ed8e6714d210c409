"""What the types cannot know: whether what a manifest names exists, fits together and is accepted.

A check is a function from a `Subject` to diagnostics. It reads files and the environment, and imports and contacts
nothing of the user's. It looks at the nodes, so it works where other parts of the manifest are wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic


def all_checks(subject: Subject) -> Iterator[Diagnostic]:
    """What all checks say about one manifest."""
    from runner.loading.checks.caching import check_cache
    from runner.loading.checks.costs import check_costs
    from runner.loading.checks.environment import check_environment_file
    from runner.loading.checks.files import check_files
    from runner.loading.checks.history import check_history
    from runner.loading.checks.instructions import check_instructions
    from runner.loading.checks.models import check_generation, check_model
    from runner.loading.checks.output import check_output
    from runner.loading.checks.plugins import check_plugins
    from runner.loading.checks.texts import check_secrets, check_spellings
    from runner.loading.checks.tools import check_tools
    from runner.loading.checks.variables import check_variables

    checks = (
        check_environment_file,
        check_plugins,
        check_tools,
        check_variables,
        check_instructions,
        check_files,
        check_model,
        check_generation,
        check_output,
        check_secrets,
        check_spellings,
        check_cache,
        check_costs,
        check_history,
    )
    for check in checks:
        yield from check(subject)
