"""What is watched, where, and what happens when it cannot be."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.reload.places import places_of
from runner.storages.sqlite import SqliteChatStorage
from tests.reload.scene import ANSWER, MANIFEST, Scene, edit

if TYPE_CHECKING:
    import threading

ROOT = Path(__file__).resolve().parents[2]


def limited(command: list[str]) -> list[str]:
    """A command in a user namespace of its own, in which nothing can be watched."""
    script = 'echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh", *command]


def can_be_limited() -> bool:
    try:
        return subprocess.run(limited(["true"]), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


POLLED = """
import asyncio, sys
from pathlib import Path
from tests.reload.scene import Scene, edit

async def main():
    scene = Scene(Path(sys.argv[1]))
    async with scene.running():
        for number in range(3):
            edit(scene.manifest, "first" + "!" * number, "first" + "!" * (number + 1))
            for _ in range(1 if number else 2):
                print(await scene.told())

asyncio.run(main())
"""


@pytest.mark.skipif(not can_be_limited(), reason="needs user namespaces (unshare) to lower the limit of watches")
def test_where_the_limit_of_watches_is_reached_the_files_are_looked_at_instead(tmp_path: Path) -> None:
    command = limited([sys.executable, "-c", POLLED, str(tmp_path / "project")])
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    first, *others = ran.stdout.splitlines()
    assert first.startswith("reload: looking at the files every 0.1 s"), ran.stderr
    assert "limit reached" in first
    assert others == ["reloaded: instructions"] * 3


async def test_a_watched_folder_that_is_removed_is_watched_again_when_it_is_back(scene: Scene) -> None:
    async with scene.running():
        kept = scene.root.with_name("kept")
        shutil.move(scene.root / "tools", kept)
        assert "tools.stamp" in await scene.failed()
        shutil.copytree(kept, scene.root / "tools")
        await scene.reloaded()
        edit(scene.deep, "deep-1", "deep-2")
        assert (await scene.reloaded()).summary == "code of tools/deep.py"
        shutil.move(scene.root, scene.root.with_name("elsewhere"))
        assert "no such file" in await scene.failed()
        assert await scene.answer() == f"{ANSWER[:-1]}2 after 0"
        shutil.move(scene.root.with_name("elsewhere"), scene.root)
        await scene.reloaded()
        edit(scene.deep, "deep-2", "deep-3")
        assert (await scene.reloaded()).summary == "code of tools/deep.py"


async def test_another_storage_is_opened_before_the_old_one_is_closed(scene: Scene) -> None:
    async with scene.running() as project:
        await scene.answer()
        edit(scene.manifest, "memory:", "sqlite:////proc/none/chats.db")
        assert "echo.yaml: storage: " in await scene.failed()
        assert await scene.answer() == f"{ANSWER} after 1"
        edit(scene.manifest, "sqlite:////proc/none/chats.db", "sqlite:///data/chats.db")
        assert (await scene.reloaded()).summary == "storage memory -> sqlite"
        assert isinstance(project.agent.storage, SqliteChatStorage)
        assert await scene.answer() == f"{ANSWER} after 0"
        edit(scene.manifest, "data/chats.db", "data/other.db")
        assert (await scene.reloaded()).summary == "another sqlite storage"
        edit(scene.manifest, "data/other.db", "data/chats.db")
        await scene.reloaded()
        assert await scene.answer() == f"{ANSWER} after 1"


async def test_a_storage_of_the_projects_own_is_kept_until_its_file_changes(scene: Scene) -> None:
    kept = scene.root / "models" / "kept.py"
    kept.write_text("from runner import LocalChatStorage\n\nclass Kept(LocalChatStorage):\n    pass\n")
    edit(scene.manifest, "'memory:'", "models.kept:Kept")
    async with scene.running():
        await scene.answer()
        edit(scene.deep, "deep-1", "deep-2")
        await scene.reloaded()
        assert await scene.answer() == f"{ANSWER[:-1]}2 after 1"
        edit(kept, "pass", "made = 'anew'")
        assert (await scene.reloaded()).summary == "code of models/kept.py, another models.kept:Kept storage"
        assert await scene.answer() == f"{ANSWER[:-1]}2 after 0"


async def test_what_the_agent_writes_itself_is_no_change(scene: Scene) -> None:
    """Chats, databases in the root, files in the tools' own folder."""
    scene.manifest.write_text(MANIFEST.replace("memory:", "sqlite:///chats.db"))
    edit(scene.words, "def word():", "from pathlib import Path\n\ndef word():\n    Path(__file__ + '.log').touch()")
    async with scene.running() as project:
        for number in range(5):
            await scene.answer(str(number))
        await asyncio.sleep(0.5)
        edit(scene.manifest, "first", "second")
        assert (await scene.reloaded()).generation == 2
        assert project.problem is None


class DeafNotify:
    """Notifications of a file system that notifies nothing, as those of networks do."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def watch(self, _debounce: int, _step: int, timeout: int, stop: threading.Event) -> str:
        return "stop" if stop.wait(timeout / 1000) else "timeout"

    def close(self) -> None:
        pass


async def test_a_change_is_not_missed_where_nothing_is_notified(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchfiles._rust_notify.RustNotify", DeafNotify)
    monkeypatch.setattr("runner.reload.watcher._ROUND", 0.1)
    async with scene.running():
        edit(scene.manifest, "first", "second")
        assert (await scene.reloaded()).summary == "instructions"


async def test_a_folder_may_become_a_link_to_itself_elsewhere(scene: Scene) -> None:
    async with scene.running() as project:
        agents = scene.manifest.parent
        agents.rename(scene.root / "moved")
        agents.symlink_to("moved")
        edit(scene.manifest, "first", "second")
        assert (await scene.reloaded()).summary == "instructions"
        edit(scene.root / "moved" / "echo.yaml", "second", "third")
        assert (await scene.reloaded()).generation == 3
        assert project.problem is None


def test_the_places_to_watch_are_where_entries_may_change(tmp_path: Path) -> None:
    root = (tmp_path / "project").resolve()
    (root / "a").mkdir(parents=True)
    outside = tmp_path.resolve() / "outside"
    outside.mkdir()
    (outside / "real.py").touch()
    (root / "a" / "link.py").symlink_to("../b/second.py")
    (root / "b").mkdir()
    (root / "b" / "second.py").symlink_to(outside / "real.py")
    (root / "loop").symlink_to("loop")
    places = places_of([root / "a" / "link.py", root / "none" / "x.py", root / "loop"], root)
    assert places.folders.keys() == {str(root), str(root / "a"), str(root / "b"), str(outside)}
    wanted = {"a", "a/link.py", "b", "b/second.py", "none", "loop"}
    assert {str(root / entry) for entry in wanted} | {str(outside / "real.py")} <= places.entries
