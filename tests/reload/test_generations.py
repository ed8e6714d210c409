"""Turns end on the generation they began with; the next one uses the newest that loaded wholly."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from typing import TYPE_CHECKING

from tests.reload.scene import ANSWER, MANIFEST, Gate, Scene, edit

if TYPE_CHECKING:
    from runner.agent import Agent


def private_modules() -> list[str]:
    return [name for name in sys.modules if name.startswith("_agent_run_")]


async def freed(thing: weakref.ref[object]) -> None:
    async with asyncio.timeout(60):
        while thing() is not None:
            await asyncio.sleep(0.01)
            gc.collect()


async def test_fifty_turns_end_on_the_generation_they_began_with_and_the_next_uses_the_new_one(scene: Scene) -> None:
    async with scene.running() as project:
        gate = Gate()
        turns = [asyncio.create_task(scene.answer(f"chat {number}", gate)) for number in range(50)]
        await gate.holds(50)
        old_agent, old_module = weakref.ref(project.agent), weakref.ref(sys.modules[stamps()[0]])
        edit(scene.manifest, "first", "second")
        edit(scene.manifest, "batch_size: 100", "batch_size: 1")
        edit(scene.stamp, "tool-1", "tool-2")
        edit(scene.deep, "deep-1", "deep-2")
        assert (await scene.reloaded()).summary == "code of tools/deep.py, tools/stamp.py, instructions, executor"
        assert len(stamps()) == 2
        assert await scene.answer("new") == "second tool-2 words-1 deep-2 after 0"
        gate.opened.set()
        assert set(await asyncio.gather(*turns)) == {f"{ANSWER} after 0"}
        turns.clear()
        await freed(old_agent)
        await freed(old_module)
        assert len(stamps()) == 1


def stamps() -> list[str]:
    return [name for name in private_modules() if name.endswith(".stamp")]


async def test_the_chat_goes_on_over_reloads_even_in_memory(scene: Scene) -> None:
    async with scene.running() as project:
        storage = project.agent.storage
        assert await scene.answer() == f"{ANSWER} after 0"
        edit(scene.stamp, "tool-1", "tool-2")
        await scene.reloaded()
        assert await scene.answer() == "first tool-2 words-1 deep-1 after 1"
        edit(scene.manifest, "first", "second")
        await scene.reloaded()
        assert await scene.answer() == "second tool-2 words-1 deep-1 after 2"
        assert project.agent.storage is storage


async def test_a_late_import_of_a_turn_under_way_finds_the_file_as_it_was_when_the_turn_began(scene: Scene) -> None:
    scene.stamp.write_text(
        scene.stamp.read_text()
        .replace("from tools.words import word\n", "")
        .replace("    return", "    from tools.words import word\n    return")
    )
    async with scene.running():
        gate = Gate()
        turn = asyncio.create_task(scene.answer("a", gate))
        await gate.holds(1)
        edit(scene.words, "words-1", "words-2")
        assert (await scene.reloaded()).summary == "code of tools/words.py"
        gate.opened.set()
        assert await turn == f"{ANSWER} after 0"
        assert await scene.answer("b") == "first tool-1 words-2 deep-1 after 0"


async def test_modules_are_run_again_only_when_one_of_their_files_has_changed(scene: Scene) -> None:
    edit(scene.words, "def word():", "COUNT = []\n\ndef word():\n    COUNT.append(1)")
    edit(scene.words, "'words-1 '", "f'words-{len(COUNT)} '")
    async with scene.running():
        await scene.answer("a")
        edit(scene.manifest, "first", "second")
        await scene.reloaded()
        assert await scene.answer("b") == "second tool-1 words-2 deep-1 after 0"
        edit(scene.deep, "deep-1", "deep-2")
        await scene.reloaded()
        assert await scene.answer("c") == "second tool-1 words-1 deep-2 after 0"


async def test_a_class_of_one_generation_is_not_that_of_another_nor_mixed_with_it(scene: Scene) -> None:
    scene.deep.write_text("class Deep:\n    text = 'one'\n")
    scene.words.write_text(
        "from tools.deep import Deep\n\nKEPT = Deep()\n\n"
        "def word():\n    from tools import deep\n    return f'{deep.Deep.text} {isinstance(KEPT, deep.Deep)}'\n"
    )
    async with scene.running():
        gate = Gate()
        turn = asyncio.create_task(scene.answer("a", gate))
        await gate.holds(1)
        scene.deep.write_text("class Renamed:\n    text = 'two'\n\nDeep = Renamed\n")
        await scene.reloaded()
        assert await scene.answer("b") == "first tool-1 two True after 0"
        gate.opened.set()
        assert await turn == "first tool-1 one True after 0"


async def test_what_is_told_of_a_reload_says_what_is_another_now(scene: Scene) -> None:
    def agent() -> Agent:
        return scene.project.agent

    async with scene.running():
        scene.stamp.write_text(scene.stamp.read_text() + '\ndef more(n: int) -> int:\n    """More."""\n    return n\n')
        edit(scene.manifest, "models.echo:Echo", "offline")
        told = await scene.reloaded()
        assert str(told) == "reloaded: tools +1, model echo -> offline"
        assert (told.generation, told.at) == (scene.project.generation, scene.project.loaded_at)
        edit(scene.stamp, "n: int", "n: float")
        assert (await scene.reloaded()).summary == "declaration of more"
        scene.manifest.write_text(scene.manifest.read_text() + "# a remark\n")
        assert (await scene.reloaded()).summary == "agents/echo.yaml"
        scene.manifest.write_text("name: other\nmodel: offline\nstorage: 'memory:'\n")
        assert (
            await scene.reloaded()
        ).summary == "tools -2, name echo -> other (chats are kept by name), instructions, executor"
        assert len(agent().toolbox) == 0


async def test_the_environment_file_is_read_again(scene: Scene) -> None:
    async with scene.running() as project:
        (scene.root / ".env").write_text("AGENT_RUN_MODEL=offline\n")
        assert (await scene.reloaded()).summary == "model echo -> offline"
        (scene.root / ".env").unlink()
        assert (await scene.reloaded()).summary == "model offline -> echo"
        assert project.generation == 3


async def test_included_files_and_instruction_files_are_watched(scene: Scene) -> None:
    fragment, text = scene.manifest.with_name("_limits.yaml"), scene.manifest.with_name("echo.md")
    fragment.write_text("limits: {max_iterations: 3}\n")
    text.write_text("from a file")
    edit(scene.manifest, "instructions: first", "instructions_file: echo.md\ninclude: _limits.yaml")
    async with scene.running():
        edit(fragment, "3", "4")
        assert (await scene.reloaded()).summary == "limits"
        edit(text, "from a", "from another")
        assert (await scene.reloaded()).summary == "agents/echo.md"
        assert await scene.answer() == ANSWER.replace("first", "from another file") + " after 0"


async def test_a_change_between_loading_and_watching_is_seen(scene: Scene) -> None:
    from runner.project import Project

    async with Project(scene.manifest) as project:
        scene.project, scene.changes = project, project.changes()
        edit(scene.manifest, "first", "second")
        edit(scene.deep, "deep-1", "deep-2")
        await scene.reloaded()
        assert await scene.answer() == "second tool-1 words-1 deep-2 after 0"


async def test_a_mistake_between_loading_and_watching_is_told_and_taken_back(scene: Scene) -> None:
    from runner.project import Project

    async with Project(scene.manifest) as project:
        scene.project, scene.changes = project, project.changes()
        edit(scene.manifest, "tools:", "tolls:")
        assert "tolls" in await scene.failed()
        edit(scene.manifest, "tolls:", "tools:")
        assert (await scene.reloaded()).generation == 1


async def test_a_turn_made_and_never_run_keeps_nothing(scene: Scene) -> None:
    async with scene.running() as project:
        turn = project.run("hello", chat_id="c")
        old = weakref.ref(project.agent)
        edit(scene.manifest, "first", "second")
        await scene.reloaded()
        del turn
        await freed(old)


async def test_a_file_that_chats_begin_with_is_one_of_the_agents_files(scene: Scene) -> None:
    rules = scene.root / "agents" / "rules.md"
    rules.write_text("one")
    scene.manifest.write_text(f"{MANIFEST}files: [rules.md]\n")
    async with scene.running() as project:
        await scene.answer("c")
        rules.write_text("two")
        assert "agents/rules.md" in str(await scene.reloaded())
        await scene.answer("d")
        rules.unlink()
        assert '"rules.md": no such file' in await scene.failed()
        first = [(await project.agent.get_history(chat))[0].parts[0]["inlineData"]["data"] for chat in ("c", "d")]
    assert first == ["b25l", "dHdv"]


async def test_without_reload_nothing_is_watched(scene: Scene) -> None:
    from runner.project import Project

    async with Project(scene.manifest, reload=False) as project:
        scene.project = project
        edit(scene.manifest, "first", "second")
        await asyncio.sleep(0.5)
        assert await scene.answer() == f"{ANSWER} after 0"
        assert not project.is_watching
