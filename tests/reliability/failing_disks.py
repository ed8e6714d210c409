"""`python -m tests.reliability.failing_disks`: let a turn's disk fail at every system call, and see what is left.

The turn of `crash_sweep`, of which strace lets the k-th call that writes the database fail once, as a full or a broken
disk does, for k = 1, 2, ... until there is no such call. The turn must end by itself, and the next one be answered.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from tests.reliability.crash_sweep import EXECUTORS, NO_STRACE, Bench, Row, benched, points
from tests.reliability.crash_turn import run
from tests.reliability.killing import can_trace, failed_at

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILURES = (("pwrite64", "ENOSPC"), ("pwrite64", "EIO"), ("fdatasync", "EIO"), ("ftruncate", "EIO"))


def failure_sweep(bench: Bench, executor: str, every: int) -> Iterator[Row]:
    """Let the disk fail at each point; `killed` counts the turns that came to it."""
    for syscall, error in FAILURES:
        row = Row(f"{syscall} fails with {error}", executor)
        for point in points(syscall, every, main_only=False):
            place, before = bench.place(executor), bench.asked
            status, came = failed_at(point, error, partial(run, place))
            row.killed += came
            wrong = [f"ended with {status}"] if status else []
            row.violations += [f"{point}: {problem}" for problem in wrong + bench.judged(place, before)]
            if not came:
                break
        yield row


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.failing_disks", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every so many of the calls")
    parser.add_argument("--json", action="store_true", help="print the rows as one JSON list")
    options = parser.parse_args()
    if not can_trace():
        print(NO_STRACE, file=sys.stderr)
        return 1
    table = []
    with benched("") as bench:
        for executor in EXECUTORS:
            for row in failure_sweep(bench, executor, options.every):
                table.append(row)
                if not options.json:
                    print(
                        f"{executor:<12} {row.what:<28} {row.killed:>5} {len(row.violations):>4} violations", flush=True
                    )
    if options.json:
        print(json.dumps([asdict(row) for row in table]))
    problems = [problem for row in table for problem in row.violations]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
