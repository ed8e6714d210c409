"""A case as it will be run: what its file and the run's options say together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runner.conversations.progress import CaseId
from runner.conversations.stubs import NamedStub

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from runner.conversations.options import Options
    from runner.loading.suites import LoadedSuite
    from runner.manifest import ModelSpec
    from runner.suite import CasePart


@dataclass(frozen=True)
class Planned:
    """One case of a file; `number` is its index there."""

    loaded: LoadedSuite
    number: int
    options: Options

    @property
    def case(self) -> CasePart:
        """What the file says of it."""
        return self.loaded.suite.cases[self.number]

    @cached_property
    def id(self) -> CaseId:
        """Its file and name."""
        return CaseId(self.loaded.path, self.case.name)

    def line(self, key: str = "") -> int:
        """The line of the value at a dotted key below the case's own, or of the case."""
        return self.loaded.line(f"cases[{self.number}]{f'.{key}' if key else ''}")

    @property
    def agent_path(self) -> Path:
        """The manifest of the agent it is held with."""
        return self.loaded.agent_path

    @property
    def repeats(self) -> int:
        """How often it is run at most."""
        return self.options.repeat or self.case.repeat or self.loaded.suite.defaults.repeat

    @property
    def pass_rate(self) -> float:
        """The share of repeats that must pass."""
        own = self.case.pass_rate
        return self.loaded.suite.defaults.pass_rate if own is None else own

    @property
    def timeout(self) -> float:
        """Seconds that one attempt may take."""
        return self.options.timeout or self.case.timeout or self.loaded.suite.defaults.timeout

    @property
    def stops_on_failure(self) -> bool:
        """Whether the turns after one that failed are left out."""
        written = self.case.on_turn_failure or self.loaded.suite.defaults.on_turn_failure
        return written == "stop" and not self.options.goes_on

    @property
    def model(self) -> ModelSpec | None:
        """The model that the file puts in the place of the manifest's."""
        return self.case.model or self.loaded.suite.defaults.model

    @property
    def now(self) -> datetime | None:
        """The time it is set at; one without a zone is this machine's."""
        moment = self.case.now or self.loaded.suite.defaults.now
        return None if moment is None else moment if moment.tzinfo else moment.astimezone()

    @cached_property
    def stubs(self) -> dict[str, list[NamedStub]]:
        """The stubs of each tool, the case's own first."""
        named: dict[str, list[NamedStub]] = {}
        for place, stubs in ((f"cases[{self.number}].stubs", self.case.stubs), ("stubs", self.loaded.suite.stubs)):
            for tool, parts in stubs.items():
                named.setdefault(tool, []).extend(
                    NamedStub(f"{place}.{tool}[{index}]", part) for index, part in enumerate(parts)
                )
        return named
