"""`python -m benchmarks.soak --minutes 30`: storages and turns under faults; prints what was done and what went wrong.

Runs the experiments of `benchmarks.soak.experiments`, half a minute each, two at a time, the one next that has done
least of its aim. Needs what the test extra installs; strace and the right to mount are used where they are there.
Ctrl+C ends it early, with the table of what was done by then. No process and no file is left.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.soak.backends import BACKENDS, steady_servers
from benchmarks.soak.table import AIMS, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

GRACE = 300.0  # seconds for a job to end when its time is over; a slow server on a busy machine takes long
MARK = "AGENT_RUN_SOAK_RUN"


class Running:
    """One job's process and what it was told to do."""

    def __init__(self, experiment: str, backend: str, seed: int, seconds: float, env: dict[str, str]) -> None:
        self.experiment, self.backend = experiment, backend
        words = [experiment, backend, "--seed", str(seed), "--seconds", f"{seconds:g}"]
        self.command = f"python -m benchmarks.soak.job {' '.join(map(repr, words))}"
        self.deadline = time.monotonic() + seconds + GRACE + (300 if experiment == "sweeps" else 0)
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed in `conclude`
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.soak.job", *words],
            stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err, env=env, start_new_session=True,
        )  # fmt: skip
        self._read = 0
        self._is_late = False

    @property
    def is_over(self) -> bool:
        if time.monotonic() > self.deadline and not self._is_late:
            self._is_late = True
            self.end()
        return self.process.poll() is not None

    def end(self) -> None:
        """Let it tidy up; it is killed when that takes long."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
            return
        self.process.kill()

    def tell(self, tally: Tally) -> None:
        """Count what it did since this was asked last."""
        told = os.pread(self._out.fileno(), 2**24, self._read)  # the job shares the file's position
        told = told[: told.rfind(b"\n") + 1]
        self._read += len(told)
        for line in map(json.loads, told.splitlines()):
            tally.counts(self.experiment, line["backend"]).update(line.get("did", {}))
            if "violated" in line:
                self._violated(tally, line["backend"], line["violated"])

    def conclude(self, tally: Tally, *, is_cut: bool) -> None:
        """Count the rest; a job that ended badly by itself is a violation."""
        code = self.process.wait()
        with suppress(ProcessLookupError):  # what it forked and could not wait for
            os.killpg(self.process.pid, signal.SIGKILL)
        self.tell(tally)
        if code and not is_cut:
            said = os.pread(self._err.fileno(), 2**24, 0).decode()[-3000:]
            how = f"did not end in {GRACE:g} s" if self._is_late else f"ended with {code}"
            self._violated(tally, self.backend, f"the job {how}: {said}")
        self._out.close()
        self._err.close()

    def _violated(self, tally: Tally, backend: str, what: str) -> None:
        found = {"experiment": self.experiment, "backend": backend, "command": self.command, "what": what}
        tally.violations.append(found)
        print(f"VIOLATION {json.dumps(found)}", file=sys.stderr, flush=True)


class Soak:
    """Jobs, one after the other and some at a time, until the time is over."""

    def __init__(self, options: argparse.Namespace, env: dict[str, str]) -> None:
        self.tally = Tally()
        self._options, self._env = options, env
        self._seed: int = options.seed
        self._running: list[Running] = []
        self._last: dict[tuple[str, str], int] = {}
        self._choices = list(_choices(options.experiments, options.backends))

    def run(self) -> None:
        """Until the deadline or Ctrl+C; what runs then is ended."""
        deadline = time.monotonic() + self._options.minutes * 60
        try:
            while time.monotonic() < deadline:
                self._settle()
                while len(self._running) < self._options.jobs and self._start(deadline - time.monotonic()):
                    pass
                time.sleep(0.2)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
        for job in self._running:
            job.end()
            job.conclude(self.tally, is_cut=True)

    def _settle(self) -> None:
        for job in list(self._running):
            job.tell(self.tally)
            if job.is_over:
                self._running.remove(job)
                job.conclude(self.tally, is_cut=False)

    def _start(self, seconds: float) -> bool:
        """Start the job that has done least of its aim and is not running."""
        busy = {(job.experiment, job.backend) for job in self._running}
        free = [choice for choice in self._choices if choice not in busy]
        if not free:
            return False
        choice = min(free, key=lambda each: (self.tally.progress(*each), self._last.get(each, 0)))
        self._seed += 1
        self._last[choice] = self._seed
        box = min(self._options.seconds, max(seconds - 5, 1))
        print(f"{datetime.now(UTC):%H:%M:%S} {' '.join(choice)}, seed {self._seed}", file=sys.stderr, flush=True)
        self._running.append(Running(*choice, self._seed, box, self._env))
        return True


def _choices(experiments: Iterable[str], backends: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    for name in experiments:
        suited = [backend for backend in backends if backend in AIMS[name].backends]
        if name == "histories":
            yield name, ",".join(suited)
        else:
            yield from ((name, backend) for backend in suited)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--experiments", nargs="+", choices=AIMS, default=list(AIMS))
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--seconds", type=float, default=30.0, help="for each job")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first job; each has the next one")
    parser.add_argument("--json", metavar="FILE", help="write all counts and violations there")
    options = parser.parse_args()
    options.backends = tuple(options.backends)
    return options


def machine() -> str:
    """Where and with what it ran."""
    names = ("psycopg", "redis", "pymongo", "hypothesis")
    versions = [f"SQLite {sqlite3.sqlite_version}", *(f"{name} {importlib.metadata.version(name)}" for name in names)]
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.release()}"
    load = "/".join(f"{each:.1f}" for each in os.getloadavg())
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {where}; load {load}; {', '.join(versions)}"


def end_processes(mark: str) -> None:
    """End every process that still has this mark in its environment: what jobs that were killed have left."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                os.kill(int(entry.name), signal.SIGKILL)


def main() -> int:
    options = _options()
    began, mark = time.monotonic(), os.urandom(8).hex()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True))
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        held.callback(end_processes, mark)
        os.environ.update({"TMPDIR": folder, MARK: mark})
        tempfile.tempdir = folder
        steady = held.enter_context(steady_servers(options.backends))
        soak = Soak(options, {**os.environ, **steady})
        soak.run()
        tally = soak.tally
    minutes = (time.monotonic() - began) / 60
    about = f"{machine()}; {minutes:.0f} minutes; first seed {options.seed}; {len(tally.violations)} violations"
    print(f"{about}\n\n{tally.markdown(options.backends)}")
    if options.json:
        kept = {"about": about, "done": tally.done, "violations": tally.violations}
        Path(options.json).write_text(json.dumps(kept, indent=1))
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
