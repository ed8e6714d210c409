"""How conversations are run: which cases, on which model, how many at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.conversations.progress import CaseId
    from runner.models.cassettes import RecordMode


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several equal parts of all cases, counted from 1: `Shard(2, 5)` is 2/5."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise ValueError(f"there is no shard {self.index}/{self.count}: write 1/{max(self.count, 1)} or the like")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which cases are run: those that all of these let through.

    `pattern` is words as pytest's -k has them (`smoke and not slow`), or a glob of the whole name; `tags` are
    alternatives; `only` names cases, such as those that failed last.
    """

    pattern: str | None = None
    tags: Collection[str] = ()
    only: Collection[CaseId] | None = None
    shard: Shard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is made. `timeout` (of one attempt, in seconds) and `repeat` win over the files', `model` does not.

    Without `record`, what has a cassette is replayed, and none is written; `live` ignores cassettes. `max_cost` is in
    US dollars: when it is reached, no further attempt is begun. With `goes_on`, turns after one that failed are run,
    whatever the file says. `command` is how this run was started, for hints.
    """

    selection: Selection = field(default_factory=Selection)
    concurrency: int = 4
    fail_fast: bool = False
    timeout: float | None = None
    repeat: int | None = None
    max_cost: float | None = None
    model: str | None = None
    record: RecordMode | None = None
    record_tools: bool = False
    live: bool = False
    goes_on: bool = False
    command: str = "agent-run test"

    def __post_init__(self) -> None:
        if self.concurrency < 1 or (self.repeat is not None and self.repeat < 1):
            raise ValueError("a number of cases at once, or of repeats, is 1 or more")
