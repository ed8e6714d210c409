"""Whether a process on this machine is surely gone.

A mark names a process for as long as the machine runs: boot, process and time namespace, pid, start time. Two marks are
compared only where both were made in the same boot and namespaces, so a pid reused by another process, or a container's
own pid 7, is never taken for the one that is meant. Where the system does not tell these (not Linux), marks are empty
and nothing is ever said to be gone.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


def own_mark() -> str:
    """The mark of this process; empty where it cannot be known."""
    return _mark_of(os.getpid())


def is_gone(mark: str) -> bool:
    """Whether the process with this mark has surely ended; False where that cannot be known."""
    place, _, rest = mark.rpartition("|")
    pid, _, started = rest.partition(":")
    if not place or place != own_mark().rpartition("|")[0]:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it exists, and is not ours to signal
        pass
    try:
        return _started(int(pid)) != started
    except OSError:  # hidden from us, or ended this instant
        return False


@cache
def _mark_of(pid: int) -> str:
    try:
        if str((_PROC / "self").readlink()) != str(pid):  # /proc belongs to another pid namespace
            return ""
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        spaces = [str((_PROC / "self/ns" / name).readlink()) for name in ("pid", "time")]
        return f"{boot} {' '.join(spaces)}|{pid}:{_started(pid)}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    stat = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    return stat.rpartition(")")[2].split()[19]  # field 22 of proc(5), in clock ticks after boot
