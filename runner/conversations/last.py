"""What failed last: kept in the project's `.agent-run/last-test.json`, for `--only-failed`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.conversations.progress import CaseId
from runner.errors import ManifestError
from runner.files import OWN_FOLDER, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.conversations.results import RunResult

_FILE = Path(OWN_FOLDER) / "last-test.json"
_VERSION = 1


def failed_last(root: Path) -> set[CaseId]:
    """The cases that did not pass when they were run last. Raises ManifestError where none were run."""
    try:
        told: Any = json.loads((root / _FILE).read_text("utf-8"))
        return {CaseId(root / suite, name) for suite, name in told["failed"]}
    except FileNotFoundError:
        raise ManifestError("no run of this project is known: run the tests once without --only-failed") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ManifestError(
            f"{root / _FILE} cannot be read ({error}): run the tests once without --only-failed"
        ) from None


def remember(result: RunResult, root: Path) -> None:
    """Note what failed now; cases that this run left out keep what is known of them."""
    run = {CaseId(case.suite, case.name): case.outcome for case in result.cases}
    try:
        before = failed_last(root)
    except ManifestError:
        before = set()
    failed = {case for case in before if case not in run} | {
        case for case, outcome in run.items() if outcome in {"failed", "error"}
    }
    _write(root, failed)


def _write(root: Path, failed: Iterable[CaseId]) -> None:
    lines = sorted([os.path.relpath(case.suite, root), case.name] for case in failed)
    text = json.dumps({"version": _VERSION, "failed": lines}, indent=1, ensure_ascii=False) + "\n"
    write_whole(root / _FILE, text.encode("utf-8", "surrogatepass"))
