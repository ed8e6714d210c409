"""What is done to the storages; each takes a job and goes on until its time is over."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks.soak.backends import BACKENDS, steady, victim
from benchmarks.soak.monkey import disks, restarts
from runner.errors import ChatBusyError
from tests.reliability.crash_sweep import EVERY, EXECUTORS, benched, random_kills, recovery_sweep, sweep
from tests.reliability.freezing import frozen_turns
from tests.reliability.killing import Point, can_trace, forked, status_of
from tests.servers import TcpProxy
from tests.storages.child import opened
from tests.storages.children import Child, all_together
from tests.storages.troubles import (
    cancelled_acquires,
    cancelled_commands,
    cut_connections,
    killed_while_storing,
    paused_while_storing,
)
from tests.storages.turns import add_under_lease, assert_comes_back, assert_in_order, say

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from benchmarks.soak.job import Job
    from runner.messages import ChatMessage
    from runner.storages.base import ChatStorage

Work: TypeAlias = "Callable[[], Coroutine[Any, Any, None]]"
PATIENCE = 60.0


def histories(job: Job) -> None:
    """Histories made by hypothesis, each stored in all storages at once and read back."""
    from hypothesis import HealthCheck, given, seed, settings
    from hypothesis import strategies as st

    from tests.storages.conformance_words import entries, texts

    backends = BACKENDS if job.backend == "all" else tuple(job.backend.split(","))

    async def all_of(storages: list[ChatStorage], chat_id: str, written: list[ChatMessage]) -> None:
        await asyncio.gather(*(assert_comes_back(storage, chat_id, written) for storage in storages))

    with asyncio.Runner() as runner:
        storages = [opened(steady(backend), timeout=PATIENCE) for backend in backends]
        large = say("x" * 10_000_000, *(f"turn {number}" for number in range(3000)))
        runner.run(all_of(storages, "large", large))
        chunk, problem = 0, ""
        while not job.is_over and not problem:
            chunk += 1
            done = Counter[str]()

            @seed(job.seed * 1000 + chunk)
            @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(written=st.lists(entries, max_size=4), chat_id=texts)
            def come_back(written: list[ChatMessage], chat_id: str) -> None:
                runner.run(all_of(storages, chat_id, written))
                done.update(backends)  # noqa: B023 - it is called in this round alone

            problem = _problem(come_back)
            for backend in backends:
                job.backend = backend
                job.did(histories=done[backend])
        if problem:
            job.violated(problem)
        for storage in storages:
            runner.run(storage.aclose())


def _problem(work: Callable[[], None]) -> str:
    """What it raises, as Python prints it."""
    try:
        work()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - it is told
        return traceback.format_exc()
    return ""


def writers(job: Job) -> None:
    """Eight processes add to one chat, the same in all jobs; each sees all that was written before it."""
    url = steady(job.backend, f"soak_writers_{job.backend}")  # the hybrid's database is that of another backend
    length = asyncio.run(_length(url))
    while not job.is_over:
        turns = 10
        pids = [forked(partial(_write, url, f"{length} {number}", turns)) for number in range(8)]
        statuses = [status_of(pid, 600) for pid in pids]
        if any(statuses):
            job.violated(f"writers ended with {statuses}")
            return
        length += 8 * turns
        if not job.check(_in_order(url, length)):
            return
        job.did(turns=8 * turns)


def _write(url: str, name: str, turns: int) -> None:
    async def write() -> None:
        known = 0
        async with opened(url, timeout=PATIENCE) as storage:
            for number in range(turns):
                while True:
                    try:
                        known = await add_under_lease(storage, "c", f"{name} {number}", known)
                    except ChatBusyError:  # as long as nobody is hurt, one waits
                        continue
                    break

    asyncio.run(write())


async def _length(url: str) -> int:
    async with opened(url, timeout=PATIENCE) as storage:
        return len(await storage.read_after("c", 0))


async def _in_order(url: str, length: int) -> None:
    async with opened(url, timeout=PATIENCE) as storage:
        assert_in_order(await storage.read_after("c", 0), length)


def first_openings(job: Job) -> None:
    """Five processes with forty threads each open an empty storage at the same moment."""
    while not job.is_over:
        url = steady(job.backend)
        children = [Child("first_open", url, 40) for _ in range(5)]
        try:
            said = all_together(children)
        except AssertionError:
            said = [["the openings failed"]]
        finally:
            for child in children:
                child.kill()
                child.communicate()
        if said != [["['done']"]] * 5:
            job.violated(f"{said}")
        job.did(openings=200)


def cancels(job: Job) -> None:
    """Commands cancelled at random points behind a slow link, and connections cut at random bytes."""
    with victim(job.backend) as (server, fresh), TcpProxy(f"127.0.0.1:{server.port}") as proxy:

        def through(url: str) -> str:
            return url.replace(f":{server.port}", f":{proxy.port}")

        async def commands() -> None:
            url = fresh()
            job.did(cancels=await cancelled_commands(url, proxy, through(url), job.chance, 20))

        async def acquires() -> None:
            job.did(cancels=await cancelled_acquires(proxy, through(fresh()), job.chance, 30))

        async def cuts() -> None:
            job.did(cuts=await cut_connections(proxy, through(fresh()), job.chance, 60))

        for work in _in_turn(job, commands, acquires, cuts):
            job.check(work())


def stores(job: Job) -> None:
    """A server killed or paused while it stores one entry."""
    with victim(job.backend) as (server, fresh):

        async def kills() -> None:
            job.did(kills=await killed_while_storing(fresh(), server, job.chance, 5))

        async def pauses() -> None:
            job.did(pauses=await paused_while_storing(fresh(), server, job.chance, 10))

        for work in _in_turn(job, kills, pauses):
            job.check(work())


def _in_turn(job: Job, *works: Work) -> Iterator[Work]:
    while not job.is_over:
        for work in works:
            if not job.is_over:
                yield work


def freezes(job: Job) -> None:
    """A turn stopped at a random time and superseded, then continued."""
    with benched("" if job.backend == "sqlite" else steady(job.backend)) as bench:
        while not job.is_over:
            for executor in EXECUTORS:
                row = frozen_turns(bench, executor, 4, job.chance)
                job.did(freezes=4, superseded=row.killed)
                for problem in row.violations:
                    job.violated(problem)


def kills(job: Job) -> None:
    """A process of a turn killed at a random time, and the next turn of the chat."""
    with benched("" if job.backend == "sqlite" else steady(job.backend)) as bench:
        while not job.is_over:
            for executor in EXECUTORS:
                row = random_kills(bench, executor, 10, job.chance)
                job.did(killed=row.killed)
                for problem in row.violations:
                    job.violated(problem)


def sweeps(job: Job) -> None:
    """A turn killed before each of its system calls that write, and the turn after it, too; all of it, once."""
    if not can_trace():
        job.did(sweeps=1)
        return
    with benched("") as bench:
        for executor in EXECUTORS:
            for row in sweep(bench, executor, EVERY):
                job.did(points=row.killed)
                for problem in row.violations:
                    job.violated(f"{executor} {problem}")
            row = recovery_sweep(bench, executor, Point("write", 2))
            job.did(recoveries=row.killed)
            for problem in row.violations:
                job.violated(f"{executor}, recovering, {problem}")
    job.did(sweeps=1)


EXPERIMENTS: dict[str, Callable[[Job], None]] = {
    "histories": histories,
    "writers": writers,
    "first openings": first_openings,
    "cancels": cancels,
    "stores": stores,
    "restarts": restarts,
    "kills": kills,
    "freezes": freezes,
    "sweeps": sweeps,
    "disks": disks,
}
