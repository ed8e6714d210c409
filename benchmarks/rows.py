"""The rows of the table: what is measured, how it is read, and what is aimed at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line: `measure` is run in a fresh process per contender, or `argv` is a whole process to be timed."""

    name: str
    unit: str
    behaviour: str  # of the local server
    target: float | None = None  # the ratio to the bare SDK aimed at
    more_is_better: bool = False
    process: bool = False  # the whole process is the work: CPU and peak memory of it


ROWS = [
    Row("turn with one tool, CPU", "ms", "weather", 0.15),
    Row("the same, streamed, CPU", "ms", "weather", 0.15),
    Row("200 chats at once", "turns/s", "weather", 6.0, more_is_better=True),
    Row("turn 10 of a chat, CPU", "ms", "echo"),
    Row("turn 400 of a chat, CPU", "ms", "echo", 0.02),
    Row("turn 400, SQLite, CPU", "ms", "echo"),
    Row("32 async tools of 50 ms, wall", "ms", "parallel:32"),
    Row("32 blocking tools of 50 ms, wall", "ms", "parallel:32"),
    Row("memory of an idle chat", "KiB", "echo", 0.3),
    Row("cold start to first reply, CPU", "ms", "echo", 0.25, process=True),
    Row("cold start to first reply, peak memory", "MiB", "echo", 0.6, process=True),
    Row("agent-run FILE MESSAGE to its exit, CPU", "ms", "echo", process=True),
    Row("agent-run --help, CPU", "ms", "echo", process=True),
]
