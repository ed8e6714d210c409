"""A storage of somebody else's project: written, installed, used and tested as the documentation says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.fences import ROOT, fences_of

HERE = Path(__file__).parent
PAGE = ROOT / "docs" / "storages.md"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A project with the storage and the test that the page shows, and of ours only what it says to take."""
    project = tmp_path / "elsewhere"
    (project / "tests" / "storages").mkdir(parents=True)
    blocks = [fence.text for fence in fences_of(PAGE) if fence.language == "py"]
    for block in blocks:
        (project / block.splitlines()[0].removeprefix("# ")).write_text(block)
    for folder in ("tests", "tests/storages"):
        (project / folder / "__init__.py").touch()
    for file in (*HERE.glob("conformance*.py"), HERE / "turns.py"):
        shutil.copy(file, project / "tests" / "storages")
    (project / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    (project / "chats").mkdir()
    return project


@pytest.fixture
def env(elsewhere: Path, tmp_path: Path) -> dict[str, str]:
    """Where the project and the runner are installed, and none of the runner's own tests."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "runner").symlink_to(ROOT / "runner")
    (site / "my_storages.py").symlink_to(elsewhere / "my_storages.py")
    (toml,) = (fence.text for fence in fences_of(PAGE) if fence.language == "toml")
    group, name = re.findall(r'"(.*)"\]\n(.*)', toml)[0]
    info = site / "elsewhere-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name.replace(chr(34), '')}\n")
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(site)}


def test_it_passes_the_class_of_tests_that_is_offered(elsewhere: Path, env: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_folder.py"]
    done = subprocess.run(command, cwd=elsewhere, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 40


@pytest.mark.parametrize("named", ["my_storages:Folder", "folder"])
def test_a_manifest_names_it_by_its_module_or_as_it_was_installed(
    elsewhere: Path, env: dict[str, str], named: str
) -> None:
    (elsewhere / "agent.yaml").write_text(
        f"model: offline\nname: tester\nstorage: {{type: '{named}', path: {elsewhere / 'chats'}}}\n"
    )

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "runner", *words]
        return subprocess.run(command, cwd=elsewhere, env=env, capture_output=True, text=True, check=False, timeout=120)

    for _ in range(2):
        done = run("agent.yaml", "hello", "--chat", "c")
        assert (done.returncode, done.stderr) == (0, "")
    shown = run("chats", "show", "c", "--agent", "agent.yaml")
    assert shown.stdout.count("> hello") == 2
    assert len(list((elsewhere / "chats").glob("*.jsonl"))) == 1
