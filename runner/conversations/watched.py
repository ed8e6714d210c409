"""What each case hangs on: what its file says of it, and the contents of the files it is run from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.conversations.planning import Planned
from runner.digests import digests_of
from runner.loading import load_manifest
from runner.models.cassettes import cassette_path
from runner.reload.making import foreseen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.conversations.options import Options
    from runner.conversations.progress import CaseId
    from runner.digests import Digests
    from runner.loading.suites import LoadedSuite


@dataclass(frozen=True, slots=True)
class Ground:
    """What a case hangs on. Two are equal where the case would be run the same way again."""

    said: tuple[Any, ...]
    files: Digests


def grounds_of(suites: Iterable[LoadedSuite], options: Options) -> dict[CaseId, Ground]:
    """What each case of these files hangs on now. Raises ManifestError where a manifest has gone wrong meanwhile.

    A cassette is part of it, but where this very run writes cassettes.
    """
    agents: dict[Path, Digests] = {}
    found: dict[CaseId, Ground] = {}
    for loaded in suites:
        if loaded.agent_path not in agents:
            agents[loaded.agent_path] = _of_agent(loaded.agent_path)
        others = digests_of(path for path in loaded.files if path != loaded.path)
        for number in range(len(loaded.suite.cases)):
            planned = Planned(loaded, number, options)
            said = (loaded.agent_path, loaded.suite.defaults, loaded.suite.stubs, planned.case)
            own = digests_of(_own_files(planned))
            found[planned.id] = Ground(said, {**agents[loaded.agent_path], **others, **own})
    return found


def changed_files(case: CaseId, before: Ground | None, now: Ground) -> set[Path]:
    """The files that say something else of a case than before."""
    if before is None:
        return {case.suite}
    own = {case.suite} if before.said != now.said else set()
    every = now.files.keys() | before.files.keys()
    return own | {path for path in every if now.files.get(path) != before.files.get(path)}


def _of_agent(path: Path) -> Digests:
    """The manifest, what it includes, its modules and what they import: read, and not run."""
    loaded = load_manifest(path)
    return {**digests_of({path, *loaded.files}), **foreseen(loaded.manifest, loaded.root, path.parent)}


def _own_files(planned: Planned) -> Iterable[Path]:
    """What is sent with its messages, and its recordings."""
    folder = planned.loaded.path.parent
    for turn in planned.case.turns:
        yield from (folder / name for name in turn.files or ())
    if planned.options.record in {None, "none"} and not planned.options.live:
        for index in range(1, planned.repeats + 1):
            yield cassette_path(planned.loaded.path, planned.case.name, index)
