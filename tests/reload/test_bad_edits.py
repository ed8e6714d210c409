"""An edit that does not load is told with its place, and the agent answers as before."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from runner import ManifestError
from runner.project import Project
from tests.reload.scene import ANSWER, DEEP, MANIFEST, STAMP, Gate, Scene, edit

MANIFESTS = {
    "not YAML": ("tools: [", "agents/echo.yaml:"),
    "an unknown key": (MANIFEST + "tols: []\n", "tols"),
    "a wrong type": (MANIFEST.replace("[tools.stamp]", "3"), "tools"),
    "empty": ("", "agents/echo.yaml"),
    "a missing module": (MANIFEST.replace("tools.stamp", "tools.stomp"), "tools.stomp"),
    "a missing file": (MANIFEST.replace("tools.stamp", "stamp.py"), "stamp.py"),
    "a missing function": (MANIFEST.replace("tools.stamp", "'tools.stamp:stomp'"), "stomp"),
    "a wrong option": (MANIFEST.replace("batch_size: 100", "batch_size: none"), "batch_size"),
    "a storage that cannot be opened": (
        MANIFEST.replace("memory:", "sqlite:////proc/none/chats.db"),
        "/proc/none",
    ),
}
MODULES = {
    "a syntax error": ("DEEP = (\n", ":1:1", "SyntaxError: '(' was never closed"),
    "an error": ("x = 1\nif x:\n    DEEP = 1 / 0\n", ":3:5", "ZeroDivisionError: division by zero\n"),
    "an error of several lines": ("raise ValueError('one\\ntwo')\n", ":1:1", "ValueError: one…\n"),
    "a missing name": ("DEPP = 1\n", "", "cannot import name 'DEEP' from 'tools.deep'"),
    "a missing package": ("import numpi\n", ":1:1", f"'numpi'; it is neither in the project nor in {sys.prefix}"),
    "an exit": ("import sys\nsys.exit(3)\n", ":2:1", "SystemExit: 3\n"),
    "a hard exit": ("import os\nos._exit(3)\n", "", "a module ends the process with status 3"),
    "a crash": ("import ctypes\nctypes.string_at(0)\n", ":2:1", "a module ends the process by SIGSEGV"),
    "a thread": ("import threading\nthreading.Thread(target=print).start()\n", ":2:1", "RuntimeError: starts a thread"),
    "a fork": ("import os\nos.fork()\n", ":2:1", "RuntimeError: starts a process"),
    "no memory left": ("kept = []\nkept.append(bytearray(1 << 40))\n", ":2:1", "MemoryError"),
}
"""Sources of a module, the place in it that is told, and some of the words."""


async def test_no_mistake_in_the_manifest_ends_the_agent(scene: Scene) -> None:
    async with scene.running() as project:
        for what, (manifest, words) in MANIFESTS.items():
            scene.manifest.write_text(manifest)
            told = await scene.failed()
            assert words in told, what
            assert "echo.yaml" in told, what
            assert told.endswith(f"\nstill running the version of {project.loaded_at:%H:%M:%S}"), what
            assert project.problem is not None, what
            assert await scene.answer(what) == f"{ANSWER} after 0", what
        assert project.generation == 1
        scene.manifest.write_text(MANIFEST.replace("first", "second"))
        assert (await scene.reloaded()).generation == 2
        assert project.problem is None


async def test_no_mistake_in_a_module_ends_the_agent(scene: Scene) -> None:
    threads = set(threading.enumerate())
    async with scene.running(check_seconds=60) as project:
        for what, (source, place, words) in MODULES.items():
            scene.deep.write_text(source)
            told = await scene.failed()
            assert words in told, what
            if place:
                assert told.startswith(f"project/tools/deep.py{place}: error[E190]: "), what
                line = source.splitlines()[int(place.split(":")[1]) - 1]
                assert f" | {line}\n" in told, what
                assert "   = note: named by project/agents/echo.yaml:4\n" in told, what
            assert await scene.answer(what) == f"{ANSWER} after 0", what
        assert project.generation == 1
        scene.deep.write_text(DEEP.replace("1", "2"))
        assert (await scene.reloaded()).generation == 2
        assert await scene.answer("new") == f"{ANSWER[:-1]}2 after 0"
    left = {thread.name for thread in set(threading.enumerate()) - threads}
    assert left <= {"agent-run-watchdog"}  # that of the process, for tools that block the loop


async def test_a_module_that_hangs_is_given_up_and_told_with_the_line_at_which_it_stands(scene: Scene) -> None:
    async with scene.running(check_seconds=2):
        edit(scene.deep, "deep-1", "deep-2")
        await scene.reloaded()  # the process for checks has begun
        scene.deep.write_text("import time\ndef wait():\n    time.sleep(3600)\nwait()\n")
        told = await scene.failed()
        assert told.startswith("project/tools/deep.py:3:5: error[E190]: ")
        assert "still not imported after 2 s\n" in told
        assert await scene.answer() == f"{ANSWER[:-1]}2 after 0"


async def test_a_mistake_is_told_once_and_again_only_with_another_content(scene: Scene) -> None:
    async with scene.running() as project:
        scene.deep.write_text("1/0")
        await scene.failed()
        os.utime(scene.deep)
        scene.deep.write_text("1/0")
        await asyncio.sleep(0.5)
        scene.deep.write_text("1//0")
        assert "\n   1 | 1//0\n" in await scene.failed()
        scene.deep.write_text(DEEP)
        told = await scene.reloaded()
        assert (told.generation, told.summary) == (1, f"back to the version of {project.loaded_at:%H:%M:%S}")


async def test_a_file_that_only_the_failed_version_needs_is_watched_too(scene: Scene) -> None:
    async with scene.running():
        edit(scene.stamp, "from tools.words", "from tools.later.on import ON\nfrom tools.words")
        assert "No module named" in await scene.failed()
        (scene.root / "tools" / "later").mkdir()
        (scene.root / "tools" / "later" / "on.py").write_text("ON = 1 +\n")
        assert "on.py:1:1: error[E190]" in await scene.failed()
        (scene.root / "tools" / "later" / "on.py").write_text("ON = 1\n")
        assert (await scene.reloaded()).generation == 2


async def test_what_a_failed_manifest_names_is_watched_although_there_is_none_yet(scene: Scene) -> None:
    async with scene.running():
        edit(scene.manifest, "[tools.stamp]", "[tools.stamp, tools.new.more, ../tools/odd-name.py]")
        scene.manifest.write_text(f"include: parts/_more.yaml\n{scene.manifest.read_text()}")
        assert "parts/_more.yaml" in await scene.failed()
        (scene.manifest.parent / "parts").mkdir()
        (scene.manifest.parent / "parts" / "_more.yaml").write_text("description: More.\n")
        assert "tools.new.more" in await scene.failed()
        (scene.root / "tools" / "new").mkdir()
        (scene.root / "tools" / "new" / "more.py").write_text('def more() -> int:\n    """More."""\n    return 1\n')
        assert "odd-name.py" in await scene.failed()
        (scene.root / "tools" / "odd-name.py").write_text('def odd() -> int:\n    """Odd."""\n    return 1\n')
        assert (await scene.reloaded()).summary == "tools +2, include, description"


async def test_a_better_edit_does_not_wait_for_a_module_that_hangs(scene: Scene) -> None:
    async with scene.running(check_seconds=3600):
        hangs = scene.root / "hangs"
        scene.deep.write_text(f"import pathlib, time\npathlib.Path({str(hangs)!r}).touch()\ntime.sleep(3600)\n")
        while not hangs.exists():
            await asyncio.sleep(0.02)
        scene.deep.write_text("DEEP = 'deep-2'\n")
        assert (await scene.reloaded()).generation == 2
        assert await scene.answer() == f"{ANSWER[:-1]}2 after 0"


async def test_a_tool_renamed_away_while_a_turn_uses_it_still_gives_its_result(scene: Scene) -> None:
    async with scene.running():
        gate = Gate()
        turn = asyncio.create_task(scene.answer("c", gate))
        await gate.holds(1)
        scene.stamp.write_text(STAMP.replace("def stamp", "def renamed"))
        assert (await scene.reloaded()).summary == "tools +1 -1"
        scene.stamp.unlink()
        assert "tools.stamp" in await scene.failed()
        gate.opened.set()
        assert await turn == f"{ANSWER} after 0"


def test_the_first_version_raises_what_is_wrong_with_it(scene: Scene) -> None:
    edit(scene.manifest, "tools.stamp", "tools.stomp")
    with pytest.raises(ManifestError, match="stomp"):
        Project(scene.manifest)
