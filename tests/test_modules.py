"""Project modules under private names: two generations side by side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from runner.modules import ModuleTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "helper.py").write_text("value = 1\nclass Thing: ...\n")
    (tmp_path / "tools" / "main.py").write_text(
        "from __future__ import annotations\n"
        "import tools.helper\n"
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "from tools import helper as second\n"
        "from . import helper as third\n"
        "from .helper import value\n"
        "@dataclass\n"
        "class Box:\n"
        "    kind: ClassVar[str] = 'box'\n"
        "    size: int = 0\n"
        "def same():\n"
        "    import tools.helper as late\n"
        "    return tools.helper is second is third is late\n"
        "def make(): return second.Thing()\n"
    )
    return tmp_path


@pytest.fixture
def table(project: Path) -> Iterator[ModuleTable]:
    made = ModuleTable([project])
    yield made
    made.close()


def test_all_forms_of_import_find_the_same_private_module(table: ModuleTable) -> None:
    assert table.load("tools.main").same()
    assert "tools.helper" not in sys.modules


def test_two_generations_live_side_by_side(project: Path, table: ModuleTable) -> None:
    old = table.load("tools.main")
    (project / "tools" / "helper.py").write_text("value = 2\nclass Thing: ...\n")
    newer = ModuleTable([project])
    new = newer.load("tools.main")
    assert (old.value, new.value) == (1, 2)
    assert type(old.make()) is not type(new.make())
    newer.close()
    assert old.same()


def test_a_file_that_is_also_a_module_is_loaded_once(project: Path, table: ModuleTable) -> None:
    assert table.load_file(project / "tools" / "main.py") is table.load("tools.main")
    odd = project / "a-b.py"
    odd.write_text("x = 1")
    assert table.load_file(odd).x == 1
    assert {path.name for path in table.files()} == {"helper.py", "main.py", "a-b.py"}


@pytest.mark.parametrize("name", ["os", "subprocess", "json", "builtins", "runner", "runner.agent", "pytest", "nope"])
def test_only_modules_of_the_project_are_loaded(table: ModuleTable, name: str) -> None:
    assert not table.owns(name)
    with pytest.raises(ModuleNotFoundError):
        table.load(name)


def test_a_standard_librarys_name_in_the_project_is_not_shadowed(project: Path) -> None:
    (project / "json.py").write_text("raise SystemExit('never')")
    (project / "uses.py").write_text("import json\nx = json.dumps(1)")
    table = ModuleTable([project])
    assert table.load("uses").x == "1"
    table.close()


def test_a_link_that_leads_out_of_the_root_is_not_followed(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "evil.py").write_text("x = 1")
    (project / "evil.py").symlink_to(outside / "evil.py")
    table = ModuleTable([project])
    assert not table.owns("evil")
    table.close()


def test_closing_forgets_everything(project: Path) -> None:
    before, hooks = set(sys.modules), list(sys.meta_path)
    table = ModuleTable([project])
    table.load("tools.main")
    table.close()
    assert {name for name in set(sys.modules) - before if name.startswith("_agent_run_")} == set()
    assert sys.meta_path == hooks
    assert not list(project.rglob("__pycache__"))


def test_tables_share_the_code_of_a_source_and_nothing_that_it_makes(project: Path) -> None:
    """Until the source is another one."""
    first, second = ModuleTable([project]), ModuleTable([project])
    one, other = first.load("tools.main"), second.load("tools.main")
    assert one.make.__code__ is other.make.__code__
    assert one.Box is not other.Box
    assert type(one.make()) is not type(other.make())
    (project / "tools" / "helper.py").write_text("value = 3\nclass Thing: ...\n")
    third = ModuleTable([project])
    assert third.load("tools.main").value == 3
    for table in (first, second, third):
        table.close()
