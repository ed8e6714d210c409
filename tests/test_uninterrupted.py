"""Work runs to its end, at once as far as it can, and a cancellation waits for it."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from typing import Any

import pytest

from runner import begun as module
from runner import uninterrupted as uninterrupting
from runner.uninterrupted import uninterrupted

VARIABLE = contextvars.ContextVar("variable", default="none")


@pytest.fixture(autouse=True, params=["by hand", "python's"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.12 and later have a way of their own; the one by hand is tested there too."""
    if request.param == "by hand":
        by_hand = module._begun_by_hand
        monkeypatch.setattr(uninterrupting, "begun", lambda work: by_hand(asyncio.get_running_loop(), work, None))


async def test_work_that_never_waits_is_done_before_anything_else_runs() -> None:
    ran: list[str] = []

    async def work() -> None:
        ran.append("work")

    asyncio.get_running_loop().call_soon(ran.append, "the loop")
    await uninterrupted(work())
    assert ran == ["work"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 brought tasks that begin at once")
@pytest.mark.parametrize("way", ["python's"], indirect=True)
@pytest.mark.parametrize("waits", [0, 1])
async def test_a_newer_python_begins_the_work_itself(waits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing by hand is called there; and the caller is the current task again when the first step is made."""
    monkeypatch.setattr(module, "_begun_by_hand", None)
    caller, ran = asyncio.current_task(), []

    async def work() -> None:
        for _ in range(waits):
            await asyncio.sleep(0)
        ran.append(asyncio.current_task())

    await uninterrupted(work())
    assert asyncio.current_task() is caller
    assert len(ran) == 1
    assert ran[0] is not caller


@pytest.mark.parametrize("waits", [0, 1, 3])
async def test_an_error_reaches_the_caller(waits: int) -> None:
    async def work() -> None:
        for _ in range(waits):
            await asyncio.sleep(0)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await uninterrupted(work())


async def test_all_steps_are_one_task_and_not_the_callers() -> None:
    seen: list[Any] = []

    async def work() -> None:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        await asyncio.to_thread(int)
        seen.append(asyncio.current_task())

    await uninterrupted(work())
    assert len(set(seen)) == 1
    assert seen[0] is not asyncio.current_task()
    assert asyncio.current_task() in asyncio.all_tasks()


async def test_a_timeout_within_the_work_holds() -> None:
    async def work() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await uninterrupted(work())
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_variables_set_in_the_work_stay_there() -> None:
    async def work() -> None:
        token = VARIABLE.set("work")
        await asyncio.sleep(0)
        assert VARIABLE.get() == "work"
        VARIABLE.reset(token)
        VARIABLE.set("left behind")

    await uninterrupted(work())
    assert VARIABLE.get() == "none"


async def test_cancellations_wait_for_the_end_of_the_work() -> None:
    go, done = asyncio.Event(), []

    async def work() -> None:
        await go.wait()
        await asyncio.sleep(0)
        done.append(True)

    task = asyncio.create_task(uninterrupted(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True]


async def test_what_the_work_awaits_may_raise_within_it() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    caught: list[str] = []

    async def work() -> None:
        try:
            await future
        except KeyError as error:
            caught.append(str(error))
        await asyncio.sleep(0)

    asyncio.get_running_loop().call_soon(future.set_exception, KeyError("told"))
    await uninterrupted(work())
    assert caught == ["'told'"]


def test_a_loop_that_ends_meanwhile_ends_the_work_and_the_wait() -> None:
    async def work() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(uninterrupted(work()))
        await asyncio.sleep(0)
        assert not task.done()

    asyncio.run(main())
