"""Several processes on one chat database: killed, frozen, racing, failing."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.storages.sqlite import SqliteChatStorage
from tests.storages.children import Child
from tests.storages.conformance_processes import ProcessesConformance
from tests.storages.turns import say, words

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform == "win32":
    pytest.skip("needs signals", allow_module_level=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


class TestSqliteProcesses(ProcessesConformance):
    turns = 50

    @pytest.fixture
    def where(self, path: Path) -> str:
        return str(path)


async def test_an_input_output_error_is_final_and_loses_nothing(path: Path) -> None:
    with Child("limited", path, 300_000) as writer:
        said = writer.go_on()
    assert said[0].startswith(f"STORAGE chat database {path}: the disk reported an input/output error; check the disk")
    assert said == [said[0]] * 3
    async with SqliteChatStorage(path) as storage:
        assert words(await storage.get_history("c")) == ["first"]


def test_a_process_that_closes_nothing_leaves_one_file(path: Path) -> None:
    with Child("forgetful", path) as child:
        assert child.go_on() == ["done"]
    assert [file.name for file in path.parent.iterdir()] == ["chats.db"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        Path(name).chmod(0o755)


async def test_a_read_only_folder_or_file_is_said_in_one_line(open_folder: Path) -> None:
    path = open_folder / "chats.db"
    open_folder.chmod(0o555)
    with Child("unprivileged", path) as child:
        (said,) = child.go_on()
    assert said.startswith(f"STORAGE chat database {path}: cannot be opened or created; check the path")
    open_folder.chmod(0o755)
    async with SqliteChatStorage(path) as storage:
        await storage.append("c", say("a"), 0)
    path.chmod(0o444)
    open_folder.chmod(0o555)
    before = {file.name: file.read_bytes() for file in open_folder.iterdir()}
    with Child("unprivileged", path) as child:
        (said,) = child.go_on()
    assert said.startswith(f"STORAGE chat database {path}: cannot be ")
    assert {file.name: file.read_bytes() for file in open_folder.iterdir()} == before
