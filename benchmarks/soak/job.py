"""`python -m benchmarks.soak.job EXPERIMENT BACKEND`: one experiment on one storage, again and again for some seconds.

Tells each step as a line of JSON: what was done, counted, or what was violated.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


@dataclass
class Job:
    """What an experiment works with."""

    backend: str
    seed: int
    chance: random.Random
    deadline: float
    is_cut: bool = False

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.deadline

    def cut(self, *_: object) -> None:
        """End here, tidying up; what is raised from now on is no violation."""
        self.is_cut = True
        sys.exit(143)

    def did(self, **counts: int) -> None:
        """Tell what was done."""
        print(json.dumps({"backend": self.backend, "did": counts}), flush=True)

    def violated(self, what: str) -> None:
        if self.is_cut:
            return
        print(json.dumps({"backend": self.backend, "violated": what}), flush=True)

    def check(self, work: Coroutine[Any, Any, None]) -> bool:
        """Run a coroutine to its end; whether it raised nothing. What it raises is a violation."""
        try:
            asyncio.run(work)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - whatever it is, it is told
            self.violated(traceback.format_exc())
            return False
        return True


def main() -> None:
    from benchmarks.soak.experiments import EXPERIMENTS

    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak.job", description=__doc__)
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("backend")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    job = Job(options.backend, options.seed, random.Random(options.seed), time.monotonic() + options.seconds)
    signal.signal(signal.SIGTERM, job.cut)
    EXPERIMENTS[options.experiment](job)


if __name__ == "__main__":
    main()
