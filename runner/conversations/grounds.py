"""What a run stands on: the conversations files, and the agents they are about, each read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.agent import Agent, Substitutes
from runner.errors import ManifestError
from runner.loading import load_manifest
from runner.loading.diagnostics import InvalidManifestError
from runner.loading.finding import conversations_in
from runner.loading.suites import LoadedSuite, load_suite
from runner.messages import to_json
from runner.models.base import Model
from runner.settings import Settings
from runner.storages.base import ChatStorage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.conversations.planning import Planned
    from runner.conversations.progress import Observer
    from runner.loading import LoadedManifest

_SILENT = Substitutes(model=lambda _spec, _toolbox, _make: Model(), storage=ChatStorage())
"""For an agent that holds no turn."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What an attempt stands on: the agent's manifest, the settings, and an agent that is only a sample: its tools say
    what each attempt's own tools are.
    """

    loaded: LoadedManifest
    sample: Agent
    settings: Settings
    observer: Observer


class Grounds:
    """The grounds of all cases, made once for each agent with the values of its variables."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._settings: dict[Path, Settings] = {}
        self._grounds: dict[tuple[Path, str], Ground] = {}

    def of(self, planned: Planned) -> Ground:
        """The ground of a case. Raises ManifestError."""
        variables = planned.case.variables
        key = (planned.agent_path, to_json(variables))
        if key not in self._grounds:
            loaded = load_manifest(planned.agent_path, variables=variables)
            if loaded.root not in self._settings:
                self._settings[loaded.root] = Settings.of_project(loaded.root)
            settings = self._settings[loaded.root]
            sample = Agent(loaded, settings=settings, substitutes=_SILENT)
            self._grounds[key] = Ground(loaded, sample, settings, self._observer)
        return self._grounds[key]

    async def aclose(self) -> None:
        """Close the samples."""
        for ground in self._grounds.values():
            await ground.sample.aclose()


def loaded_suites(suites: Iterable[str | Path | LoadedSuite]) -> list[LoadedSuite]:
    """The files, those below a folder included, each once. Raises one ManifestError for all that is wrong with them."""
    loaded: dict[Path, LoadedSuite] = {}
    problems: list[Any] = []
    files: list[Path] = []
    for suite in _files(suites):
        try:
            found = suite if isinstance(suite, LoadedSuite) else load_suite(suite)
            loaded.setdefault(found.path, found)
        except InvalidManifestError as error:
            problems += error.diagnostics
            files += error.files
    if problems:
        raise InvalidManifestError(problems, files=files)
    return list(loaded.values())


def _files(suites: Iterable[str | Path | LoadedSuite]) -> Iterator[Path | LoadedSuite]:
    for suite in suites:
        if isinstance(suite, LoadedSuite):
            yield suite
        elif not Path(suite).is_dir():
            yield Path(suite)
        elif found := conversations_in(Path(suite)):
            yield from found
        else:
            raise ManifestError("there are no *.conversations.yaml files below it", path=str(suite))
