"""`python -m tests.reliability.crash_sweep`: kill a turn at every system call that writes, and see what is left.

A warm parent forks a process that runs a turn of two steps with tools (real SDK, SQLite, strict server in a process of
its own). strace attaches to it and kills it (SIGKILL) just before its k-th `write`, `pwrite64`, `fdatasync`, `sendto`
and so on, for k = 1, 2, ... until it gets to its end alive. After each kill another process runs the next turn of the
same chat. A violation is anything that `verdict` says. Without strace, kills at random times (`--random N`) remain.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.messages import ChatMessage
from tests.invariants import assert_at_most_once, assert_recoverable, assert_results_match, assert_sound
from tests.reliability.crash_turn import Place, run
from tests.reliability.killing import PATIENCE, Point, Work, can_trace, forked, killed_after, killed_at, status_of
from tests.servers import GeminiProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSCALLS = ("write", "pwrite64", "fdatasync", "fsync", "sendto", "sendmsg", "rename", "unlink", "ftruncate")
EXECUTORS = ("together", "one by one")
EVERY = [(syscall, main_only, 1) for main_only in (False, True) for syscall in SYSCALLS]
SOME = {
    "together": [("write", True, 1), ("sendto", True, 2), ("pwrite64", False, 16), ("fdatasync", False, 4)],
    "one by one": [("write", False, 1), ("pwrite64", False, 30), ("fdatasync", False, 6), ("unlink", False, 2)],
}
ON_SERVER = {"together": [("sendto", True, 1)], "one by one": [("sendto", False, 1)]}
SOME_ON_SERVER = {"together": [("sendto", True, 4)], "one by one": [("sendto", False, 5)]}
AT_RANDOM = "at a random time"
NO_STRACE = "strace is missing or may not attach: kills at random times only"


@dataclass
class Row:
    """One line of the table."""

    what: str
    executor: str
    killed: int = 0
    violations: list[str] = field(default_factory=list)


# Experiments


class Bench:
    """The server, the folder of all experiments, and what is known of a turn that nobody kills."""

    def __init__(self, server: GeminiProcess, log: Path, folder: Path, url: str) -> None:
        self._server, self._log, self._folder, self._url = server, log, folder, url
        self._count = 0
        self.seconds = 0.0

    def warm_up(self) -> None:
        """Run a turn here, so that the processes forked from this one find everything imported and built."""
        run(self.place("together"))
        deadline = time.monotonic() + PATIENCE
        while threading.active_count() > 1:  # a fork would copy locks that other threads hold
            assert time.monotonic() < deadline, threading.enumerate()
            time.sleep(0.01)
        place, began = self.place("together"), time.perf_counter()
        assert status_of(forked(partial(run, place))) == 0
        self.seconds = time.perf_counter() - began

    def place(self, executor: str) -> Place:
        """A new folder."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        return Place(folder, executor, self._url)

    def copy(self, place: Place) -> Place:
        """A new folder with the same files."""
        made = self.place(place.executor)
        shutil.copytree(place.folder, made.folder, dirs_exist_ok=True)
        return made

    def judged(self, place: Place, before: int, expected: list[str] | None = None) -> list[str]:
        """Run the next turn of the chat in a new process and say what is wrong; `expected` is the closed first turn."""
        status = status_of(forked(partial(run, place, reports=True)))
        problems = [f"the next process ended with {status}"] if status else verdict(place)
        problems += [f"the server refused: {error}" for error in self.refusals(before)]
        if expected is not None and not status and (closed := closed_turn(place)) != expected:
            problems.append(f"recovered to {closed}, not {expected}")
        if not problems:
            shutil.rmtree(place.folder)
        return [f"{problem} ({place.folder})" for problem in problems]

    @property
    def asked(self) -> int:
        """The size of the server's log now."""
        return self._log.stat().st_size if self._log.exists() else 0

    def refusals(self, after: int) -> list[str]:
        """What the server refused since its log had this size."""
        with self._log.open("rb") as file:
            file.seek(after)
            return [entry["error"] for entry in map(json.loads, file) if entry["error"]]


def verdict(place: Place) -> list[str]:
    """What is wrong after a crash and the turn that came after it."""
    report = place.report
    found, left = ([ChatMessage.from_json(text) for text in report[name]] for name in ("found", "left"))
    problems = []
    if report["ended"]["reason"] != "answered":
        problems.append(f"the next turn {report['ended']}")
    if left[: len(found)] != found:
        problems.append("what was stored has changed")
    checks: list[Work] = [
        partial(assert_sound, left),
        partial(assert_recoverable, left),
        partial(assert_at_most_once, place.ledger),
        partial(assert_results_match, left, place.chat, place.ledger),
        partial(assert_acknowledged, place.acknowledged, left),
    ]
    for check in checks:
        try:
            check()
        except AssertionError as problem:
            problems.append(str(problem))
    return problems


def assert_acknowledged(answers: list[str], log: list[ChatMessage]) -> None:
    """Raise unless every answer that was told is stored whole, as the end of an answered turn.

    In which order they were told says nothing: a process may stand still between storing its answer and telling it.
    """
    stored = [entry.text for entry in log if entry.meta.get("status") == "answered"]
    missing = Counter(answers) - Counter(stored)
    assert not missing, f"told {len(answers)} answers, not stored {list(missing)}"


# Sweeps


def points(syscall: str, every: int, main_only: bool) -> Iterator[Point]:
    """k = 1, then every so many; whoever iterates stops when a process got to its end."""
    k = 1
    while True:
        yield Point(syscall, k, main_only)
        k += every


def sweep(bench: Bench, executor: str, kinds: list[tuple[str, bool, int]]) -> Iterator[Row]:
    """Kill the turn at each point; the calls of the main thread are also counted alone, so that no other hides them."""
    for syscall, main_only, every in kinds:
        row = Row(f"{syscall}, main thread" if main_only else syscall, executor)
        for point in points(syscall, every, main_only):
            place, before = bench.place(executor), bench.asked
            status = killed_at(point, partial(run, place))
            row.killed += status == -signal.SIGKILL
            wrong = [f"ended with {status}"] if status not in (0, -signal.SIGKILL) else []
            row.violations += [f"{point}: {problem}" for problem in wrong + bench.judged(place, before)]
            if status == 0:
                break
        if row.killed:
            yield row


def random_kills(bench: Bench, executor: str, count: int, rng: random.Random) -> Row:
    """Kill the turn at so many random times; a turn that was quicker than the one that was measured does not count."""
    row, seconds, number = Row(AT_RANDOM, executor), bench.seconds, 0
    while row.killed < count and number < 10 * count:
        number += 1
        place, before = bench.place(executor), bench.asked
        status = killed_after(rng.random() * seconds, partial(run, place))
        row.killed += status == -signal.SIGKILL
        seconds *= 0.9 if status == 0 else 1.0
        row.violations += [f"kill {number}: {problem}" for problem in bench.judged(place, before)]
    return row


def random_recovery_kills(bench: Bench, executor: str, count: int, rng: random.Random) -> Row:
    """Kill the turn at a random time, and the processes that recover from it and from that; then judge the next."""
    row = Row("it and its recoveries, at random", executor)
    for number in range(count):
        place, before = bench.place(executor), bench.asked
        for _ in range(3):
            row.killed += killed_after(rng.random() * bench.seconds, partial(run, place)) == -signal.SIGKILL
        row.violations += [f"kill {number}: {problem}" for problem in bench.judged(place, before)]
    return row


def recovery_sweep(bench: Bench, executor: str, crash: Point) -> Row:
    """Kill the turn at one point, then the process that recovers at each of its own, and recover again."""
    row = Row(f"recovery from {crash.syscall} {crash.k}", executor)
    base = bench.place(executor)
    assert killed_at(crash, partial(run, base)) == -signal.SIGKILL
    clean = bench.copy(base)
    assert status_of(forked(partial(run, clean, reports=True))) == 0
    expected = closed_turn(clean)
    for syscall in ("pwrite64", "fdatasync", "unlink", "ftruncate"):
        for point in points(syscall, 1, main_only=False):
            place, before = bench.copy(base), bench.asked
            status = killed_at(point, partial(run, place))
            row.killed += status == -signal.SIGKILL
            row.violations += [f"{point}: {problem}" for problem in bench.judged(place, before, expected)]
            if status == 0:
                break
    return row


def closed_turn(place: Place) -> list[str]:
    """The kinds and results of the first turn's entries."""
    left = [ChatMessage.from_json(text) for text in place.report["left"]]
    first = [entry for entry in left if entry.meta.get("turn") == 1]
    return [f"{entry.kind} {entry.meta.get('results', '')} {entry.meta.get('status', '')}" for entry in first]


# The command


@contextmanager
def benched(url: str) -> Iterator[Bench]:
    """A bench that is warm, on a storage or on SQLite files, and gone with all its files at the end."""
    with ExitStack() as held:
        folder = Path(
            held.enter_context(tempfile.TemporaryDirectory(prefix="crash-sweep-", ignore_cleanup_errors=True))
        )
        log = folder / "requests.jsonl"
        server = held.enter_context(GeminiProcess("--behaviour", "ledger", "--verbatim", log=log))
        os.environ.update(server.env)
        bench = Bench(server, log, folder, url)
        bench.warm_up()
        yield bench


def rows(bench: Bench, options: argparse.Namespace) -> Iterator[Row]:
    """The table, row by row; every point, or some of them."""
    traced = not options.untraced and can_trace()
    if not traced and not options.untraced:
        print(NO_STRACE, file=sys.stderr)
    for executor in EXECUTORS:
        if traced and options.storage:
            yield from sweep(bench, executor, (SOME_ON_SERVER if options.short else ON_SERVER)[executor])
        elif traced:
            yield from sweep(bench, executor, SOME[executor] if options.short else EVERY)
        if traced and not options.short and not options.storage:
            yield recovery_sweep(bench, executor, Point("write", 2))
        if options.random:
            rng = random.Random(20261122)  # noqa: S311  # to spread the kills
            yield random_kills(bench, executor, options.random, rng)
            yield random_recovery_kills(bench, executor, 1 + options.random // 4, rng)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.crash_sweep", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a selection of the points, in well under a minute")
    parser.add_argument("--random", type=int, default=50, help="kills at random times, for each executor")
    parser.add_argument("--untraced", action="store_true", help="kills at random times only")
    parser.add_argument("--storage", default="", help="a server's URL, instead of a SQLite file for each turn")
    parser.add_argument("--json", action="store_true", help="print the rows as one JSON list")
    options = parser.parse_args()
    began = time.perf_counter()
    with benched(options.storage) as bench:
        table = []
        for row in rows(bench, options):
            table.append(row)
            if not options.json:
                print(
                    f"{row.executor:<12} {row.what:<28} {row.killed:>5} killed {len(row.violations):>4} violations",
                    flush=True,
                )
    violations = [problem for row in table for problem in row.violations]
    if options.json:
        print(json.dumps([asdict(row) for row in table]))
    else:
        kills, seconds = sum(row.killed for row in table), time.perf_counter() - began
        print(f"{kills} kills in {seconds:.0f} s, {len(violations)} violations")
    for problem in violations:
        print(problem, file=sys.stderr)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
