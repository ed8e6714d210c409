"""Processes that are forked from this one, which has no other threads, and killed at a chosen point, or failed by the
system there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Work = Callable[[], object]
PATIENCE = 120.0


class Point(NamedTuple):
    """Just before the k-th call of a kind: counted in each thread for itself, or in the main thread alone."""

    syscall: str
    k: int
    main_only: bool = False


def forked(work: Work) -> int:
    """The id of a new process that does the work and ends; what it raises is printed."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:  # noqa: BLE001  # nothing may return into the copy of the parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def status_of(pid: int, patience: float = PATIENCE) -> int:
    """How a process ended: its exit code, or minus the signal; one that hangs is killed and counts as 124."""
    deadline = time.monotonic() + patience
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return 124
        time.sleep(0.001)


def killed_at(point: Point, work: Work) -> int:
    """Do the work in a process that strace kills at this point; how it ended."""
    return _traced(point, "signal=KILL", work, "/dev/null")


def failed_at(point: Point, error: str, work: Work) -> tuple[int, bool]:
    """Do the work in a process of which one system call fails; how it ended, and whether it came to that call."""
    with tempfile.NamedTemporaryFile("r") as log:
        status = _traced(point, f"error={error}", work, log.name)
        return status, "(INJECTED)" in log.read()


def _traced(point: Point, what: str, work: Work, log: str) -> int:
    reading, writing = os.pipe()

    def wait_and_work() -> None:
        os.close(writing)
        os.read(reading, 1)
        work()

    pid = forked(wait_and_work)
    os.close(reading)
    inject = f"inject={point.syscall}:{what}:when={point.k}"
    command = ["strace", "-qq", "-o", log, "-e", f"trace={point.syscall}", "-e", inject, "-p", str(pid)]
    with subprocess.Popen([*command, *([] if point.main_only else ["-f"])], stderr=subprocess.PIPE) as tracer:
        while not is_traced(pid) and tracer.poll() is None:
            time.sleep(0.0005)
        os.write(writing, b"x")
        os.close(writing)
        return status_of(pid)


def killed_after(seconds: float, work: Work) -> int:
    """Do the work in a process that is killed after so long; how it ended."""
    pid = forked(work)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    return status_of(pid)


def is_traced(pid: int) -> bool:
    return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()


def can_trace() -> bool:
    """Whether strace is here and may attach to a process of ours."""
    if shutil.which("strace") is None or not Path("/proc/self/status").exists():
        return False
    return killed_at(Point("getppid", 1), os.getppid) == -signal.SIGKILL
