"""The process that imports modules first: what it finds, and what becomes of it."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from runner.reload.checker import Checker, Question
from runner.reload.news import ReloadNotice
from tests.reload.scene import DEEP, Scene, edit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest


@asynccontextmanager
async def checking(scene: Scene, problems: list[str], memory: int = 1 << 30) -> AsyncIterator[Checker]:
    checker = Checker(problems.append, seconds=20.0, memory=memory)
    try:
        yield checker
    finally:
        await checker.aclose()


def question(scene: Scene) -> Question:
    return Question(str(scene.manifest), {}, None)


async def test_it_finds_nothing_wrong_where_nothing_is(scene: Scene) -> None:
    async with checking(scene, problems := []) as checker:
        assert await checker.check(question(scene)) is None
    assert problems == []


async def test_it_stops_a_module_that_takes_more_and_more_memory(scene: Scene) -> None:
    scene.deep.write_text("DEEP = []\nwhile True:\n    DEEP.append(bytes(1 << 20))\n")
    async with checking(scene, [], memory=200 << 20) as checker:
        refusal = await checker.check(question(scene))
    assert refusal is not None
    assert "project/tools/deep.py:3:5: error[E190]: " in refusal.text
    assert "MemoryError" in refusal.text


async def test_a_module_that_prints_and_reads_reaches_no_terminal(
    scene: Scene, capfd: pytest.CaptureFixture[str]
) -> None:
    scene.deep.write_text("import sys\nprint('x' * 100_000, file=sys.stderr)\nDEEP = sys.stdin.read() + 'deep-1'\n")
    async with checking(scene, []) as checker:
        assert await checker.check(question(scene)) is None
    assert capfd.readouterr() == ("", "")


async def test_it_sees_the_environment_of_the_moment(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.deep.write_text("import os\nDEEP = os.environ['DEPTH']\n")
    async with checking(scene, []) as checker:
        refusal = await checker.check(question(scene))
        assert refusal is not None
        assert "project/tools/deep.py:2:" in refusal.text
        assert "KeyError: 'DEPTH'" in refusal.text
        monkeypatch.setenv("DEPTH", "7")
        assert await checker.check(question(scene)) is None


async def test_a_swallowed_refusal_of_a_thread_is_one(scene: Scene) -> None:
    source = "import threading\ntry:\n    threading.Thread(target=print).start()\nexcept RuntimeError:\n    pass\n"
    scene.deep.write_text(source + DEEP)
    async with checking(scene, []) as checker:
        refusal = await checker.check(question(scene))
    assert refusal is not None
    assert refusal.where == f"{scene.deep}:3"
    assert refusal.text.startswith("starts a thread while it is imported")


async def test_a_thread_that_an_installed_package_starts_is_none_of_the_projects(scene: Scene) -> None:
    """It is started once for the process: the package is imported once."""
    package = scene.root.parent / "installed"
    package.mkdir()
    (package / "installed_with_a_thread.py").write_text(
        "import threading\nthreading.Thread(target=print, daemon=True).start()\n"
    )
    scene.deep.write_text(f"import sys\nsys.path.append({str(package)!r})\nimport installed_with_a_thread\n{DEEP}")
    async with checking(scene, []) as checker:
        assert await checker.check(question(scene)) is None


async def test_a_process_that_was_killed_is_started_again(scene: Scene) -> None:
    async with checking(scene, problems := []) as checker:
        assert await checker.check(question(scene)) is None
        children = (await asyncio.to_thread(_children))[-1:]
        os.kill(children[0], signal.SIGKILL)
        assert await checker.check(question(scene)) is None
    assert problems == []


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123  # of the main thread
        return [int(number) for number in file.read().split()]


async def test_a_process_that_is_killed_while_it_warms_up_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    checker = Checker([].append)
    await checker.warm_up()
    assert checker._process is not None
    checker._process.kill()
    await checker.aclose()
    assert list(tmp_path.iterdir()) == []


async def test_a_check_that_nobody_waits_for_is_ended_by_the_next(scene: Scene) -> None:
    async with checking(scene, []) as checker:
        started = scene.root / "started"
        scene.deep.write_text(f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(3600)\n")
        first = asyncio.create_task(checker.check(question(scene)))
        while not started.exists():
            await asyncio.sleep(0.02)
        first.cancel()
        await asyncio.wait({first})
        scene.deep.write_text(DEEP)
        assert await checker.check(question(scene)) is None


async def test_without_fork_modules_are_reloaded_untried_and_that_is_told_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "fork")
    async with scene.running():
        edit(scene.deep, "deep-1", "deep-2")
        notice = await scene.told()
        assert isinstance(notice, ReloadNotice)
        assert str(notice) == (
            "reload: modules are loaded without being tried out in a process first: this system has no fork"
        )
        await scene.reloaded()
        edit(scene.deep, "deep-2", "deep-3")
        await scene.reloaded()
