"""Processes that are stopped (SIGSTOP) somewhere in a turn, superseded, and continued."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from runner.errors import ChatStorageError
from tests.reliability.crash_sweep import Row
from tests.reliability.crash_turn import run
from tests.reliability.killing import PATIENCE, forked, status_of

if TYPE_CHECKING:
    from random import Random

    from tests.reliability.crash_sweep import Bench
    from tests.reliability.crash_turn import Place

LEASE_TIME = 0.5
KEPT_OUT = 75


def frozen_turns(bench: Bench, executor: str, count: int, rng: Random) -> Row:
    """Stop a turn at a random time, let another process do a turn of the chat, let the first go on: it changes nothing.

    `killed` counts the processes that had begun their turn and were superseded.
    """
    row = Row("frozen, then thawed", executor)
    for number in range(count):
        problems = _frozen_turn(bench, row, executor, rng.random() * bench.seconds)
        row.violations += [f"freeze {number}: {problem}" for problem in problems]
    return row


def _frozen_turn(bench: Bench, row: Row, executor: str, moment: float) -> list[str]:
    place, before = replace(bench.place(executor), lease_time=LEASE_TIME), bench.asked
    status_of(forked(partial(run, place)))
    first = forked(partial(run, place))
    time.sleep(moment)
    os.kill(first, signal.SIGSTOP)
    second = status_of(forked(partial(_let_in, place)), 2 * PATIENCE)
    os.kill(first, signal.SIGCONT)
    thawed = status_of(first)
    if thawed or second not in (0, KEPT_OUT):
        return [f"the processes ended with {thawed} and {second} ({place.folder})"]
    problems = [] if second else _changed(place, row)
    return [*problems, *bench.judged(place, before)]


def _changed(place: Place, row: Row) -> list[str]:
    """What the process that was superseded did to the chat; one that had not begun may do its turn afterwards."""
    seen = place.report
    if seen["ended"]["reason"] != "answered":
        return []
    status_of(forked(partial(run, place, reports=True)))
    had_begun = "status" not in json.loads(seen["found"][-1])["meta"]
    row.killed += had_begun
    length = None if had_begun else len(seen["left"])
    changed = place.report["found"][:length] != seen["left"]
    return [f"the chat was changed by the process that was superseded ({place.folder})"] if changed else []


def _let_in(place: Place) -> None:
    """A turn; a process that stands still with a SQLite file locked keeps all others out."""
    try:
        run(place, reports=True)
    except ChatStorageError as error:
        os._exit(KEPT_OUT if error.retryable else 1)
