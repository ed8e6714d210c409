"""Processes that stand still: SIGSTOP is heard a moment after it was sent."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def stop(pid: int) -> None:
    """Stop a child of this process; when this returns all its threads stand still."""
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


def stands(pid: int) -> bool:
    """Whether a process of one thread, anybody's, stands still or is gone; also where the system does not tell."""
    return _state(pid) in {"T", "t", "Z", None}


def is_alive(pid: int) -> bool:
    """Whether a process has not ended; one that its parent has not asked for yet has."""
    return _state(pid) not in {"Z", None}


def _state(pid: int) -> str | None:
    """The letter that Linux has for what a process does; None for one that is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return None
