"""A task makes its first step at once, as itself; what never waits is done when `begun` returns."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from runner import begun as module

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

VARIABLE = contextvars.ContextVar("variable", default="none")


def by_hand(work: Coroutine[Any, Any, Any], name: str | None = None) -> asyncio.Future[Any]:
    return module._begun_by_hand(asyncio.get_running_loop(), work, name)


@pytest.fixture(params=[by_hand, module.begun], ids=["by hand", "python's"])
def begun(request: pytest.FixtureRequest) -> Callable[..., asyncio.Future[Any]]:
    """Python 3.12 and later have a way of their own; the one by hand is tested there too."""
    return request.param


async def test_what_never_waits_is_done_with_its_value(begun: Any) -> None:
    async def work() -> int:
        return 3

    task = begun(work())
    assert task.done()
    assert await task == 3


async def test_what_waits_is_a_task_of_that_name(begun: Any) -> None:
    seen: list[Any] = []

    async def work() -> str:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        return "done"

    task = begun(work(), name="tool:x")
    assert [each.get_name() for each in seen] == ["tool:x"]
    assert await task == "done"
    assert seen == [task, task]


@pytest.mark.parametrize("waits", [0, 1])
async def test_what_it_raises_is_the_tasks(begun: Any, waits: int) -> None:
    async def work() -> None:
        for _ in range(waits):
            await asyncio.sleep(0)
        raise ValueError("wrong")

    task = begun(work())
    with pytest.raises(ValueError, match="wrong"):
        await task


async def test_work_that_cancels_itself_is_cancelled(begun: Any) -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    task = begun(work())
    assert task.cancelled() or not task.done()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_right_after_the_first_step_reaches_the_work(begun: Any) -> None:
    """It is raised where the work waits, so that it can clean up; not before its beginning."""
    told: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            told.append("cleaned up")
            raise

    task = begun(work())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == ["cleaned up"]


async def test_a_wait_that_is_over_before_the_second_step_goes_on(begun: Any) -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        return await future

    task = begun(work())
    future.set_result("told")
    assert await task == "told"


async def test_a_timeout_within_holds(begun: Any) -> None:
    async def work() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await begun(work())
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_variables_set_in_the_first_step_stay_in_the_task(begun: Any) -> None:
    async def work() -> str:
        VARIABLE.set("work")
        await asyncio.sleep(0)
        return VARIABLE.get()

    task = begun(work())
    assert VARIABLE.get() == "none"
    assert await task == "work"


async def test_an_order_to_leave_leaves_at_once_as_from_any_task() -> None:
    async def work() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        by_hand(work())
    await asyncio.sleep(0)


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="counts references")
async def test_an_error_leaves_no_cycle_behind(begun: Any) -> None:
    class Kept:
        pass

    async def work(kept: Kept) -> None:
        raise ValueError("wrong")

    kept = Kept()
    alive = weakref.ref(kept)
    gc.collect()
    gc.disable()
    try:
        task = begun(work(kept))
        await asyncio.sleep(0)
        raised = type(task.exception())
        del kept, task
        await asyncio.sleep(0)
        is_gone = alive() is None
    finally:
        gc.enable()
    assert raised is ValueError
    assert is_gone
