"""Importing does nothing: no driver is loaded, no file read, no variable looked up."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.guards.imports import PACKAGE, ROOT, sources

DRIVERS = (
    *("google.genai", "httpx2", "rich", "prompt_toolkit", "sqlite3", "jsonschema_rs"),
    *("bson", "psycopg", "pymongo", "redis"),
)


def run(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "statement", ["import runner", "from runner import GeminiClient", "from runner import *", "import runner.cli"]
)
def test_an_import_loads_no_driver(statement: str) -> None:
    """Each is loaded by what needs it, when that is used: a start does not pay for what it does not use."""
    loaded = run(
        "-c", f"{statement}\nimport sys\nprint(*(name for name in {DRIVERS!r} if name in sys.modules))"
    ).split()
    assert loaded == [], f"`{statement}` loads {', '.join(loaded)}"


def test_importing_a_module_touches_nothing() -> None:
    did = quiet_report(str(PACKAGE), [name for name in sources() if not name.endswith("__main__")])
    assert not did, "\n".join(f"{each['where']}: importing {each['module']} does: {each['did']}" for each in did)


def test_the_guard_hears_what_a_module_does(tmp_path: Any) -> None:
    """The guard itself: a module that reads a file, a variable or a folder while it is imported is named."""
    (tmp_path / "noisy").mkdir()
    (tmp_path / "noisy" / "__init__.py").write_text("import os\nfrom pathlib import Path\nimport noisy.other\n")
    (tmp_path / "noisy" / "other.py").write_text(
        "import os\nfrom pathlib import Path\nkey = os.environ.get('KEY')\ntext = Path(__file__).read_text()\n"
        "there = Path('x').exists()\n"
    )
    did = quiet_report(str(tmp_path / "noisy"), ["noisy", "json.tool"], path=str(tmp_path))
    assert {each["module"] for each in did} == {"noisy.other"}
    assert {each["where"].rpartition(":")[2] for each in did} == {"3", "4", "5"}


def quiet_report(folder: str, modules: list[str], path: str = str(ROOT)) -> list[dict[str, str]]:
    """What the modules of a folder did when they were imported in a process of their own."""
    program = str(ROOT / "tests" / "guards" / "quiet.py")
    start = f"import sys, runpy; sys.path.insert(0, {path!r}); runpy.run_path({program!r}, run_name='__main__')"
    found: list[dict[str, str]] = json.loads(run("-c", start, folder, *modules))
    return found
