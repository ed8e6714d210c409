"""A process whose wall clock is wrong, and may jump: for children started with `clock.env`.

    with wall_clock() as clock:              # skips where there is no C compiler, or the system loads nothing before
        subprocess.Popen(..., env={**os.environ, **clock.env})
        clock.days = 3                       # what the processes are told from now on is three days ahead

What they are told by clocks that nobody can set (`monotonic`, `CLOCK_BOOTTIME`) stays right.
"""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_COMPILER = "no C compiler, with which to set the clock of single processes"
_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long *offset;

__attribute__((constructor)) static void look(void) {
    int file = open(getenv("AGENT_RUN_TEST_CLOCK"), O_RDONLY);
    void *found = mmap(0, sizeof(long long), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED) offset = found;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *offset;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *place) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (place) *place = exact.tv_sec;
    return exact.tv_sec;
}
"""


class WallClock:
    """The clock of the processes started with `env`."""

    def __init__(self, library: Path, offset: mmap.mmap, file: Path) -> None:
        self._offset = offset
        self.env = {"LD_PRELOAD": str(library), "AGENT_RUN_TEST_CLOCK": str(file)}

    @property
    def days(self) -> int:
        """How many days it is ahead."""
        return int(struct.unpack("q", self._offset[:8])[0]) // 86_400

    @days.setter
    def days(self, days: int) -> None:
        self._offset[:8] = struct.pack("q", days * 86_400)


@contextmanager
def wall_clock() -> Iterator[WallClock]:
    """One that is right at first."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip(NO_COMPILER)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "clock.c").write_text(_SOURCE)
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(folder / "clock.so"), str(folder / "clock.c")]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"{NO_COMPILER}: {done.stderr[:200]}")
        (folder / "offset").write_bytes(bytes(8))
        with (folder / "offset").open("r+b") as file, mmap.mmap(file.fileno(), 8) as offset:
            clock = WallClock(folder / "clock.so", offset, folder / "offset")
            clock.days = 7
            ask = [sys.executable, "-c", "import time; print(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))"]
            here, there = (
                float(subprocess.run(ask, env=env, check=True, capture_output=True, text=True).stdout)
                for env in (None, clock.env)
            )
            if abs(there - here - 7 * 86_400) > 60:
                pytest.skip("the clock of single processes cannot be set here")
            clock.days = 0
            yield clock
