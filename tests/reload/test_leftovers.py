"""Reloads and closing leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner import ManifestError
from runner.project import Project
from tests.reload.scene import MANIFEST, Scene, edit

if TYPE_CHECKING:
    from collections.abc import Callable


def descriptors() -> dict[str, str]:
    """What this process has open, by number."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found[entry.name] = str(entry.readlink())
        except FileNotFoundError:  # that of the listing itself
            continue
    return found


def children() -> list[str]:
    return (Path("/proc/self/task") / str(os.getpid()) / "children").read_text().split()


def threads() -> list[str]:
    """The threads but for those that serve the whole process and come and go: the watchdog, and idle ones of pools."""
    passing = ("agent-run-watchdog", "agent-run-tool-", "asyncio_")
    return sorted(thread.name for thread in threading.enumerate() if not thread.name.startswith(passing))


OF_OTHERS: set[str] = set()
"""Modules that agents of earlier tests, never closed, have left."""


@pytest.fixture(autouse=True)
def _only_what_this_test_leaves_counts() -> None:
    OF_OTHERS.clear()
    OF_OTHERS.update(private(sys.modules))


def private(names: object) -> list[str]:
    return [name for name in list(names) if name.startswith("_agent_run_") and name not in OF_OTHERS]  # type: ignore[call-overload]


async def test_fifty_reloads_leave_no_module_agent_thread_or_descriptor(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.reload.touches.QUIET", 0.02)
    edit(scene.words, "def word():", "import logging\n\nlogging.getLogger(__name__)\n\ndef word():")
    async with scene.running() as project:
        for number in range(2):  # until all is in place: the process for checks, the thread for tools
            edit(scene.deep, f"deep-{number + 1}", f"deep-{number + 2}")
            await scene.reloaded()
            await scene.answer(f"first {number}")
        before = len(descriptors()), threads(), len(sys.meta_path), children()
        names = sorted(name.partition(".")[2] for name in private(sys.modules))
        old: list[weakref.ref[object]] = []
        for number in range(50):
            old.append(weakref.ref(project.agent))
            old += [weakref.ref(sys.modules[name]) for name in private(sys.modules) if name.endswith(".deep")]
            if number % 2:
                edit(scene.manifest, f"number {number - 1}" if number > 1 else "first", f"number {number + 1}")
            else:
                edit(scene.deep, f"deep-{number + 3 - number // 2}", f"deep-{number + 4 - number // 2}")
            await scene.reloaded()
            if number % 10 == 0:
                await scene.answer(str(number))

        def kept() -> list[object]:
            gc.collect()
            in_use = [sys.modules[name] for name in private(sys.modules)]
            return [thing() for thing in old if thing() is not None and thing() not in in_use]

        await becomes([], kept)  # the last one is closed in a task of its own
        assert sorted(name.partition(".")[2] for name in private(sys.modules)) == names
        assert len(private(logging.root.manager.loggerDict)) <= len(names)
        await becomes(before, lambda: (len(descriptors()), threads(), len(sys.meta_path), children()))


async def becomes(wanted: object, state: Callable[[], object]) -> None:
    """Raise unless it becomes so within a minute."""
    deadline = time.monotonic() + 60
    while (found := state()) != wanted:
        assert time.monotonic() < deadline, f"{found}, not {wanted}"
        await asyncio.sleep(0.05)


async def test_closing_ends_the_thread_and_the_process_and_forgets_the_modules(scene: Scene) -> None:
    await _one_turn(scene)  # what the process keeps from now on
    gc.collect()
    before = descriptors(), threads(), children(), asyncio.all_tasks()
    await _one_turn(scene)
    gc.collect()
    await becomes(before, lambda: (descriptors(), threads(), children(), asyncio.all_tasks()))
    assert private(sys.modules) == []


async def _one_turn(scene: Scene) -> None:
    before = _notifiers()
    async with scene.running():
        scene.manifest.write_text(MANIFEST)
        edit(scene.deep, "DEEP", "DEEPER")
        await scene.failed()
        edit(scene.deep, "DEEPER", "DEEP")
        await scene.reloaded()
        await scene.answer()
    await becomes(True, lambda: _notifiers() <= before)  # watchfiles closes them in a thread of its own, a moment later


def _notifiers() -> int:
    return sum("[eventfd]" in target or "inotify" in target for target in descriptors().values())


async def test_closing_at_once_is_no_trouble(scene: Scene) -> None:
    for moment in (0, 0.1, 0.2, 0.202, 0.205, 0.22, 0.25, 0.4):
        async with Project(scene.manifest):
            await asyncio.sleep(moment)
    assert private(sys.modules) == []


async def test_closing_ends_the_news(scene: Scene) -> None:
    async with scene.running() as project:
        reading = asyncio.create_task(_all(project))
        await asyncio.sleep(0)
        edit(scene.manifest, "first", "second")
        await scene.reloaded()
    assert await reading == ["reloaded: instructions"]


async def _all(project: Project) -> list[str]:
    return [str(change) async for change in project.changes()]


async def test_a_failed_start_leaves_no_modules(scene: Scene) -> None:
    hooks = list(sys.meta_path)
    scene.stamp.write_text("from tools.words import word\n1/0")
    for _ in range(2):
        with pytest.raises(ManifestError, match="ZeroDivisionError"):
            Project(scene.manifest)
    assert private(sys.modules) == []
    assert sys.meta_path == hooks
