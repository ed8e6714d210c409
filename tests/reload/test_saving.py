"""Each way of saving a file is one reload, and only a content that is another one is a change."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.reload.scene import ANSWER, MANIFEST, STAMP, Scene, edit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

PAUSE = 0.5  # seconds in which a change that must not be one would be told


@pytest.fixture
def scene(patient_scene: Scene) -> Scene:
    return patient_scene


def content(number: int) -> str:
    return MANIFEST.replace("first", f"number {number}")


async def in_place(path: Path, text: str) -> None:
    path.write_text(text)


async def as_vim(path: Path, text: str) -> None:
    backup = path.with_name(path.name + "~")
    path.rename(backup)
    path.write_text(text)
    backup.unlink()


async def by_rename(path: Path, text: str) -> None:
    other = path.with_name("saved.tmp")
    other.write_text(text)
    other.replace(path)


async def by_sed(path: Path, text: str) -> None:
    number = text.partition("number ")[2].partition("\n")[0]
    subprocess.run(["sed", "-i", f"s/^instructions:.*/instructions: number {number}/", path], check=True)


async def in_drips(path: Path, text: str) -> None:
    """Truncated, then pieces with 0.05 s from one to the next: each piece but the last would be a torn file."""
    with path.open("w") as file:
        for index in range(20):
            file.write(text[len(text) * index // 20 : len(text) * (index + 1) // 20])
            file.flush()
            await asyncio.sleep(0.05)


async def with_other_line_ends(path: Path, text: str) -> None:
    path.write_bytes(text.replace("\n", "\r\n").encode())


async def deleted_and_made_again(path: Path, text: str) -> None:
    path.unlink()
    await asyncio.sleep(0.05)
    path.write_text(text)


WAYS = [in_place, as_vim, by_rename, by_sed, in_drips, with_other_line_ends, deleted_and_made_again]


async def test_every_way_of_saving_is_one_reload(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.reload.touches.QUIET", 0.3)  # much longer than anyone here pauses
    async with scene.running() as project:
        for number, way in enumerate(WAYS, 2):
            await way(scene.manifest, content(number))
            told = await scene.reloaded()
            assert (told.generation, told.summary) == (number, "instructions"), way.__name__
            assert project.agent.manifest.instructions == f"number {number}", way.__name__


@pytest.mark.parametrize("save", [in_place, by_rename])
async def test_the_same_content_again_is_no_change(scene: Scene, save: Callable[[Path, str], Awaitable[None]]) -> None:
    async with scene.running() as project:
        for path in (scene.manifest, scene.stamp):
            os.utime(path)
            path.chmod(0o600)
            await save(path, path.read_text())
        (scene.root / "agents" / "other.yaml").write_text("no manifest of ours")
        (scene.root / "tools" / "unrelated.py").write_text("1/0")
        await asyncio.sleep(PAUSE)
        edit(scene.manifest, "first", "second")
        assert (await scene.reloaded()).generation == 2
        assert project.problem is None


async def test_a_deleted_file_is_told_and_the_agent_answers_until_it_is_there_again(scene: Scene) -> None:
    async with scene.running():
        scene.manifest.unlink()
        assert "no such file" in await scene.failed()
        assert await scene.answer("a") == f"{ANSWER} after 0"
        scene.manifest.write_text(content(2))
        assert (await scene.reloaded()).generation == 2


async def test_a_folder_that_a_link_leads_to_is_swapped_as_kubernetes_does(scene: Scene) -> None:
    """`echo.yaml` is a link into `..data`, which is a link to the folder of the version."""
    folder = scene.manifest.parent
    for version in (1, 2):
        (folder / f"..v{version}").mkdir()
        (folder / f"..v{version}" / "echo.yaml").write_text(content(version))
    (folder / "..data").symlink_to("..v1")
    scene.manifest.unlink()
    scene.manifest.symlink_to("..data/echo.yaml")
    async with scene.running() as project:
        (folder / "..new").symlink_to("..v2")
        (folder / "..new").replace(folder / "..data")
        shutil.rmtree(folder / "..v1")
        assert (await scene.reloaded()).summary == "instructions"
        assert project.agent.manifest.instructions == "number 2"
        (folder / "..v2" / "echo.yaml").write_text(content(3))
        assert (await scene.reloaded()).generation == 3


@pytest.mark.parametrize("key", ["include", "instructions_file", "deep"])
async def test_a_link_under_what_the_manifest_names_is_swapped(scene: Scene, key: str) -> None:
    """The files themselves stay as they are: another one stands behind the same words."""
    folder = scene.manifest.parent
    for version in (1, 2):
        (folder / f"v{version}").mkdir()
        (folder / f"v{version}" / "text.md").write_text(f"number {version}")
        (folder / f"v{version}" / "_house.yaml").write_text(f"instructions: number {version}\n")
    (folder / "now").symlink_to("v1")
    (folder / "_deep.yaml").write_text("include: now/_house.yaml\n")
    line = {"include": "include: now/../now/_house.yaml", "deep": "extends: _deep.yaml"}
    scene.manifest.write_text(MANIFEST.replace("instructions: first", line.get(key, "instructions_file: now/text.md")))
    async with scene.running() as project:
        assert "number 1" in await scene.answer("a")
        (folder / "new").symlink_to("v2")
        (folder / "new").replace(folder / "now")
        assert (await scene.reloaded()).generation == 2
        assert "number 2" in await scene.answer("b")
        (folder / "v2").rename(folder / "v3")
        (folder / "v1").rename(folder / "v2")
        assert (await scene.reloaded()).generation == 3
        assert "number 1" in await scene.answer("c")
        assert project.problem is None


async def test_a_checkout_of_fifty_files_is_one_reload(scene: Scene) -> None:
    def git(*arguments: str) -> None:
        identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
        environment = {**os.environ, **identity, "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run(["git", "-C", scene.root, *arguments], check=True, capture_output=True, env=environment)

    def write(version: int) -> None:
        for number in range(50):
            (scene.root / "tools" / f"part{number}.py").write_text(f"VALUE = {version}\n")

    write(1)
    imports = "".join(f"from tools.part{number} import VALUE as v{number}\n" for number in range(50))
    total = " + ".join(f"v{number}" for number in range(50))
    scene.stamp.write_text(imports + STAMP.replace('"tool-1 "', f'str({total}) + " "'))
    git("init", "-q", "-b", "one")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("checkout", "-q", "-b", "two")
    write(2)
    git("commit", "-q", "-a", "-m", "two")
    git("checkout", "-q", "one")
    async with scene.running():
        assert await scene.answer("a") == "first 50 words-1 deep-1 after 0"
        git("checkout", "-q", "two")
        assert (await scene.reloaded()).generation == 2
        assert await scene.answer("b") == "first 100 words-1 deep-1 after 0"
        git("checkout", "-q", "one")
        assert (await scene.reloaded()).generation == 3
        assert await scene.answer("c") == "first 50 words-1 deep-1 after 0"
