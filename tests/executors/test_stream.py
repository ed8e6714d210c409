"""`ToolExecutor` as users subclass it, and its event stream."""

import asyncio
import gc
from dataclasses import dataclass

import pytest

from runner.executors.base import ToolExecutor
from runner.executors.parallel import AsyncToolExecutor
from runner.tools.calls import ToolsExecutionResult
from tests.executors.calling import Probe, until


@dataclass
class MyEvent:
    text: str


class MyExecutor(ToolExecutor[MyEvent]):
    def __init__(self, times=1):
        self.times = times

    async def execute_tools(self, function_calls):
        results = []
        for call in function_calls:
            for number in range(self.times):
                await self._emit_event(MyEvent(f"{call.tool.name} {call.function_call.args['id']}.{number}"))
            results.append(await call.tool.execute(call.function_call.args))
        return ToolsExecutionResult(should_proceed=True, function_call_results=results)


def calls(count=2):
    return Probe().calls(*[{}] * count)


async def texts(stream):
    return [event.text async for event in stream]


def reading(executor):
    return asyncio.create_task(texts(executor.get_result_stream()))


async def test_the_base_runs_nothing_by_itself():
    with pytest.raises(NotImplementedError, match=r"ToolExecutor\.execute_tools is not implemented"):
        await ToolExecutor().execute_tools([])


async def test_a_reader_that_came_early_waits_and_ends_when_the_execution_is_done():
    executor = MyExecutor()
    reader = reading(executor)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not reader.done()
    result = await executor.execute_tools(calls())
    assert result.function_call_results == [{"id": 0}, {"id": 1}]
    assert await reader == ["probe 0.0", "probe 1.0"]


async def test_events_nobody_read_can_be_read_after():
    executor = MyExecutor()
    await executor.execute_tools(calls())
    await executor.execute_tools(calls(1))
    assert await texts(executor.get_result_stream()) == ["probe 0.0", "probe 1.0", "probe 0.0"]


async def test_after_an_execution_without_events_or_readers_the_stream_just_ends():
    executor = MyExecutor(times=0)
    await executor.execute_tools(calls())
    assert await texts(executor.get_result_stream()) == []


async def test_once_they_were_read_the_next_reader_waits_for_the_next_execution():
    executor = MyExecutor()
    await executor.execute_tools(calls(1))
    assert await texts(executor.get_result_stream()) == ["probe 0.0"]
    reader = reading(executor)
    await asyncio.sleep(0)
    assert not reader.done()
    await executor.execute_tools(calls(1))
    assert await reader == ["probe 0.0"]


async def test_every_reader_sees_all_events_from_its_subscription_on():
    executor = MyExecutor()
    gate = asyncio.Event()
    first = reading(executor)
    running = asyncio.create_task(executor.execute_tools(Probe().calls({}, {"gate": gate}, {})))
    await asyncio.sleep(0)
    late = executor.get_result_stream()
    gate.set()
    await running
    assert await first == ["probe 0.0", "probe 1.0", "probe 2.0"]
    assert await texts(late) == ["probe 1.0", "probe 2.0"]


async def test_a_reader_that_comes_in_the_middle_gets_what_nobody_has_read():
    executor, gate = MyExecutor(), asyncio.Event()
    running = asyncio.create_task(executor.execute_tools(Probe().calls({}, {"gate": gate}, {})))
    for _ in range(5):
        await asyncio.sleep(0)
    reader = reading(executor)
    gate.set()
    await running
    assert await reader == ["probe 0.0", "probe 1.0", "probe 2.0"]


async def test_a_slow_reader_loses_the_oldest_and_they_are_counted():
    executor = MyExecutor(times=3000)
    slow = executor.get_result_stream()
    await executor.execute_tools(calls(1))
    seen = await texts(slow)
    assert (len(seen), seen[0], slow.dropped) == (1024, "probe 0.1976", 1976)


async def test_a_reader_that_keeps_up_loses_nothing_even_when_events_come_in_one_burst():
    executor = MyExecutor(times=5000)
    stream = executor.get_result_stream()
    reader = asyncio.create_task(texts(stream))
    await executor.execute_tools(calls(1))
    assert len(await reader) == 5000
    assert stream.dropped == 0


async def test_without_a_reader_the_newest_are_kept_and_the_lost_counted():
    executor = MyExecutor(times=1500)
    await executor.execute_tools(calls(1))
    stream = executor.get_result_stream()
    assert len(await texts(stream)) == 1024
    assert stream.dropped == 476


async def test_a_reader_that_left_or_failed_holds_nothing_up():
    executor = MyExecutor()
    stream = executor.get_result_stream()
    failing = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    failing.cancel()
    await stream.aclose()
    await executor.execute_tools(calls(1))
    assert [event async for event in stream] == []
    async for event in executor.get_result_stream():
        assert event.text == "probe 0.0"
        break
    gc.collect()
    await executor.execute_tools(calls(1))
    assert await texts(executor.get_result_stream()) == ["probe 0.0"]


async def test_in_a_turn_the_stream_stays_open_between_batches_and_ends_with_the_turn():
    executor = MyExecutor()
    reader = reading(executor)
    with executor.turn():
        await executor.execute_tools(calls(1))
        for _ in range(5):
            await asyncio.sleep(0)
        await executor.execute_tools(calls(1))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not reader.done()
    assert await reader == ["probe 0.0"] * 2


async def test_a_turns_readers_hear_nothing_of_the_next_turn():
    executor = MyExecutor()
    stream = executor.get_result_stream()
    for _ in range(2):
        with executor.turn():
            await executor.execute_tools(calls(1))
    assert await texts(stream) == ["probe 0.0"]
    assert await texts(executor.get_result_stream()) == ["probe 0.0"], "the second turn, which nobody read"


async def test_a_new_turn_forgets_what_nobody_read_of_the_last():
    executor = MyExecutor()
    for count in (3, 1):
        with executor.turn():
            await executor.execute_tools(calls(count))
    assert await texts(executor.get_result_stream()) == ["probe 0.0"]


async def test_a_turn_that_failed_ends_the_stream_too():
    executor = MyExecutor()
    reader = reading(executor)

    async def turn():
        with executor.turn():
            raise ValueError("the turn failed")

    with pytest.raises(ValueError, match="the turn failed"):
        await turn()
    assert await reader == []


async def test_two_turns_at_once_share_the_stream_until_both_have_ended():
    executor = MyExecutor()
    reader = reading(executor)
    executor.begin_turn()
    executor.begin_turn()
    await executor.execute_tools(calls(1))
    executor.end_turn()
    await executor.execute_tools(calls(1))
    executor.end_turn()
    assert await reader == ["probe 0.0"] * 2


async def test_shutdown_ends_every_stream_after_what_was_told():
    executor = MyExecutor()
    stream, waiting = executor.get_result_stream(), reading(executor)
    await asyncio.sleep(0)
    executor.begin_turn()
    await executor.execute_tools(calls(1))
    executor.shutdown()
    assert await texts(stream) == await waiting == ["probe 0.0"]


async def test_shutdown_may_be_awaited_ends_early_readers_and_the_executor_works_again():
    executor = MyExecutor()
    reader = reading(executor)
    await asyncio.sleep(0)
    await executor.shutdown()
    assert await reader == []
    reader = reading(executor)
    await asyncio.sleep(0)
    await executor.execute_tools(calls(1))
    assert await reader == ["probe 0.0"]


async def test_an_execution_that_raises_is_over():
    class Failing(ToolExecutor[MyEvent]):
        async def execute_tools(self, function_calls):
            await self._emit_event(MyEvent("before"))
            raise ValueError("broken")

    executor = Failing()
    reader = reading(executor)
    with pytest.raises(ValueError, match="broken"):
        await executor.execute_tools([])
    assert await reader == ["before"]


async def test_calls_of_super_and_inherited_overrides_are_one_execution():
    class Outer(MyExecutor):
        async def execute_tools(self, function_calls):
            await self._emit_event(MyEvent("begin"))
            result = await super().execute_tools(function_calls)
            for _ in range(5):
                await asyncio.sleep(0)
            await self._emit_event(MyEvent("end"))
            return result

    class Same(Outer):
        pass

    executor = Same()
    reader = reading(executor)
    await executor.execute_tools(calls(1))
    assert await reader == ["begin", "probe 0.0", "end"]
    assert "execute_tools" not in vars(Same)


async def test_an_override_in_a_mixin_counts_as_well():
    class Logging:
        async def execute_tools(self, function_calls):
            await self._emit_event(MyEvent("logged"))
            return await super().execute_tools(function_calls)

    class Both(Logging, MyExecutor):
        pass

    executor = Both()
    await executor.execute_tools(calls(1))
    assert await texts(executor.get_result_stream()) == ["logged", "probe 0.0"]


async def test_an_override_that_is_not_async_works():
    class Stopping(ToolExecutor[MyEvent]):
        def execute_tools(self, function_calls):
            return ToolsExecutionResult(should_proceed=False, function_call_results=[{} for _ in function_calls])

    assert not (await Stopping().execute_tools(calls())).should_proceed


def test_starting_together_is_not_inherited_by_an_override_that_does_not_say_so():
    class OneByOne(AsyncToolExecutor[MyEvent]):
        async def execute_tools(self, function_calls):
            return await super().execute_tools(function_calls)

    class Together(AsyncToolExecutor[MyEvent]):
        starts_together = True

        async def execute_tools(self, function_calls):
            return await super().execute_tools(function_calls)

    class Named(AsyncToolExecutor[MyEvent]):
        pass

    assert (OneByOne.starts_together, Together.starts_together, Named.starts_together) == (False, True, True)


def test_one_executor_serves_several_loops_and_readers_of_dead_ones_do_no_harm():
    executor = MyExecutor()
    forgotten = executor.get_result_stream()

    async def left_waiting():
        reader = asyncio.create_task(anext(forgotten))
        await asyncio.sleep(0)
        return reader

    async def one():
        reader = reading(executor)
        await asyncio.sleep(0)
        await executor.execute_tools(calls(1))
        return await reader

    loop = asyncio.new_event_loop()
    reader = loop.run_until_complete(left_waiting())
    loop.close()
    assert [asyncio.run(one()) for _ in range(3)] == [["probe 0.0"]] * 3
    assert asyncio.run(texts(forgotten)) == ["probe 0.0"] * 3
    del reader


async def test_two_tasks_may_read_one_stream():
    executor = MyExecutor()
    stream = executor.get_result_stream()
    readers = [asyncio.create_task(texts(stream)) for _ in range(2)]
    await asyncio.sleep(0)
    await executor.execute_tools(calls(4))
    seen = [text for part in await asyncio.gather(*readers) for text in part]
    assert sorted(seen) == [f"probe {index}.0" for index in range(4)]


async def test_the_result_is_the_same_with_and_without_readers():
    async def run(read):
        executor = MyExecutor(times=50)
        reader = reading(executor) if read else None
        result = await executor.execute_tools(calls(3))
        if reader is not None:
            await until(reader.done)
        return result

    assert await run(read=True) == await run(read=False)
