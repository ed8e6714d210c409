"""The context of a call."""

import asyncio
import dataclasses

import pytest

from runner.tools.context import ToolContext, current_context, use_context
from runner.tools.threads import run_in_thread


def test_outside_of_a_call_there_is_none():
    assert current_context() is None


def test_within_the_block_it_is_the_current_one_and_blocks_nest():
    outer, inner = ToolContext("a"), ToolContext("b")
    with use_context(outer):
        with use_context(inner):
            assert current_context() is inner
        assert current_context() is outer
    assert current_context() is None


async def test_tasks_and_threads_started_in_the_block_see_it():
    async def seen():
        await asyncio.sleep(0)
        return current_context()

    context = ToolContext("a")
    with use_context(context):
        task = asyncio.create_task(seen())
        in_thread = await run_in_thread(current_context)
    assert await task is in_thread is context


def test_progress_is_told_to_the_turn_and_to_nobody_without_one():
    told = []
    ToolContext(on_progress=told.append).progress(0.5)
    ToolContext().progress(1)
    assert told == [0.5]


def test_it_is_frozen_and_made_by_hand_each_has_a_key_of_its_own():
    context = ToolContext()
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.turn = 2
    assert context.idempotency_key != ToolContext().idempotency_key
