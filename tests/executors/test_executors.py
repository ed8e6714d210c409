"""The two executors of the package: order, concurrency, failures, cancellation."""

import asyncio
import random

import pytest

from runner.executors.parallel import AsyncToolExecutor
from runner.executors.rate_limiting import RateLimitingAsyncExecutor
from runner.tools.calls import FunctionCall, GeminiFunctionCall
from runner.tools.function import tool
from tests.executors.calling import Probe, until

BOTH = pytest.mark.parametrize(
    "make", [AsyncToolExecutor, lambda: RateLimitingAsyncExecutor(max_batch_size=3)], ids=["async", "rate_limiting"]
)


@BOTH
async def test_results_are_in_call_order_whatever_ends_first(make):
    probe = Probe()
    result = await make().execute_tools(probe.calls({"turns": 9}, {"turns": 1}, {"turns": 5}, {"turns": 2}))
    assert result.should_proceed
    assert [item["id"] for item in result.function_call_results] == [0, 1, 2, 3]
    assert probe.ended != [0, 1, 2, 3]
    assert probe.started == [0, 1, 2, 3]


@BOTH
async def test_no_calls_have_no_results(make):
    assert (await make().execute_tools([])).function_call_results == []


@BOTH
async def test_what_a_tool_raises_is_its_own_result_and_its_siblings_finish(make):
    probe = Probe()
    result = await make().execute_tools(
        probe.calls(
            {"error": ValueError("in /srv/app/x.py")},
            {"turns": 9},
            {"error": SystemExit(1)},
            {"error": asyncio.CancelledError()},
            {"value": [1, 2]},
        )
    )
    assert result.function_call_results == [
        {"error": "ValueError: in x.py"},
        {"id": 1},
        {"error": "SystemExit: 1"},
        {"error": "the tool was cancelled"},
        {"result": [1, 2]},
    ]


@BOTH
async def test_a_function_tool_can_be_run_directly(make):
    @tool
    def double(number: int) -> int:
        return 2 * number

    def call(args):
        return FunctionCall(tool=double, function_call=GeminiFunctionCall("double", args))

    result = await make().execute_tools([call({"number": 2.0}), call({})])
    assert result.function_call_results == [{"result": 4}, {"error": 'argument "number" is missing'}]


@BOTH
async def test_cancelling_cancels_and_awaits_every_call(make):
    probe, gate = Probe(), asyncio.Event()
    before = asyncio.all_tasks()
    running = asyncio.create_task(make().execute_tools(probe.calls(*[{"gate": gate}] * 5)))
    await until(lambda: probe.running == min(5, len(probe.started)) and len(probe.started) >= 3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert probe.running == 0
    assert asyncio.all_tasks() == before


@BOTH
async def test_cancelling_waits_for_a_tool_that_ends_in_its_own_time_even_when_cancelled_twice(make):
    may_end, ended = asyncio.Event(), []

    @tool
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            while not may_end.is_set():
                try:
                    await may_end.wait()
                except asyncio.CancelledError:
                    continue
            ended.append(True)
            raise ValueError("cleaning up failed") from None

    calls = [FunctionCall(tool=stubborn, function_call=GeminiFunctionCall("stubborn", {}))]
    running = asyncio.create_task(make().execute_tools(calls))
    for _ in range(5):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    running.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not running.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == [True]


async def test_the_parallel_executor_starts_all_calls_at_once():
    probe, gate = Probe(), asyncio.Event()
    running = asyncio.create_task(AsyncToolExecutor().execute_tools(probe.calls(*[{"gate": gate}] * 50)))
    await until(lambda: probe.running == 50)
    gate.set()
    await running


async def test_a_thousand_calls_of_which_a_third_fail_never_run_more_than_five_at_once():
    probe, order = Probe(), random.Random(7)  # noqa: S311  # the same draw every time
    items = [
        {"turns": order.randrange(4), **({"error": ValueError("no")} if order.random() < 0.3 else {})}
        for _ in range(1000)
    ]
    result = await RateLimitingAsyncExecutor(max_batch_size=5).execute_tools(probe.calls(*items))
    assert probe.most == 5
    assert probe.started == list(range(1000))
    assert [item.get("id", "error") for item in result.function_call_results] == [
        "error" if "error" in item else index for index, item in enumerate(items)
    ]


async def test_the_next_call_starts_when_one_ends_and_not_when_a_group_does():
    probe = Probe()
    slow, quick = asyncio.Event(), asyncio.Event()
    executor = RateLimitingAsyncExecutor(2)
    running = asyncio.create_task(executor.execute_tools(probe.calls({"gate": slow}, {"gate": quick}, {}, {})))
    await until(lambda: probe.running == 2)
    quick.set()
    await until(lambda: len(probe.ended) == 3)
    assert probe.ended == [1, 2, 3]
    slow.set()
    await running


async def test_the_limit_holds_over_all_executions_and_none_waits_for_anothers_calls():
    probe, gate = Probe(), asyncio.Event()
    executor = RateLimitingAsyncExecutor(2)
    first = asyncio.create_task(executor.execute_tools(probe.calls({}, {"turns": 3})))
    second = asyncio.create_task(executor.execute_tools(probe.calls(*[{"gate": gate}] * 4)))
    await first
    await until(lambda: probe.running == 2)
    assert probe.most == 2
    gate.set()
    await second
    assert probe.most == 2


async def test_a_tool_may_use_the_executor_it_runs_in():
    probe = Probe()
    executor = RateLimitingAsyncExecutor(1)

    @tool
    async def agent() -> list[object]:
        return (await executor.execute_tools(probe.calls({}, {}, {}))).function_call_results

    result = await executor.execute_tools([FunctionCall(tool=agent, function_call=GeminiFunctionCall("agent", {}))])
    assert result.function_call_results == [{"result": [{"id": 0}, {"id": 1}, {"id": 2}]}]
    assert probe.most == 1


def test_several_loops_one_after_another_use_one_executor():
    probe, executor = Probe(), RateLimitingAsyncExecutor(2)
    for _ in range(3):
        asyncio.run(executor.execute_tools(probe.calls(*[{"turns": 3}] * 6)))
    assert (probe.most, len(probe.ended)) == (2, 18)


@pytest.mark.parametrize("size", [0, -1, 1.5, "3", True, None])
def test_a_batch_size_must_be_a_whole_number_of_at_least_one(size):
    with pytest.raises(ValueError, match="max_batch_size must be a whole number of at least 1, not"):
        RateLimitingAsyncExecutor(max_batch_size=size)


def test_only_the_parallel_executor_starts_all_calls_together():
    assert AsyncToolExecutor.starts_together
    assert not RateLimitingAsyncExecutor.starts_together
