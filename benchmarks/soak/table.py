"""What was done, as a table beside the numbers that were aimed at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

Violation = dict[str, str]


class Aim(NamedTuple):
    """An experiment on a storage is done until `number` of `what` are done, and beyond while there is time."""

    what: str
    number: int
    backends: tuple[str, ...]


ALL = ("sqlite", "postgresql", "redis", "mongodb", "hybrid")
SERVERS = ("postgresql", "redis", "mongodb")
AIMS = {
    "sweeps": Aim("sweeps", 1, ("sqlite",)),
    "histories": Aim("histories", 10_000, ALL),
    "writers": Aim("turns", 8_000, ALL),
    "first openings": Aim("openings", 200, ALL),
    "cancels": Aim("cancels", 1_000, SERVERS),
    "restarts": Aim("turns", 1_250, (*SERVERS, "hybrid")),
    "kills": Aim("killed", 400, ALL),
    "freezes": Aim("superseded", 20, ALL),
    "stores": Aim("kills", 50, SERVERS),
    "disks": Aim("full", 50, ("sqlite",)),
}


class Line(NamedTuple):
    """A line of the table: the counts it shows, and the floor, for each storage or in all."""

    text: str
    experiment: str
    counts: tuple[str, ...]
    floor: str


LINES = (
    Line("one turn killed before each writing system call", "sweeps", ("points",), "every one"),
    Line("its recovery killed before each", "sweeps", ("recoveries",), "(aim)"),
    Line("processes killed (`kill -9`) at a random point of a turn", "kills", ("killed",), "2,000 in all"),
    Line("turns while the server is killed or paused", "restarts", ("turns",), "5,000 in all"),
    Line("- of these not answered, and stored as such or not at all", "restarts", ("unanswered",), ""),
    Line("- the server killed, paused", "restarts", ("kills", "pauses"), ""),
    Line("- `once` calls made, each run once", "restarts", ("calls",), ""),
    Line("server killed, paused while it stores one entry", "stores", ("kills", "pauses"), ""),
    Line("turns of 8 processes on one chat", "writers", ("turns",), "8,000 each"),
    Line("processes frozen in a turn, superseded in it", "freezes", ("freezes", "superseded"), "(aim 500)"),
    Line("first openings, 200 at once", "first openings", ("openings",), "200 each"),
    Line("commands cancelled behind a slow link", "cancels", ("cancels",), "1,000 in all"),
    Line("connections cut at random bytes", "cancels", ("cuts",), ""),
    Line("histories stored and read back bit for bit", "histories", ("histories",), "10,000 each"),
    Line("full database, full disk", "disks", ("full", "full_disks"), ""),
)
FAULTS = (
    ("sweeps", "points"),
    ("sweeps", "recoveries"),
    ("kills", "killed"),
    ("freezes", "superseded"),
    ("restarts", "kills"),
    ("restarts", "pauses"),
)


@dataclass
class Tally:
    """What was done and what was violated so far."""

    done: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)

    def counts(self, experiment: str, backend: str) -> Counter[str]:
        return self.done.setdefault(experiment, {}).setdefault(backend, Counter())

    def progress(self, experiment: str, backend: str) -> float:
        """How much of its aim an experiment has done; of all storages the least."""
        aim = AIMS[experiment]
        of = backend.split(",")
        return min(self.counts(experiment, each)[aim.what] / aim.number for each in of)

    def markdown(self, backends: tuple[str, ...]) -> str:
        """The table."""
        heads = ["what was done", *backends, "in all", "floor", "violations"]
        rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
        rows += [self._row(line, backends) for line in LINES]
        faults = sum(self.counts(name, backend)[count] for name, count in FAULTS for backend in backends)
        rows.append(["faults with a `once` call at stake, in all", *[""] * len(backends), f"{faults:,}", "1,000", ""])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def _row(self, line: Line, backends: tuple[str, ...]) -> list[str]:
        cells = [[self.counts(line.experiment, backend)[count] for count in line.counts] for backend in backends]
        shown = [
            ", ".join(f"{count:,}" for count in cell) if backend in AIMS[line.experiment].backends else "-"
            for backend, cell in zip(backends, cells, strict=True)
        ]
        total = ", ".join(f"{sum(column):,}" for column in zip(*cells, strict=True))
        wrong = sum(violation["experiment"] == line.experiment for violation in self.violations)
        is_first = next(each for each in LINES if each.experiment == line.experiment) is line
        return [line.text, *shown, total, line.floor, f"{wrong}" if is_first else ""]
