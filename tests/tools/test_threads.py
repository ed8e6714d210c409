"""Daemon threads for synchronous tools."""

import asyncio
import contextlib
import subprocess
import sys
import threading

import pytest

from runner.tools import threads
from runner.tools.threads import ToolExitError, abandoned, run_in_thread


class Gate:
    """A function that says when it began, and ends when it is let."""

    def __init__(self):
        self.began, self.may_end, self.ended = threading.Event(), threading.Event(), threading.Event()

    def wait(self):
        self.began.set()
        self.may_end.wait(30)
        self.ended.set()
        return "late"


async def begun(gate):
    while not gate.began.is_set():
        await asyncio.sleep(0.001)


async def none_abandoned():
    while abandoned():
        await asyncio.sleep(0.001)


async def test_results_and_arguments_pass_through():
    assert await run_in_thread(divmod, 7, 2) == (3, 1)
    assert await run_in_thread(sorted, [2, 1], reverse=True) == [2, 1]


async def test_exceptions_pass_through_and_those_no_future_takes_are_wrapped():
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(divmod, 1, 0)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await run_in_thread(next, iter(()))


@pytest.mark.parametrize("error", [SystemExit(2), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()])
async def test_what_would_end_the_loop_ends_only_the_call(error):
    def fail():
        raise error

    with pytest.raises(ToolExitError, match=type(error).__name__):
        await run_in_thread(fail)


async def test_many_waiting_calls_run_side_by_side():
    barrier = threading.Barrier(32)
    places = await asyncio.gather(*(run_in_thread(barrier.wait, 30) for _ in range(32)))
    assert sorted(places) == list(range(32))


async def test_calls_one_after_another_share_one_thread(monkeypatch):
    monkeypatch.setattr(threads, "_pool", [])
    assert len({await run_in_thread(threading.get_ident) for _ in range(200)}) == 1


async def test_an_idle_thread_ends_after_a_while(monkeypatch):
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(threads, "_pool", [])
    thread = await run_in_thread(threading.current_thread)
    while thread.is_alive():  # there is no event for a thread's end
        await asyncio.sleep(0.005)
    assert await run_in_thread(threading.current_thread) is not thread


async def test_calls_over_the_limit_wait_for_a_free_thread(monkeypatch):
    monkeypatch.setattr(threads, "MAX_THREADS", 2)
    monkeypatch.setattr(threads, "_pool", [])
    gates = [Gate() for _ in range(3)]
    calls = [asyncio.create_task(run_in_thread(gate.wait)) for gate in gates]
    await begun(gates[0])
    await begun(gates[1])
    assert not gates[2].began.is_set()
    gates[0].may_end.set()
    await begun(gates[2])
    for gate in gates:
        gate.may_end.set()
    assert await asyncio.gather(*calls) == ["late"] * 3


async def test_a_cancelled_call_is_abandoned_counted_and_named_until_it_ends():
    gate = Gate()
    call = asyncio.create_task(run_in_thread(gate.wait), name="tool:slow")
    await begun(gate)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert abandoned() == ["slow"]
    gate.may_end.set()
    await none_abandoned()
    assert gate.ended.is_set()


async def test_abandoned_threads_do_not_use_up_the_limit(monkeypatch):
    monkeypatch.setattr(threads, "MAX_THREADS", 1)
    monkeypatch.setattr(threads, "_pool", [])
    gate = Gate()
    call = asyncio.create_task(run_in_thread(gate.wait))
    await begun(gate)
    behind = asyncio.create_task(run_in_thread(str, 5))
    await asyncio.sleep(0)
    call.cancel()
    assert await behind == "5"
    assert abandoned() == ["Gate.wait"]
    gate.may_end.set()
    await none_abandoned()


async def test_a_call_that_had_not_begun_when_it_was_cancelled_never_does(monkeypatch):
    monkeypatch.setattr(threads, "MAX_THREADS", 1)
    monkeypatch.setattr(threads, "_pool", [])
    first, second = Gate(), Gate()
    running = asyncio.create_task(run_in_thread(first.wait))
    await begun(first)
    queued = asyncio.create_task(run_in_thread(second.wait))
    await asyncio.sleep(0)
    queued.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await queued
    first.may_end.set()
    await running
    assert await run_in_thread(str, 1) == "1"
    assert not second.began.is_set()
    assert abandoned() == []


def test_several_loops_one_after_another_and_at_once_share_the_threads():
    assert [asyncio.run(run_in_thread(str, index)) for index in range(3)] == ["0", "1", "2"]
    results: list[str] = []
    loops = [threading.Thread(target=lambda: results.append(asyncio.run(run_in_thread(str, "x")))) for _ in range(4)]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    assert results == ["x"] * 4


def test_a_result_that_comes_after_its_loop_was_closed_is_dropped(capfd):
    gate = Gate()

    async def leave():
        call = asyncio.create_task(run_in_thread(gate.wait))
        await begun(gate)
        call.cancel()

    asyncio.run(leave())
    gate.may_end.set()
    asyncio.run(none_abandoned())
    assert capfd.readouterr() == ("", "")


def test_the_interpreter_leaves_without_waiting_for_an_abandoned_thread():
    program = """
import asyncio, threading
from runner.tools.threads import run_in_thread, abandoned
begun = threading.Event()
def for_ever():
    begun.set()
    threading.Event().wait()
async def main():
    call = asyncio.create_task(run_in_thread(for_ever))
    await asyncio.to_thread(begun.wait)
    call.cancel()
    await asyncio.wait([call])
    print(abandoned())
asyncio.run(main())
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "['for_ever']\n"
    assert ran.stderr == "tool for_ever was given up and still runs in its thread, left behind\n"
