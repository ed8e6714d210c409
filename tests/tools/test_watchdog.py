"""The watchdog names a tool that blocks the loop."""

import asyncio
import logging
import threading

import pytest

from runner.tools import watchdog
from runner.tools.watchdog import watching


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(watchdog, "BLOCKED_SECONDS", 0.05)
    monkeypatch.setattr(watchdog, "_TICK", 0.01)


class Reports:
    def __init__(self):
        self.told, self.heard = [], threading.Event()

    def __call__(self, name, seconds):
        self.told.append((name, seconds))
        self.heard.set()


async def blocking(reports):
    assert reports.heard.wait(30), "the watchdog said nothing"


def ended():
    return not any(thread.name == "agent-run-watchdog" for thread in threading.enumerate())


async def test_a_tool_that_blocks_the_loop_is_named_once_an_episode():
    reports = Reports()
    with watching(asyncio.get_running_loop(), reports):
        await asyncio.create_task(blocking(reports), name="tool:slow")
        assert [name for name, _ in reports.told] == ["slow"]
        assert reports.told[0][1] >= 0.05
        await asyncio.sleep(0.05)
        reports.heard.clear()
        await asyncio.create_task(blocking(reports), name="tool:slow")
    assert [name for name, _ in reports.told] == ["slow", "slow"]


async def test_without_a_reader_it_is_a_warning_of_our_logger():
    heard, told = threading.Event(), []

    class Heard(logging.Handler):
        def emit(self, record):
            told.append((record.levelname, record.getMessage()))
            heard.set()

    handler = Heard()
    logger = logging.getLogger("agent_run")
    logger.addHandler(handler)
    try:
        with watching(asyncio.get_running_loop()):

            async def block():
                assert heard.wait(30)

            await asyncio.create_task(block(), name="tool:slow")
    finally:
        logger.removeHandler(handler)
    [(level, message)] = told[:1]
    assert level == "WARNING"
    assert "tool slow has blocked the event loop" in message


async def test_overlapping_blocks_share_one_thread_which_ends_after_the_last():
    loop = asyncio.get_running_loop()
    reports = Reports()
    with watching(loop, reports):
        with watching(loop, reports), watching(loop):
            pass
        await asyncio.create_task(blocking(reports), name="tool:slow")
        assert len(reports.told) == 1
    while not ended():
        await asyncio.sleep(0.005)


async def test_work_that_is_no_tool_is_not_reported():
    reports, other = Reports(), Reports()
    with watching(asyncio.get_running_loop(), reports):

        async def block():
            threading.Event().wait(0.2)

        await asyncio.create_task(block(), name="something else")
        with watching(asyncio.get_running_loop(), other):
            await asyncio.create_task(blocking(other), name="tool:slow")
    assert [name for name, _ in reports.told] == ["slow"]


def test_a_loop_that_was_closed_while_watched_does_no_harm():
    loop = asyncio.new_event_loop()
    with watching(loop):
        loop.close()
        threading.Event().wait(0.05)
